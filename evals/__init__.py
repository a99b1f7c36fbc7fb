"""Evaluations: quality, speed and stress, run with ``python -m agentmem.evals.NAME --help``."""
