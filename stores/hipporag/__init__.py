"""HippoRAGStore: memories joined by what they speak of, recalled by Personalized PageRank.

The papers: Gutiérrez et al., "HippoRAG: Neurobiologically Inspired Long-Term Memory for Large Language
Models", NeurIPS 2024 (arXiv 2405.14831), and "From RAG to Memory: Non-Parametric Continual Learning for
Large Language Models", ICML 2025 (arXiv 2502.14802), here version 1 and 2.

What it does
    Each memory is read into triples (subject, relation, object). Subjects and objects are *phrases*, nodes
    of a graph; a triple is an edge; phrases alike in meaning are joined by a synonym edge. A question is
    linked to the graph, activation spreads from there (:mod:`agentmem.stores.hipporag.pagerank`), and
    memories are ranked by what reaches them. So a memory is found that shares no word with the question
    but is one step from one that does.

    Version 1 links the *names* in the question to the nearest phrases, weighs each by its specificity
    1 / |P_i|, and sums the mass of a passage's phrases. Version 2 links the question to *facts*, lets a
    recognition filter choose among the best five, has passages as nodes, all of which are weak seeds, and
    ranks by their own mass; without a fact it ranks by vectors.

When to use it
    For multi-hop questions over passages of the kind "who leads the country where X was born", with good
    triples: a model's (``llm=``) or ready ones (:meth:`HippoRAGStore.load_openie`). For chats the walk adds
    nothing measurable to words and vectors; take the unified store.

Without a model
    Triples are read by rules (capitalised spans, the words between them, runs of scripts without capitals;
    :mod:`agentmem.stores.hipporag.extract`) when a memory is added. With ``llm=`` the model reads again at
    ``consolidate()``, two calls a memory; what fails is marked and read again the next time. A search asks
    the model only with ``recognition="llm"``: which facts bear on the question (version 2), or which names
    it holds (version 1); where that fails, all facts are kept (names are read by rules), and
    :meth:`HippoRAGStore.trace` says so.

What waits for ``consolidate()``
    Synonym edges (each new phrase is compared with all others, so adding stays cheap at any size), vectors
    of phrases and facts of embedders that are not fast (until then only exact phrases link), and memories
    that another store wrote, if there are more than a thousand. All of it resumes after a kill. It writes
    no memories, only artifacts of memories, so ``undo`` has nothing to take back.

Options
    version: 1 or 2.
    damping: probability of following an edge (0.5 in both papers).
    synonymy: least cosine of a synonym edge (0.8); synonyms: at most so many a phrase (100).
    specificity: weigh seeds by 1 / |P_i| (version 1, and version 2's code; the text of its paper does not).
    ensemble: version 1: with a name linked below this cosine, the mean with the vectors' scores (0.9 in
        the appendix; None: off, as in the main results).
    link_from: least cosine at which a name links to a phrase; 0 in the paper, which always links.
    facts, seeds: version 2: facts linked, phrases seeded (5, 5).
    passage_weight: weight of a passage's dense score as a seed (0.05).
    passage_seeds: how many passages are seeds, the strongest; None: all, as in the paper. *Deviation*: with
        200 the seeds are sparse, and the walk costs the same at any size.
    dense_share: instead of passage_weight, the share of all seed mass that passages get; independent of the
        size of the store. None: the paper's way. *Deviation.*
    recognition: "none" (all five facts), "local" (cosine at least ``recognition_from`` and nine tenths of
        the best, and a word of the question; *ours*), or "llm" (the paper's filter).
    entities: entities that are in no triple become nodes too (*ours*).
    exact: the exact vector instead of push.
    lexical, dense: factors on the engine's words and vectors; *both 0 is the papers' ranking*, by the walk
        alone. pagerank: what the best passage gets from the walk, beside them.
    prompts: a folder of prompts in place of the packaged ``hipporag_*.txt``.

``PAPER[1]`` and ``PAPER[2]`` are the options under which a version ranks as published.

Measured, MuSiQue, 60 questions over 1,890 passages, GPT-3.5 triples, MiniLM (recall at 2 / 5, ``python -m
agentmem.evals.hipporag``): version 1 46.5 / 60.8; version 2 without a filter 46.7 / 65.6, with the local
filter 51.4 / 66.7, with a dense share of .95 besides 51.4 / 72.2. PageRank at a million edges (``python -m
agentmem.evals.speed.pagerank``): 5 ms by push, 100 ms exact, the same 20 best nodes.

A search of versions known at another time (``known_at=``) does not walk: the graph is of now. Several
namespaces searched together (``subtree=``) are each walked by themselves; links never cross.
"""

from agentmem.stores.hipporag.linking import Trace
from agentmem.stores.hipporag.store import PAPER, HippoRAGStore

__all__ = ["PAPER", "HippoRAGStore", "Trace"]
