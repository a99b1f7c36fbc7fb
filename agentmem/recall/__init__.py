"""The recall engine: signals, spread, prior, rank; and what is made of the hits."""
