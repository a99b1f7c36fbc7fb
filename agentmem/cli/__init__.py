"""The command line: ``agentmem COMMAND FILE ...``, the file first as in sqlite-utils.

Importing this loads click and nothing else; each command loads what it needs when it runs.

Exit codes: 0 done; 1 nothing found, or not clean; 2 wrong usage; 3 an error of agentmem's.
Errors are one line on standard error, with ``--json`` an object ``{"error": ..., "type": ...}``.
"""

from __future__ import annotations

import io
import sys

from agentmem.cli.group import CommandGroup

COMMANDS = {
    "add": "agentmem.cli.write",
    "search": "agentmem.cli.read",
    "ask": "agentmem.cli.read",
    "list": "agentmem.cli.read",
    "show": "agentmem.cli.read",
    "update": "agentmem.cli.write",
    "delete": "agentmem.cli.write",
    "restore": "agentmem.cli.write",
    "erase": "agentmem.cli.write",
    "import": "agentmem.cli.exchange",
    "export": "agentmem.cli.exchange",
    "stats": "agentmem.cli.files",
    "namespaces": "agentmem.cli.files",
    "check": "agentmem.cli.files",
    "reindex": "agentmem.cli.files",
    "backup": "agentmem.cli.files",
    "duplicates": "agentmem.cli.upkeep",
    "facts": "agentmem.cli.facts",
    "stale": "agentmem.cli.upkeep",
    "consolidate": "agentmem.cli.upkeep",
    "undo": "agentmem.cli.upkeep",
    "forget": "agentmem.cli.upkeep",
    "chat": "agentmem.cli.chat",
    "demo": "agentmem.cli.chat",
    "graph": "agentmem.cli.graph",
    "eval": "agentmem.cli.tools",
    "completion": "agentmem.cli.tools",
}
"""Command -> the module that holds it, under its name followed by ``_command`` or its bare name."""

cli = CommandGroup(
    COMMANDS,
    name="agentmem",
    help="""A memory for LLM applications, on one file.

    \b
    agentmem add ada.db "I moved to Lisbon in May" --speaker Ada
    agentmem search ada.db "where does Ada live?" --explain
    agentmem import ada.db chat.txt

    Every command takes --json. In a terminal results are aligned and cut to its width; in a pipe they
    are tab-separated and whole. Exit codes: 0 done, 1 nothing found or not clean, 2 wrong usage,
    3 an error.
    """,
)


def main() -> None:
    """Run the command line; the entry point ``agentmem``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for terminals that do not know every script
    cli.main(prog_name="agentmem")
