"""Ready triples: OpenIE files as HippoRAG writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from agentmem.errors import InvalidInput
from agentmem.stores.hipporag.phrases import Extraction, checked, phrase


def read_openie(path: str | Path) -> dict[str, Extraction]:
    """Extractions by the key of their passage's text, from ``openie_results_*.json``.

    The file is ``{"docs": [{"passage", "extracted_entities", "extracted_triples"}, ...]}``.

    Raises:
        InvalidInput: it is something else.
    """
    try:
        docs = json.loads(Path(path).read_text(encoding="utf-8"))["docs"]
        found: dict[str, Extraction] = {}
        for doc in docs:
            if not isinstance(doc, Mapping):
                raise TypeError("a doc is no object")
            read = checked(doc.get("extracted_entities") or (), doc.get("extracted_triples") or ())
            found[passage_key(doc["passage"])] = read
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InvalidInput(f"{path} is no OpenIE file: {error!r}") from None
    return found


def passage_key(text: str) -> str:
    """What a passage is found by: its words, whatever its spaces and punctuation."""
    return phrase(text, longest=None)
