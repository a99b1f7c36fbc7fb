"""Speed, measured as ratios within one run; see the modules' ``--help``.

One thread each, set before numpy is loaded: ratios between a library that spins up threads and one
that does not say little on a shared machine.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
