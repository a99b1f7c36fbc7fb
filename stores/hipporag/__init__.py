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
    triples: a model's (``llm=``) or ready ones (:meth:`HippoRAGStore.load_openie`). Over triples read by
    rules the walk still adds to words and vectors with MiniLM, hardly with the static embedder, and nothing
    in chats; the unified store and ``spread="pairs"`` find more than either.

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
    no memories, only artifacts of memories; ``undo`` brings back what stood before.

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
    near: facts (and phrases that a name may mean) are sought among those of so many passages nearest to the
        question by vectors, and as many by words; None: among all, as in the papers. *Deviation*: with 25 a
        question costs the same at any size; on 9,003 passages 94 % of the five best facts are found.
    doubled: facts and synonyms count twice in the walk, passages once, as in version 2's code (issue #174);
        the papers' text has every edge once.
    lexical, dense: factors on the engine's words and vectors; *both 0 is the papers' ranking*, by the walk
        alone.
    pagerank, pagerank_turns, pagerank_read: what the best passage gets from the walk, beside words and
        vectors. Where triples are a model's or came ready 100, so that the walk ranks; where rules read them
        0 for a turn in a session (they read it as "speaker, said, word"), and for a passage (None) the same
        100 with a model's vectors, but 1 with the packaged static ones, which link a question to facts worse.
    spread: "pagerank", or "pairs", the step of the unified store (:mod:`agentmem.recall.pairs`) in its place.
    prompts: a folder of prompts in place of the packaged ``hipporag_*.txt``.

``PAPER[1]`` and ``PAPER[2]`` are the options under which a version ranks as published.

Measured, MuSiQue, 60 questions over 1,890 passages, GPT-3.5 triples, MiniLM (recall at 2 / 5, ``python -m
agentmem.evals.hipporag``):

===================================================  ====  ====
version 1                                            46.5  60.8
version 2, no filter                                 46.7  65.6
the same, edges doubled as in the code               46.7  68.1
the same, dense share .92, tuned on these questions  46.7  69.4
version 2, local filter                              51.4  66.7
the same, dense share .95                            51.4  72.2
200 passage seeds, local filter                      52.8  70.8
the defaults: that, words and vectors                50.6  72.1
words and vectors alone                              46.7  59.2
words, vectors and pairs                             65.3  81.0
===================================================  ====  ====

Triples by rules, MiniLM, recall at 5 of words and vectors with hardly a walk / the walk alone / the
defaults / pairs: MuSiQue 60.0 / 70.3 / 70.4 / 81.0, HotpotQA 77.5 / 84.5 / 85.0 / 97.5, 2Wiki 70.0 / 76.0 /
75.0 / 96.0.

At size (``python -m agentmem.evals.speed.graph``, static embedder, CPU): an ``add`` takes 1.6 ms in a file
of 1,000 passages, 1.2 of 30,000, 1.3 of 100,000 (1.8 million facts, 3 million edges); a question 8, 18 and
21 ms; a file that has its snapshot is open and answers after 0.1 s of 30,000 and 0.2 s of 100,000, one that
has none after 16 and 58 s. Synonyms compare each new phrase with all others: 50 s for the first 9,003
passages.

A search of versions known at another time (``known_at=``) does not walk: the graph is of now. Several
namespaces searched together (``subtree=``) are each walked by themselves; links never cross.
"""

from agentmem.stores.hipporag.linking import Trace
from agentmem.stores.hipporag.store import PAPER, HippoRAGStore

__all__ = ["PAPER", "HippoRAGStore", "Trace"]
