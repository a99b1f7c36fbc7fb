"""EpisodicStore: a conversation cut into events by surprise, and recalled as whole events in order.

**What it is.** People cut what happens into events where something unexpected happens, and remember whole
events with what came right before and after. EM-LLM does so with the tokens in a language model's cache; this
store does it with the turns of a conversation, in a database, with or without a model.

**Sources.** EM-LLM: Fountas et al., "Human-inspired Episodic Memory for Infinite Context LLMs", ICLR 2025,
arXiv 2407.09450 (segmentation 3.1, refinement 3.2, two buffers 3.3). HCAM: Lampinen et al. 2021, arXiv
2105.14039 (coarse to fine). The order of what was said: SORT, Pink et al. 2024, arXiv 2410.08133.

**Parameters** (options of :func:`agentmem.open`; the paper's own settings in brackets):

=================  ============  =============================================================================
``segmentation``   "surprise"    or the controls "fixed" (windows of ``size`` turns), "random" (the events'
                                 lengths shuffled), "session"
``surprise``       "auto"        "logprobs" where ``llm`` gives them [paper], else "novelty"; or "words"
``gamma``          1.0           deviations over the mean at which an event begins [1.0; 1 to 3.5 tried]
``window``         64            turns before over which mean and deviation are taken
``refine``         "modularity"  or "conductance", or None [both; None in the shipped files]
``min_turns``      2             with ``min_tokens`` 60, ``max_turns`` 16, ``max_tokens`` 512 [8, 128 tokens]
``shrink``         10            words at which a short turn counts half; 0 [paper]
``gap``            0.5           what a pause adds: gap · ln(pause / 10 min); 0 [paper]
``pairs``          True          an answer stays with its question; False [paper]
``contiguity``     0.3           share of the budget for neighbouring events [0.3; .3, .5, .7 tried]
``neighbours``     1             how far the neighbours reach [1]
``representatives``  4           turns that stand for an event [4 tokens]
``similarity``     "engine"      an event is as similar as its best turn in ``search``; "representatives"
                                 [paper]: by cosines of its representatives and its mean
``event_lift``     0.2           share of its event's best turn that a turn gets in ``search``
``beside_lift``    0.0           the same of the events beside it
=================  ============  =============================================================================

**When to use it.** When the answer is spread over a stretch of conversation, when the model should read whole
passages rather than loose turns (:meth:`~agentmem.stores.episodic.EpisodicStore.events`,
:meth:`~agentmem.stores.episodic.EpisodicStore.story`), or when order matters
(:meth:`~agentmem.stores.episodic.EpisodicStore.before`). ``python -m agentmem.evals.events`` compares the
ways of cutting at one budget: on text the paper itself found fixed windows better than bare surprise.

**What it costs.** ``add`` derives nothing. Events are a cache that the next read brings up to date, cutting
only the open end of the sessions that grew. ``consolidate`` writes down the closed ones, and asks the model,
if any, for log-probabilities: one call for about 1,000 tokens of conversation.

**Measured** (static embedder, no language model). LoCoMo, ``search``: 76.4 / 83.5 / 88.3 % of the
evidence among the first 5 / 10 / 20 turns (75.9 / 82.8 / 88.2 without ``event_lift``). Within 500 / 1,000
/ 2,000 tokens, without neighbours: single turns of ``search`` 82.9 / 88.3 / 92.2; events 68.5 / 80.5 /
87.4; events without refinement 66.0 / 79.7 / 86.8; windows of 8 turns 65.3 / 79.7 / 87.3; the events'
lengths in random order 65.4 / 78.4 / 86.8; by keys alone 38.1 / 50.7 / 62.8. So surprise with refinement
cuts a little better than windows of its size, whole events cost recall of single facts, and neighbours
cost more of it (66.1 / 76.9 / 85.5). SORT: 100 % of 2,880 pairs.
"""

from agentmem.stores.episodic.logprobs import EchoedLogProbs, LogProbs
from agentmem.stores.episodic.store import EpisodicStore, Event

__all__ = ["EchoedLogProbs", "EpisodicStore", "Event", "LogProbs"]
