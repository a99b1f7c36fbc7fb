"""What every wrapper of somebody else's model does with its answer."""

from __future__ import annotations

import hashlib

import numpy as np

from agentmem.embed.base import Vectors
from agentmem.errors import EmbedderError

PROBE = "On Tuesday my sister Ada planted three pear trees behind the old library."


def checked(answer: object, count: int, dim: int | None, who: str) -> Vectors:
    """Turn an answer into unit rows.

    Args:
        answer: rows of numbers, as an array or nested lists.
        count: how many rows there must be.
        dim: how wide they must be; None takes any width.
        who: named in errors.

    Raises:
        EmbedderError: too few or many rows, the wrong width, or numbers that are none.
    """
    try:
        rows = np.asarray(answer, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EmbedderError(f"{who} answered with something else than rows of numbers: {error}") from error
    if rows.ndim != 2 or len(rows) != count:
        raise EmbedderError(f"{who} answered {count} texts with an array of shape {rows.shape}")
    if dim is not None and rows.shape[1] != dim:
        raise EmbedderError(f"{who} answered with vectors of width {rows.shape[1]}, expected {dim}")
    if not np.isfinite(rows).all():
        raise EmbedderError(f"{who} answered with numbers that are not finite")
    peaks = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    scaled = np.zeros_like(rows)
    np.divide(rows, peaks, out=scaled, where=peaks > 0)  # else squares may overflow
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    np.divide(scaled, lengths, out=scaled, where=lengths > 0)
    return scaled


def fingerprint(kind: str, name: str, probe: Vectors) -> str:
    """Tell models apart by what they make of :data:`PROBE`.

    Only which eight numbers are the largest, and their signs, enter the hash: the last digits differ
    between processors and batch sizes, and the same model must keep its name.

    Args:
        kind: the wrapper.
        name: the model's own name.
        probe: the unit vector of the probe.
    """
    largest = np.sort(np.argsort(-np.abs(probe), kind="stable")[:8])
    signs = "".join(f"{i}{'+' if probe[i] > 0 else '-'}" for i in largest.tolist())
    return f"{kind}:{hashlib.sha256(f'{name};{len(probe)};{signs}'.encode()).hexdigest()[:16]}"
