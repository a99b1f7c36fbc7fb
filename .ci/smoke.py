"""What a newcomer does first, against whatever agentmem is installed; run outside the checkout."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import agentmem

FACTS = [
    ("Ada", "My sister Grace moved to Lisbon in May to study marine biology."),
    ("Ben", "I baked sourdough all weekend and burnt two loaves."),
    ("Ada", "The dentist moved my appointment to Friday at nine."),
]


def agentmem_cli(*args: str) -> str:
    """Run the installed command line, and give its output."""
    done = subprocess.run(["agentmem", *args], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"agentmem {' '.join(args)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Write, search, reopen, and do the same from the command line."""
    where = Path(agentmem.__file__)
    assert "site-packages" in where.parts, f"not the installed package: {where}"
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "ada.db")
        for store in ("unified", "episodic"):
            with agentmem.open(path, store=store, namespace=(store,)) as memory:
                for speaker, text in FACTS:
                    memory.add(text, speaker=speaker, session="kitchen")
                hits = memory.search("Where does Grace live?", k=1)
                assert hits[0].memory.text == FACTS[0][1], hits
            with agentmem.open(path, store=store, namespace=(store,)) as memory:
                assert memory.get(hits[0].memory.id).text == FACTS[0][1]
        agentmem_cli("add", path, "The spare key is under the blue pot.")
        found = json.loads(agentmem_cli("search", path, "Where is the spare key?", "--json"))
        assert "blue pot" in json.dumps(found), found
        agentmem_cli("check", path)
    print(f"smoke test passed with agentmem {agentmem.__version__} from {where.parent}")


main()
