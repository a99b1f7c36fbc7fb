from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import agentmem
from agentmem.interchange import Entry, Report, Source, read
from agentmem.store import MemoryStore

Reading = tuple[list[Entry], Report]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[MemoryStore]:
    with agentmem.open(tmp_path / "memory.db", embedder="none") as store:
        yield store


@pytest.fixture
def reading(tmp_path: Path) -> Callable[..., Reading]:
    """Read a text as a file of some name."""

    def run(text: str | bytes, name: str = "source.txt", format: str = "auto") -> Reading:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        report = Report()
        return list(read(Source(path), report, format=format)), report

    return run
