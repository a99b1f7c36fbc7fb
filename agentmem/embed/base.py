"""What an embedder is: texts in, unit rows out.

A stateless thing. The store keeps its ``fingerprint`` in the file, so that vectors of two
embedders are never compared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Speed = Literal["fast", "local", "remote"]


class Embedder(ABC):
    """Turns texts into unit vectors.

    Attributes:
        name: short name, shown in ``stats()`` and kept in the file.
        dim: width of a vector.
        speed: ``"fast"`` (under 0.2 ms a text: embedded inside ``add``), ``"local"`` (a model on
            this machine: embedded inside ``add``, outside the transaction) or ``"remote"`` (over
            a network: put off to ``flush()``).
        fingerprint: changes whenever the vectors would: weights, width, pooling.
    """

    name: str
    dim: int
    speed: Speed
    fingerprint: str

    @abstractmethod
    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Embed texts.

        Args:
            texts: any texts; long ones may be cut by the model, see :mod:`agentmem.embed.pieces`.
            query: true for questions, for models that treat them apart.

        Returns:
            float32 array of shape (len(texts), dim). Each row has length 1, or is all zeros when
            the embedder has nothing to say about the text (empty, or a script it does not know).

        Raises:
            EmbedderError: the model failed; nothing was embedded.
        """
