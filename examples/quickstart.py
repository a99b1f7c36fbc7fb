"""Write a conversation, find a turn again, and see why it came."""

import tempfile
from pathlib import Path

import agentmem

CONVERSATION = [
    ("2023-05-08T13:56", "Ada", "I adopted a greyhound called Biscuit last weekend."),
    ("2023-05-08T13:57", "Ben", "Does she get along with the cat?"),
    ("2023-05-08T13:58", "Ada", "They sleep in the same basket."),
    ("2023-07-20T18:00", "Ada", "My sister Grace moved to Lisbon to study marine biology."),
    ("2023-09-14T08:30", "Ben", "I passed my driving test, at the third attempt!"),
]

with tempfile.TemporaryDirectory() as folder, agentmem.open(Path(folder) / "ada.db") as memory:
    memory.add_many(
        {"text": text, "speaker": speaker, "at": at, "session": at[:10]} for at, speaker, text in CONVERSATION
    )

    for question in ("Where does Grace study?", "Who passed an exam?", "How do the pets get along?"):
        hit = memory.search(question, k=1)[0]
        print(f"{question}\n  {hit.memory.at:%d %b %Y} {hit.memory.speaker}: {hit.memory.text}")
        print(f"  because {'; '.join(hit.why)}")

    answer = memory.ask("When did Ada adopt Biscuit?")
    print(f"\n{answer.text}  (confidence {answer.confidence:.2f})")
    print(memory.ask("What is Ben's shoe size?").text or "The memory does not hold Ben's shoe size.")
    print(f"\n{memory.context('How is the dog?', tokens=150, at='2023-10-01')}")
