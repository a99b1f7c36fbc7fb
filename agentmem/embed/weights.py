"""The files in ``agentmem/embed/data``: where they are, what they hash to, the tokenizer they share."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentmem.errors import EmbedderError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

DATA = Path(__file__).parent / "data"


@cache
def manifest() -> dict[str, Any]:
    """Read ``manifest.json``: recipe version, inputs, and for each file its size and sha256."""
    try:
        loaded: dict[str, Any] = json.loads((DATA / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EmbedderError(
            f"the packaged weights are missing from {DATA} ({error}); reinstall agentmem-kit"
        ) from error
    return loaded


def path(name: str) -> Path:
    """Find a packaged file.

    Raises:
        EmbedderError: the file is not there.
    """
    found = DATA / name
    if not found.is_file():
        raise EmbedderError(f"the packaged file {name} is missing from {DATA}; reinstall agentmem-kit")
    return found


def fingerprint(name: str, *files: str, rule: str) -> str:
    """Name an embedder by the hashes of its files and the rule that turns them into vectors."""
    known = manifest()["files"]
    digest = hashlib.sha256(rule.encode())
    for file in files:
        digest.update(known[file]["sha256"].encode())
    return f"{name}:{digest.hexdigest()[:16]}"


def tokenizer(max_tokens: int | None = None) -> Tokenizer:
    """Load the English word-piece tokenizer, without padding.

    Args:
        max_tokens: cut texts here, special tokens included; None keeps all of a text.
    """
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_file(str(path("tokenizer.json")))
    loaded.encode_special_tokens = True  # "[SEP]" in somebody's text is text
    loaded.no_padding()
    if max_tokens is None:
        loaded.no_truncation()
    else:
        loaded.enable_truncation(max_tokens)
    return loaded
