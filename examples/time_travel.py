"""Two times: when a thing holds, and when the memory learned it."""

from datetime import timedelta

import agentmem

clock = agentmem.ManualClock("2024-01-01")  # the machine's clock, when none is given
memory = agentmem.open(":memory:", clock=clock)

# In January we learn where Ada lives; in March we learn that she moved in February.
memory.add("Ada lives in Berlin.", id="berlin", at="2020-05-01", valid_from="2020-05-01")
clock.set("2024-03-10")
memory.update("berlin", valid_until="2024-02-01")
memory.add("Ada lives in Lisbon.", id="lisbon", valid_from="2024-02-01")

question = "Where does Ada live?"
print("asked today:            ", memory.search(question, k=1)[0].memory.text)
print("asked about 2022:       ", memory.search(question, k=1, at="2022-06-01")[0].memory.text)
print("as we knew in February: ", memory.search(question, k=1, known_at="2024-02-15")[0].memory.text)

# Nothing was overwritten.
for version in memory.history("berlin"):
    print(f"version {version.version}, learned {version.recorded_at:%d %b %Y}: until {version.valid_until}")

# What expires fades from recall by itself, and is retired when the memory is told to forget.
memory.add("The parking ticket is valid.", expires_at=clock() + timedelta(days=1))
clock.advance(timedelta(days=2))
print(
    "parking ticket:",
    [hit.memory.text for hit in memory.search("parking ticket") if "ticket" in hit.memory.text],
)
print("forgotten:", [gone.text for gone in memory.forget()])
