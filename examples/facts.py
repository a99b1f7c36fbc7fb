"""Facts: what is said of whom, what replaced what, and a person's word on it."""

import agentmem

memory = agentmem.open(":memory:")
for day, text in (
    ("2019-02-01", "Ada works for Acme."),
    ("2019-02-02", "Ben works for Globex."),
    ("2019-02-03", "Acme is led by Dora."),
    ("2019-02-04", "Globex is led by Emil."),
    ("2019-02-05", "Dora lives in Lima."),
    ("2019-02-06", "Emil lives in Oslo."),
    ("2022-05-03", "Acme is led by Emil."),
    ("2023-01-09", "Emil has moved to Rome."),
    ("2023-01-10", "Gina has moved to Bern."),
):
    memory.add(text, at=day, id=day)

# Over three facts, of which one has changed: the answer is the new one, and it says what was before.
question = "Where does the person live by whom the company is led that Ada works for?"
answer = memory.ask(question)
print(answer.text)
for step in answer.chain:
    print("  ", step)
print("in 2020:", memory.ask(question, at="2020-01-01").text)

# Every fact leads to the sentence it was read from, and to what it replaced.
print()
for fact in memory.facts(relation="is led by"):
    print(fact.id, fact.state, fact.subject, "→", fact.object)
said = memory.facts.explain("2022-05-03#0")
print("replaces", said.replaces.object if said.replaces else None, "since", said.since.date())

# A search says as much of its hits when it is asked to.
print()
for hit in memory.explain(memory.search("Who leads Acme?", k=2)):
    print(hit.memory.text, "·", "; ".join(hit.why))

# "Emil has moved to Rome" may update "Emil lives in Oslo": a proposal, acted on by nobody but you.
print()
proposal = memory.facts.proposals("Emil")[0]
print(proposal.level, ":", proposal.older.sentence, "→", proposal.newer.sentence)
correction = memory.facts.confirm(proposal)
print("confirmed:", memory.ask(question).text)
memory.facts.undo(correction.id)
print("taken back:", memory.ask(question).text)
