"""ZettelkastenStore: a slip box. Episodes get notes, notes are linked, links bring what belongs together.

**What it is.** A-MEM (W. Xu, Z. Liang, K. Mei, H. Gao, J. Tan and Y. Zhang, "A-MEM: Agentic Memory for LLM
Agents", arXiv 2502.12110, NeurIPS 2025). An episode c gets a note {c, t, K, G, X, e, L}: keywords K, tags
G, a sentence of context X, the vector e = f(concat(c, K, G, X)) (section 3.1, equations 1 to 3), and links
L, decided over the k notes nearest by cosine (section 3.2, equations 4 to 6). A new note may rewrite
context and tags of its neighbours (section 3.3, equation 7). A question is answered by the cosine with e,
and each hit brings the notes linked with it (section 3.4, equations 8 to 10).

``search`` returns episodes, never notes: a note's vector stands for its episode, and an episode that came
by a link says so in ``via`` and ``why``. Notes are memories of the kind ``"zettel"`` that name their
sources.

**When notes are made.** ``add`` writes the episode and nothing else, so that it costs the same however much
is stored; until the next ``consolidate()`` an episode is found by its own text. ``consolidate()``
annotates, links and evolves what is new, or was changed since: with a language model (``llm=`` of
``agentmem.open``) note by note, each a transaction of its own, so that a run that is killed or out of
budget keeps what was paid for; without one by statistics over what came into the namespace
(:mod:`agentmem.stores.zettelkasten.roles`), so that a run that goes on where another stopped leaves what one
run would have left. What failed is marked (``failed()``), never taken for an empty
annotation, and tried again the next time. ``plan()`` says beforehand how many calls there will be at least.
Notes that were made locally are made anew once a model is there.

**History.** Notes are never overwritten. ``note(id)`` is an episode's note, ``evolution(id)`` all versions
with what caused each and by whose arrival, ``linked(id)`` what belongs with it and why, ``revert(id)``
takes back the last version, ``undo(run)`` a whole consolidation. Erasing an episode erases each note into
which its text may have flowed; those are made anew.

**Parameters** (the defaults are the paper's, where it has one):

=================  =========  ==============================================================================
``recall``         "paper"    the cosine with the note alone; "hybrid" adds it, standardised, to the words,
                              vectors, persons and dates of the engine: a deviation, and much better
``expand``         None       "each": linked notes follow their hit at once, as published (default of
                              "paper"); "scored": they gain ``mix`` of its score (of "hybrid"); "none"
``index_text``     "paper"    "code" embeds X and K only, as the first published code; "content" c alone
``link_k``         10         k of the paper's text; its code has 5
``evolve``         True       False leaves evolution out
``linked``         10         most notes that a hit brings; the code stops after k + 1
``most_rewrites``  20         versions after which a note stays as it is; the paper has no bound
``keywords``       5          key terms of a local note
``threshold``      0.55       least weight of a local link
``mix``            0.1        see ``expand``
``prompts``        None       a folder whose files (zettel_annotate.txt, …) replace the packaged ones
=================  =========  ==============================================================================

**Where it departs from the paper, and why.** At most k memories are returned, linked ones included: the
paper returns k and their links on top, which no budget compares. Links are followed from both ends. One
call decides all links of a note and one more rewrites the neighbours it names, not one call a neighbour.
Keywords stay those of the source. The question itself is embedded, not keywords a model made of it. A
memory without a vector (pending, or in a script that the embedder does not know) is found by its words.

**Mended faults of the published code**: links are ids and not places in a list; labels that were not shown
are refused; answers are matched by label and not by order; links do not wait for an evolution; an empty
list of tags erases nothing; a rewritten note is embedded at once and not after a hundred; no memory comes
twice; linked notes arrive though there are k hits; opening a file again keeps it.

**When to use it.** For notes on subjects that come back, where a person or a model wants to see what
belongs with what and why; with a language model that writes good annotations. As recall alone it does not
pay without one: on LoCoMo, share of evidence among the first 5/10/20, local roles, the static vectors
and MiniLM; ``threshold`` and ``mix`` were chosen on these questions::

                                      static              MiniLM
    cosine of the episodes alone      50.1  60.1  69.0    48.7  61.1  73.0
    of their notes, no links          49.3  60.9  70.9    54.2  66.0  74.9
    ... with links ("paper")          49.0  60.8  71.0    54.3  66.0  74.6
    "hybrid"                          75.6  82.6  88.6    77.3  85.2  89.8
    the engine without notes          75.9  82.8  88.2    77.1  84.8  89.2

What a local note adds is mostly the turn before it; local links and evolution add nothing that is sure.
"""

from agentmem.stores.zettelkasten.notes import Annotation, Note
from agentmem.stores.zettelkasten.store import Plan, ZettelkastenStore

__all__ = ["Annotation", "Note", "Plan", "ZettelkastenStore"]
