"""HippoRAG on the MuSiQue questions of its authors' tuning set, with the triples that came with it.

::

    python -m agentmem.evals.hipporag --data DIR --cache FOLDER

60 questions over 1,890 passages, triples by GPT-3.5 (``musique/hipporag_train100``), MiniLM for phrases,
facts and passages, names in the questions by rules. Share of the supporting passages among the first 2
and 5, averaged over all questions, intervals bootstrapped. Rows marked *paper* have its parameters;
others say what differs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import agentmem
from agentmem.embed.base import Embedder
from agentmem.embed.minilm import MiniLMEmbedder
from agentmem.errors import InvalidInput
from agentmem.evals import metrics
from agentmem.evals.cache import CachedEmbedder
from agentmem.evals.metrics import Mean
from agentmem.evals.tasks import data_folder
from agentmem.evals.tasks.base import Pool
from agentmem.evals.tasks.multihop import load_musique
from agentmem.stores.hipporag import PAPER, HippoRAGStore

CUTS = (2, 5)
_OPENIE = "openie_musique_train_results_ner_gpt-3.5-turbo-1106_1890.json"

ARMS: Mapping[str, Mapping[str, Any]] = {
    "HippoRAG 1 (paper)": PAPER[1],
    "HippoRAG 1, ensemble .9 (paper, appendix)": {**PAPER[1], "ensemble": 0.9},
    "HippoRAG 1, no specificity (paper, ablation)": {**PAPER[1], "specificity": False},
    "HippoRAG 2 (paper, no filter)": PAPER[2],
    "HippoRAG 2, facts and synonyms doubled (the original's code, no filter)": {**PAPER[2], "doubled": True},
    "HippoRAG 2, doubled, dense share .92 (tuned here)": {**PAPER[2], "doubled": True, "dense_share": 0.92},
    "HippoRAG 2, exact vector (paper, no filter)": {**PAPER[2], "exact": True},
    "HippoRAG 2, local filter": {**PAPER[2], "recognition": "local"},
    "HippoRAG 2, dense share .95": {**PAPER[2], "dense_share": 0.95},
    "HippoRAG 2, local filter, dense share .95": {**PAPER[2], "recognition": "local", "dense_share": 0.95},
    "HippoRAG 2, 200 seeds": {**PAPER[2], "passage_seeds": 200},
    "HippoRAG 2, 200 seeds, dense share .8": {**PAPER[2], "passage_seeds": 200, "dense_share": 0.8},
    "HippoRAG 2, doubled, local filter, dense share .95": {
        **PAPER[2],
        "doubled": True,
        "recognition": "local",
        "dense_share": 0.95,
    },
    "HippoRAG 2, 200 seeds, local filter (the defaults, walk alone)": {"lexical": 0.0, "dense": 0.0},
    "HippoRAG 2, 200 seeds, local filter, dense share .5": {
        "lexical": 0.0,
        "dense": 0.0,
        "dense_share": 0.5,
    },
    "words + vectors + HippoRAG 2 (the defaults)": {},
    "words + vectors + HippoRAG 1": {"version": 1},
    "words + vectors + pairs": {"spread": "pairs"},
    "words + vectors, no walk": {"pagerank": 0.0, "pagerank_read": 0.0},
}


def load(folder: Path) -> tuple[Pool, Path]:
    """The passages with the questions, and the file of triples.

    Raises:
        InvalidInput: a file is missing.
    """
    place = folder / "musique" / "hipporag_train100"
    if not (place / _OPENIE).exists():
        raise InvalidInput(f"{place / _OPENIE} is missing; the folder of data is incomplete")
    return next(load_musique(folder)), place / _OPENIE


def score(
    path: Path, pool: Pool, embedder: Embedder, options: Mapping[str, Any], seed: int
) -> tuple[dict[str, Mean], float]:
    """Recall at the cuts, and ms a question, of one setting on a file that is written."""
    shares: dict[str, list[float]] = {str(cut): [] for cut in CUTS}
    with agentmem.open(path, store=HippoRAGStore, embedder=embedder, **options) as store:
        store.search("warm up")
        start = time.perf_counter()
        for question in pool.questions:
            hits = [hit.memory.id for hit in store.search(question.text, max(CUTS), at=question.at)]
            for cut in CUTS:
                shares[str(cut)].append(metrics.share_at(hits, question.gold, cut))
        took = 1000 * (time.perf_counter() - start) / len(pool.questions)
    return metrics.summary(shares, seed=seed), took


def write(path: Path, pool: Pool, openie: Path | None, embedder: Embedder) -> dict[str, float]:
    """Write the passages, take the triples (or read by rules), consolidate; seconds of each."""
    seconds: dict[str, float] = {}
    with agentmem.open(path, store=HippoRAGStore, embedder=embedder) as store:
        assert isinstance(store, HippoRAGStore)
        start = time.perf_counter()
        store.add_many(pool.items)
        seconds["add"] = time.perf_counter() - start
        if openie is not None:
            store.load_openie(openie)
        start = time.perf_counter()
        store.consolidate()
        seconds["consolidate"] = time.perf_counter() - start
        graph = store.graph()
        kinds = [kind for _, _, kind in graph.edges(data="kind")]
        seconds |= {f"{kind} edges": float(kinds.count(kind)) for kind in ("fact", "synonym", "holds")}
        seconds["phrases"] = float(sum(1 for _, kind in graph.nodes(data="kind") if kind == "phrase"))
    return {name: round(value, 1) for name, value in seconds.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m agentmem.evals.hipporag", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--data", help="folder of the data; else the environment's AGENTMEM_DATA")
    parser.add_argument(
        "--cache", type=Path, required=True, help="folder of vectors and of the files written"
    )
    parser.add_argument("--extraction", choices=("gpt", "rules"), default="gpt", help="whose triples")
    parser.add_argument("--arms", default="", help="only arms whose name holds one of these, by commas")
    parser.add_argument("--options", default="", help="a JSON object: one more arm")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    chosen = parser.parse_args(argv)
    pool, openie = load(data_folder(chosen.data))
    lines = ["| | " + " | ".join(f"R@{cut}" for cut in CUTS) + " | ms a question |", "|---" * 4 + "|"]
    with CachedEmbedder(MiniLMEmbedder(), chosen.cache) as embedder:
        path = chosen.cache / f"musique-{chosen.extraction}.db"
        if not path.exists():
            made = write(path, pool, openie if chosen.extraction == "gpt" else None, embedder)
            sys.stderr.write(f"written: {made}\n")
        arms = dict(ARMS) | ({chosen.options: json.loads(chosen.options)} if chosen.options else {})
        wanted = [part for part in chosen.arms.split(",") if part]
        for name, options in arms.items():
            if wanted and not any(part in name for part in wanted):
                continue
            found, took = score(path, pool, embedder, options, chosen.seed)
            cells = " | ".join(str(found[str(cut)]) for cut in CUTS)
            lines.append(f"| {name} | {cells} | {took:.1f} |")
            sys.stderr.write(lines[-1] + "\n")
    given = list(sys.argv[1:] if argv is None else argv)
    lines += ["", f"`python -m agentmem.evals.hipporag {' '.join(given)}`; {len(pool.questions)} questions."]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
