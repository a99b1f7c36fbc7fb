"""ForgettingStore: a memory that fades as MemoryBank's does, and forgets nothing for good.

Zhong, Guo, Gao, Ye & Wang 2023, "MemoryBank: Enhancing Large Language Models with Long-Term Memory"
(arXiv:2305.10250; AAAI 2024). The store is composed of

- **the log**: episodes, verbatim (section 3.1);
- **digests** (section 3.1): for each day a summary of its events (kind ``"day-summary"``, found by
  recall like a turn) and a portrait of the user (``"day-portrait"``), over all days an ``"overview"``
  and a ``"portrait"``, which :meth:`~ForgettingStore.overview` and :meth:`~ForgettingStore.portrait` give
  for the prompt. They are made by ``consolidate()``, for days that are over, and made anew when a day
  has changed: by sentences picked from the log, or by a language model where ``open(llm=...)`` has one;
- **retention** (section 3.3)::

      R = e^(-t/S)        t: days since the memory was last recalled
      on recall:          S <- S + 1, t <- 0;   a new memory has S = 1

  read from the log of uses, by whichever curve of :mod:`agentmem.decay` the option ``curve`` names;
- **forgetting**: what is forgotten is no longer found; it stays in the log, and comes back when it is
  used (``reinforce``), when the consolidation is undone, or when the store is opened with another policy.

::

    memory = agentmem.open("ada.db", store="forgetting", forget="sampled", seed=7)
    memory.recall("Where does Grace live?")     # found, and remembered better from now on
    memory.consolidate()                        # yesterday's digests; who is forgotten
    memory.retention(id), memory.forgotten(), memory.portrait()

Options (defaults are the paper's parameters where it has them):

=================  ============  ==========================================================================
``curve``          "memorybank"  a name, a mapping ``{"curve": name, parameter: value}`` or a Curve
``fading``         0.1           how much of a score in recall retention decides; the paper: 0
``forget``         "none"        "sampled": kept with probability R, as in the paper; "threshold": while R
                                 is at least ``threshold``; "none": all is found, as the released code has
                                 it unless told otherwise
``threshold``      0.05          see ``forget``
``seed``           0             of "sampled"; each memory draws its number once
``capacity``       None          at most so many memories of the log are found; the least worthy,
                                 by retention · importance, leave first
``touch_log``      False         retire what is forgotten instead of hiding it (``restore`` brings it back)
``zone``           None          the time zone in which days end; None: the offset each memory came with
``find_days``      True          whether recall finds the day summaries
``retrieval``      "engine"      "dense": vectors alone, as in the paper
``prompts``        None          a folder whose files replace prompts of the same name
=================  ============  ==========================================================================

A memory with ``metadata={"pinned": True}`` is never forgotten; ``{"importance": 0.3}`` weighs in the
eviction. What differs from the released code, on purpose: stronger memories fade more slowly (its
``exp(-t / 5 * S)`` has it the other way round; ``curve={"curve": "memorybank", "as_coded": True}``);
asking often does not forget more; nothing is deleted; equal seeds forget alike; a day that gets another
turn is digested anew; digests are refreshed when what they rest on is gone, and the overview and the
portrait rest on days that are still remembered; day summaries are strengthened by recall as turns are.
Mere retrieval counts as recall, as in the paper; ``{"curve": "memorybank", "retrieved": 0}`` lets only
``reinforce`` count.

When to use it: for a companion that talks to one person for months, where what was not needed for long
should step back. Not for looking up arbitrary old facts: there, any forgetting costs recall.
"""

from agentmem.stores.forgetting.fate import Fate
from agentmem.stores.forgetting.store import ForgettingStore, Plan

__all__ = ["Fate", "ForgettingStore", "Plan"]
