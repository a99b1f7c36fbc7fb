"""The packaged embedders: shapes, zero rows, fixed cosines, and files that are what the manifest says."""

import hashlib
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from agentmem.embed import weights
from agentmem.embed.base import Embedder
from agentmem.embed.minilm import MiniLMEmbedder
from agentmem.embed.static import StaticEmbedder
from agentmem.errors import EmbedderError, InvalidInput

SENTENCES = [
    "The cat sat on the mat.",
    "A kitten was resting on the rug.",
    "Interest rates rose again last quarter.",
    "Caroline: I finally signed up for the pottery class we talked about!",
    "What hobby did Caroline take up?",
]

# Cosines of sentence-transformers/all-MiniLM-L6-v2 itself, computed with torch.
ORIGINAL = {(0, 1): 0.6253, (0, 2): -0.0222, (0, 4): -0.0150, (1, 3): 0.0242, (2, 4): 0.0368, (3, 4): 0.6108}
STATIC = {(0, 1): 0.4809, (0, 2): -0.0276, (0, 4): 0.0004, (1, 3): -0.0304, (2, 4): 0.025, (3, 4): 0.4994}


@pytest.fixture(scope="module")
def static() -> StaticEmbedder:
    return StaticEmbedder()


@pytest.fixture(scope="module")
def minilm() -> MiniLMEmbedder:
    return MiniLMEmbedder()


@pytest.fixture(scope="module", params=["static", "minilm"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    found: Embedder = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("name", sorted(weights.manifest()["files"]))
def test_each_file_is_the_one_in_the_manifest(name: str) -> None:
    data = weights.path(name).read_bytes()
    known = weights.manifest()["files"][name]
    assert (len(data), hashlib.sha256(data).hexdigest()) == (known["bytes"], known["sha256"])


def test_no_file_is_left_out_of_the_manifest() -> None:
    there = {path.name for path in weights.DATA.iterdir() if path.is_file()} - {"manifest.json"}
    assert there == set(weights.manifest()["files"])


def test_a_missing_file_is_named() -> None:
    with pytest.raises(EmbedderError, match=r"nothing\.npy"):
        weights.path("nothing.npy")


def test_shape_type_and_length(embedder: Embedder) -> None:
    rows = embedder.embed(SENTENCES)
    assert rows.shape == (len(SENTENCES), embedder.dim)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def test_no_texts(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dim)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n\t ",
        "我昨天和朋友去了公园",
        "きのう友だちと公園に行った",
        "어제 친구와 공원에 갔다",
        "เมื่อวานฉันไปสวน",
    ],
)
def test_nothing_to_say_is_a_zero_row(embedder: Embedder, text: str) -> None:
    rows = embedder.embed(["hello", text, "world"])
    assert not rows[1].any()
    assert rows[[0, 2]].any(axis=1).all()


@pytest.mark.parametrize(
    "text", ["We met in 東京 on Friday afternoon", "Où est le café ?", "naïve résumé", "🙂 fine"]
)
def test_a_little_of_another_script_is_read(embedder: Embedder, text: str) -> None:
    assert embedder.embed([text])[0].any()


def test_a_row_does_not_depend_on_its_batch(embedder: Embedder) -> None:
    texts = [f"{sentence} {'and so on ' * (n % 7)}" for n, sentence in enumerate(SENTENCES * 4)]
    together = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-5)


def test_questions_are_like_texts(embedder: Embedder) -> None:
    np.testing.assert_array_equal(embedder.embed(SENTENCES, query=True), embedder.embed(SENTENCES))


def test_markers_in_a_text_are_text(embedder: Embedder) -> None:
    rows = embedder.embed(["good [SEP] morning", "good [sep] morning"])
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)


def test_a_long_text_is_read(embedder: Embedder) -> None:
    assert embedder.embed(["the pear tree " * 20_000])[0].any()


def test_minilm_gives_the_cosines_of_the_original(minilm: MiniLMEmbedder) -> None:
    rows = minilm.embed(SENTENCES)
    for (i, j), cosine in ORIGINAL.items():
        assert rows[i] @ rows[j] == pytest.approx(cosine, abs=0.01)


def test_static_gives_the_cosines_it_was_built_with(static: StaticEmbedder) -> None:
    rows = static.embed(SENTENCES)
    for (i, j), cosine in STATIC.items():
        assert rows[i] @ rows[j] == pytest.approx(cosine, abs=0.001)


def test_static_stays_near_its_teacher(static: StaticEmbedder, minilm: MiniLMEmbedder) -> None:
    ours, teacher = (e.embed(SENTENCES) @ e.embed(SENTENCES).T for e in (static, minilm))
    upper = np.triu_indices(len(SENTENCES), 1)
    assert np.corrcoef(ours[upper], teacher[upper])[0, 1] > 0.9


@pytest.mark.parametrize(
    "text",
    [
        "Don't stop... it's 3.5% of @you's #tag_a (really?!)",
        "naïve café — “quoted” [SEP] and\tplain\r\nwords",
        "control\x00 and\x0bvertical\x1fseparators\x7f",
        "x" * 300 + " " + "word" * 40,
        "東京 and Müller: ÀÉÎ",
        "",
    ],
)
def test_static_reads_words_as_the_tokenizer_does(static: StaticEmbedder, text: str) -> None:
    table = static._load()
    assert table.ids(text) == table.tokenizer.encode(text, add_special_tokens=False).ids


def test_static_forgets_words_rather_than_growing(
    static: StaticEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agentmem.embed import static as module

    words = module._Words(static._load().tokenizer)
    monkeypatch.setattr(module, "CACHED_WORDS", 10)
    for n in range(100):
        assert words[f"word{n}"]
    assert len(words) <= 10
    assert words["y" * 1000]
    assert "y" * 1000 not in words


def test_threads_may_load_at_once(embedder: Embedder) -> None:
    fresh = type(embedder)()
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(fresh.embed(SENTENCES))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    for rows in found:
        np.testing.assert_allclose(rows, found[0], atol=1e-6)


def test_fingerprints_are_stable_and_apart() -> None:
    assert StaticEmbedder().fingerprint == StaticEmbedder().fingerprint
    assert StaticEmbedder().fingerprint != MiniLMEmbedder().fingerprint
    assert MiniLMEmbedder(threads=2).fingerprint == MiniLMEmbedder().fingerprint


def test_the_fingerprint_follows_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    before = StaticEmbedder().fingerprint
    changed = json.loads(json.dumps(weights.manifest()))
    changed["files"]["static.rows.npy"]["sha256"] = "0" * 64
    monkeypatch.setattr(weights, "manifest", lambda: changed)
    assert StaticEmbedder().fingerprint != before


def test_threads_must_be_positive() -> None:
    with pytest.raises(InvalidInput):
        MiniLMEmbedder(threads=0)


def test_importing_and_making_loads_no_model_library() -> None:
    code = (
        "import sys, agentmem.embed as e\n"
        "e.StaticEmbedder(), e.MiniLMEmbedder(), e.OpenAIEmbedder(), e.resolve()\n"
        "heavy = {'onnxruntime', 'tokenizers', 'scipy', 'openai', 'torch', 'langchain_core'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_can_embed() -> None:
    code = (
        "import os\n"
        "from agentmem.embed import MiniLMEmbedder, StaticEmbedder\n"
        "embedders = [MiniLMEmbedder(threads=2), StaticEmbedder()]\n"
        "texts = ['hello there'] * 40\n"
        "before = [e.embed(texts) for e in embedders]\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    same = all(abs(e.embed(texts) - b).max() < 1e-4 for e, b in zip(embedders, before))\n"
        "    os._exit(0 if same else 3)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert (done.stdout.strip(), done.stderr.strip()) == ("0", "")
