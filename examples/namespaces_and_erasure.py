"""Walls between users, and an erasure that leaves no byte."""

import tempfile
from pathlib import Path

import agentmem

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "app.db"
    memory = agentmem.open(path)

    # A handle is a capability: it reaches what is below it, and nothing beside it.
    ada, ben = memory.namespace("users", "ada"), memory.namespace("users", "ben")
    ada.add("My locker code is 4417-xylophone.", id="locker")
    ada.add("A note on the locker code.", kind="note", sources=["locker"])
    ben.add("I always forget my locker code.")
    print("ben finds:", [hit.memory.text for hit in ben.search("locker code")])
    print("everybody:", [hit.memory.namespace for hit in memory.search("locker code", subtree=True)])

    # Deleted is not erased: the history is there until it is erased.
    ada.delete("locker")
    print("after delete:", len(ada.history("locker")), "version in the history")

    report = ada.erase(ids="locker")
    print(
        f"erased {report.versions} versions and {report.words} words; with it went {len(report.derived)} note"
    )
    print("complete:", report.complete)
    memory.close()

    left = [
        file.name for file in Path(folder).rglob("*") if file.is_file() and b"xylophone" in file.read_bytes()
    ]
    print("files that still hold it:", left or "none")
