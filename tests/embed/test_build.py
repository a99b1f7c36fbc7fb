"""The build script's own parts; the whole build needs torch and the weights, and runs by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from agentmem.embed import weights
from agentmem.evals import build_embedders, embedder_onnx, embedder_training, embedder_words

RECIPE = embedder_training.Recipe(sequences=200, split_share=0.2)


def vocabulary() -> list[str]:
    tokens: dict[str, int] = json.loads(weights.path("tokenizer.json").read_text(encoding="utf-8"))["model"][
        "vocab"
    ]
    return sorted(tokens, key=tokens.__getitem__)


def table() -> np.ndarray:
    rows: np.ndarray = np.load(weights.path("static.rows.npy"))
    scaled: np.ndarray = rows * np.load(weights.path("static.scales.npy"))[:, None]
    return scaled


def test_the_manifest_is_of_this_recipe() -> None:
    manifest = weights.manifest()
    assert manifest["inputs"] == build_embedders.INPUTS
    assert manifest["version"] == build_embedders.VERSION
    assert manifest["recipe"] == json.loads(json.dumps(embedder_training.Recipe().__dict__))
    names = {*build_embedders.SHARED, *(name for part in build_embedders.PARTS.values() for name in part)}
    assert set(manifest["files"]) == names


@pytest.mark.parametrize("axis", [0, 1])
def test_rounding_to_eight_bits(axis: int) -> None:
    matrix = np.random.default_rng(1).normal(size=(30, 20)).astype(np.float32)
    matrix[3] = 0
    matrix[:, 4] = 0
    values, scale = embedder_onnx.quantise(matrix, axis)
    back = values * (scale[:, None] if axis == 0 else scale[None, :])
    assert values.dtype == np.int8
    assert np.abs(back - matrix).max() <= np.abs(matrix).max() / 127 / 2 + 1e-6


def draw(seed: int) -> list[np.ndarray]:
    content, function, pieces = np.arange(1000, 2000), np.arange(100, 120), np.arange(5000, 5100)
    return embedder_training.draw_sequences(content, function, pieces, RECIPE, np.random.default_rng(seed))


def test_drawing_is_repeatable_and_mixed() -> None:
    first, again, other = draw(1), draw(1), draw(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    flat = np.concatenate(first)
    assert 0.15 < (flat < 200).mean() < 0.30
    assert 0.05 < (flat >= 5000).mean() < 0.20
    for ids in first:
        assert RECIPE.shortest <= (ids < 5000).sum() <= RECIPE.longest
        assert ids[0] < 5000


def test_main_directions_are_orthogonal() -> None:
    vectors = np.random.default_rng(3).normal(size=(100, 12)).astype(np.float32) * np.arange(1, 13)
    axes = embedder_training.main_directions(vectors.astype(np.float32), 4)
    np.testing.assert_allclose(axes.T @ axes, np.eye(4), atol=1e-5)
    assert set(np.abs(axes).argmax(axis=0)) == {8, 9, 10, 11}


def test_the_word_lists_come_from_the_packaged_table(tmp_path: Path) -> None:
    embedder_words.write_words(vocabulary(), table(), tmp_path)
    for name in ("words.txt", "stems.txt", "stems.ranks.npy"):
        assert (tmp_path / name).read_bytes() == weights.path(name).read_bytes()
    ours, packaged = (np.load(folder / "thesaurus.starts.npy") for folder in (tmp_path, weights.DATA))
    assert abs(int(ours[-1]) - int(packaged[-1])) < 20  # a cosine of just 0.5 may fall either way


def test_other_weights_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other")
    assert build_embedders.main(["--out", str(tmp_path), "--source", str(tmp_path)]) == 1
    assert "pinned is 53aa5117" in capsys.readouterr().err


def test_comparing_two_builds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        for name in ("tokenizer.json", "minilm.onnx"):
            (folder / name).write_text(name)
    assert build_embedders.compare(one, two, ["minilm"]) == 0
    (two / "minilm.onnx").write_text("changed")
    assert build_embedders.compare(one, two, ["minilm"]) == 1
    assert "DIFFERS minilm.onnx" in capsys.readouterr().err
