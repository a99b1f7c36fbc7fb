"""A small world of the project's own: facts, what changed, and questions in other words than the facts.

Names and facts are made up. Questions are asked in words that the facts do not use, over up to four hops,
some after a change, some about an earlier time's fact, some that nothing answers.
"""

from __future__ import annotations

from agentmem.evals.tasks.factconsolidation import Asked, Consolidation

_FACTS = """
Orla Brandt works at Meridian Optics.
Meridian Optics was founded by Tomas Quist.
The headquarters of Meridian Optics is in Vellhaven.
Vellhaven is located in the country of Norrland.
The capital of Norrland is Isenport.
The mayor of Isenport is Dagny Holm.
Dagny Holm was born in the city of Korsfjord.
Korsfjord is located in the country of Ostmark.
The capital of Ostmark is Radenau.
The official language of Ostmark is Ostmarkish.
The official language of Norrland is Norrish.
Tomas Quist is married to Elin Vaara.
Elin Vaara was educated at Lindqvist Academy.
The principal of Lindqvist Academy is Sven Arvid.
Sven Arvid was born in the city of Radenau.
The author of The Glass Orchard is Mira Solberg.
The author of Winter Engines is Paul Renko.
Mira Solberg is a citizen of Ostmark.
Paul Renko is a citizen of Norrland.
Mira Solberg is married to Janek Brandt.
Janek Brandt works at Aurora Shipping.
The chief executive officer of Aurora Shipping is Lotte Fromm.
The chief executive officer of Meridian Optics is Rune Dahl.
Aurora Shipping was founded by Ida Kessler.
The headquarters of Aurora Shipping is in Radenau.
Lotte Fromm was born in the city of Vellhaven.
Ida Kessler is a citizen of Norrland.
Rune Dahl plays the position of goalkeeper.
Kjell Strand plays the position of striker.
Kjell Strand was born in the city of Isenport.
The Glass Orchard was performed by Harbour Theatre.
The director of Harbour Theatre is Nils Okonjo.
Nils Okonjo was educated at Korsfjord Conservatory.
The principal of Korsfjord Conservatory is Anna Thale.
Radenau is located in the country of Ostmark.
Isenport is located in the country of Norrland.
The mayor of Radenau is Pia Lund.
The mayor of Vellhaven is Oskar Brenn.
Oskar Brenn is married to Lotte Fromm.
Pia Lund is a citizen of Ostmark.
The chief executive officer of Meridian Optics is Saga Lindh.
Orla Brandt works at Aurora Shipping.
The mayor of Isenport is Kjell Strand.
The headquarters of Meridian Optics is in Korsfjord.
The principal of Lindqvist Academy is Orla Brandt.
The director of Harbour Theatre is Pia Lund.
"""

_ASKED: tuple[tuple[str, str, str], ...] = (
    ("single", "Where does Orla Brandt work?", "Aurora Shipping"),
    ("single", "Who is the mayor of Isenport?", "Kjell Strand"),
    ("single", "What is the capital of Norrland?", "Isenport"),
    ("single", "Who wrote Winter Engines?", "Paul Renko"),
    ("single", "Who is Meridian Optics's CEO?", "Saga Lindh"),
    ("single", "Which company employs Janek Brandt?", "Aurora Shipping"),
    ("single", "Who is Elin Vaara's husband?", "Tomas Quist"),
    ("single", "What nationality is Pia Lund?", "Ostmark"),
    ("single", "In which city are the head offices of Aurora Shipping?", "Radenau"),
    ("single", "What is the birthplace of Kjell Strand?", "Isenport"),
    ("single", "Who set up Aurora Shipping?", "Ida Kessler"),
    ("single", "At which school did Nils Okonjo study?", "Korsfjord Conservatory"),
    ("single", "Who penned The Glass Orchard?", "Mira Solberg"),
    ("single", "Who is the wife of Janek Brandt?", "Mira Solberg"),
    (
        "multi",
        "What is the capital of the country whose citizen is the author of The Glass Orchard?",
        "Radenau",
    ),
    ("multi", "Who is married to the founder of Meridian Optics?", "Elin Vaara"),
    ("multi", "Which language is official in the country of the writer of Winter Engines?", "Norrish"),
    ("multi", "Who runs the company Orla Brandt works at?", "Lotte Fromm"),
    ("multi", "Where was the boss of Orla Brandt's employer born?", "Vellhaven"),
    (
        "multi",
        "Who heads the school that the spouse of the founder of Meridian Optics went to?",
        "Orla Brandt",
    ),
    ("multi", "In which city was the mayor of the capital of Norrland born?", "Isenport"),
    (
        "multi",
        "What is the official language of the country Meridian Optics has its headquarters in?",
        "Ostmarkish",
    ),
    ("multi", "Who is the mayor of the city where Aurora Shipping is headquartered?", "Pia Lund"),
    (
        "multi",
        "Which country is the director of the theatre that performed The Glass Orchard a citizen of?",
        "Ostmark",
    ),
    (
        "multi",
        "Who founded the company that employs the husband of the author of The Glass Orchard?",
        "Ida Kessler",
    ),
    (
        "multi",
        "What is the capital of the country of which the founder of Aurora Shipping is a citizen?",
        "Isenport",
    ),
    ("multi", "Where does the principal of Lindqvist Academy work?", "Aurora Shipping"),
    ("multi", "Who is the spouse of the CEO of Aurora Shipping?", "Oskar Brenn"),
    ("unanswerable", "Who is the mayor of Korsfjord?", ""),
    ("unanswerable", "What is the capital of Vellhaven?", ""),
    ("unanswerable", "Who is Rune Dahl married to?", ""),
    ("unanswerable", "How many people live in Isenport?", ""),
    ("unanswerable", "Who designed the headquarters of Aurora Shipping?", ""),
    ("unanswerable", "Which instrument does Saga Lindh play?", ""),
    ("unanswerable", "When did Paul Renko die?", ""),
    ("unanswerable", "What is the religion of the author of Winter Engines?", ""),
)


def reworded() -> Consolidation:
    """The set: lines in order of time, and the questions; gold is empty where nothing answers."""
    lines = tuple(line for line in _FACTS.strip().splitlines() if line)
    asked = tuple(Asked(text, (gold,) if gold else (), kind) for kind, text, gold in _ASKED)
    return Consolidation("own", lines, asked)
