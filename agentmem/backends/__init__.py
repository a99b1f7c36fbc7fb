"""Where memories live: the contract of a backend, and the databases that meet it."""
