"""Every example runs, as a newcomer would run it, and ends well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXPECTED = {
    "chat_import.py": ["3 of 4 messages", "sharks", "12 October"],
    "facts.py": [
        "before, said on 3 February 2019: Dora",
        "in 2020: Lima",
        "replaces “Acme is led by Dora.” since 3 May 2022",
        "confirmed: Rome",
        "taken back: Oslo",
    ],
    "namespaces_and_erasure.py": ["complete: True", "files that still hold it: none"],
    "quickstart.py": ["Grace moved to Lisbon", "does not hold Ben's shoe size", "<agentmem:records>"],
    "time_travel.py": [
        "today:             Ada lives in Lisbon.",
        "2022:        Ada lives in Berlin.",
        "February:  Ada lives in Berlin.",
        "forgotten: ['The parking ticket is valid.']",
    ],
}


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_example(example: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    for expected in EXPECTED.get(example.name, ()):
        assert expected in done.stdout, done.stdout
    assert not list(tmp_path.iterdir()), "an example leaves nothing behind"
