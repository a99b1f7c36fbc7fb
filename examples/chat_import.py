"""Bring in chats: messages of an API, and a plain transcript by the command line."""

import subprocess
import sys
import tempfile
from pathlib import Path

import agentmem

MESSAGES = [
    {"role": "system", "content": "You are a helpful assistant."},
    {
        "role": "user",
        "name": "Ada",
        "content": "Can you recommend a book for my nephew? He is nine and loves sharks.",
    },
    {"role": "assistant", "content": "Try 'If Sharks Disappeared' by Lily Williams."},
    {"role": "user", "name": "Ada", "content": "Perfect, his birthday is on 3 June."},
]
TRANSCRIPT = """\
[2024-07-01 09:00] Ada: Grace has booked a flight for 12 October.
[2024-07-01 09:01] Ben: Then we need a second bed.
"""

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "ada.db"
    with agentmem.open(path) as memory:
        stored = memory.add_messages(MESSAGES, session="books", at="2024-05-02T10:00:00Z")
        print(f"{len(stored)} of {len(MESSAGES)} messages stored; system messages are left out")

    transcript = Path(folder) / "chat.txt"
    transcript.write_text(TRANSCRIPT)
    run = "from agentmem.cli import main; main()"  # in a shell: agentmem import ada.db chat.txt
    for _ in range(2):  # the second time finds everything there already
        subprocess.run([sys.executable, "-c", run, "import", str(path), str(transcript)], check=True)

    with agentmem.open(path) as memory:
        for question in ("What does the nephew love?", "When does Grace fly?"):
            hit = memory.search(question, k=1)[0]
            print(f"{question} -> {hit.memory.speaker or hit.memory.role}: {hit.memory.text}")
