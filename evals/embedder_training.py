"""Train the table of the static embedder from its teacher alone: no text of anybody is used.

Sequences of words are drawn at random from the teacher's vocabulary, the teacher embeds them, and a
table of token vectors learns to give the same vectors by adding rows up. The row of token ``t`` is
``exp(w_t) * (raw_t @ M + 0.1 * R_t)``: ``raw_t`` is what the teacher says of the token alone; a map
``M`` shared by all, a weight ``w_t`` and a correction ``R_t`` are learned, so that tokens which were
seldom or never drawn still have a sensible row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

CLS, SEP = 101, 102
Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """The numbers of a training run; all of them enter the manifest."""

    dim: int = 256
    seed: int = 20240229
    sequences: int = 40_000
    shortest: int = 4
    longest: int = 14
    flatten: float = 200.0
    power: float = 0.7
    function_share: float = 0.25
    split_share: float = 0.1
    batch: int = 384
    epochs: int = 8
    rate: float = 3e-4
    temperature: float = 0.05
    correction: float = 0.1
    rarity: float = 3e-5


def tokens_alone(session: InferenceSession, vocabulary: int, progress: Progress) -> Floats:
    """What the teacher says of ``[CLS] token [SEP]``, for each token; not normalised, not centred."""
    rows = []
    for start in range(0, vocabulary, 256):
        ids = np.arange(start, min(start + 256, vocabulary), dtype=np.int64)
        framed = np.stack([np.full_like(ids, CLS), ids, np.full_like(ids, SEP)], axis=1)
        rows.append(_run(session, framed, np.ones_like(framed)))
        if start % 8192 == 0:
            progress(f"tokens {start} of {vocabulary}")
    return np.concatenate(rows)


def draw_sequences(
    content: Ids, function: Ids, pieces: Ids, recipe: Recipe, rng: np.random.Generator
) -> list[Ids]:
    """Draw random sequences of token ids: words by rank, mixed with function words.

    Args:
        content: ids of the whole words, the most frequent first.
        function: ids of the function words.
        pieces: ids of the word pieces that continue a word.
        recipe: the numbers.
        rng: the source of chance.
    """
    odds = 1.0 / (np.arange(len(content)) + recipe.flatten) ** recipe.power
    odds /= odds.sum()
    lengths = rng.integers(recipe.shortest, recipe.longest + 1, recipe.sequences)
    total = int(lengths.sum())
    words = content[rng.choice(len(content), total, p=odds)]
    common = rng.random(total) < recipe.function_share
    words[common] = rng.choice(function, int(common.sum()))
    split = (rng.random(total) < recipe.split_share) & ~common
    tails = rng.choice(pieces, total)
    out = []
    for part, cut, tail in zip(
        *(np.split(x, np.cumsum(lengths)[:-1]) for x in (words, split, tails)), strict=True
    ):
        ids = np.stack([part, np.where(cut, tail, -1)], axis=1).ravel()
        out.append(ids[ids >= 0])
    return out


def teach(session: InferenceSession, sequences: Sequence[Ids], progress: Progress) -> Floats:
    """The teacher's vectors of the sequences, normalised."""
    out = np.zeros((len(sequences), 384), dtype=np.float32)
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
    for start in range(0, len(order), 64):
        batch = order[start : start + 64]
        width = len(sequences[batch[-1]]) + 2
        ids, mask = np.zeros((2, len(batch), width), dtype=np.int64)
        for row, i in enumerate(batch):
            size = len(sequences[i]) + 2
            ids[row, :size] = [CLS, *sequences[i], SEP]
            mask[row, :size] = 1
        out[batch] = _run(session, ids, mask)
        if start % 6400 == 0:
            progress(f"sequences {start} of {len(order)}")
    return unit(out)


def unit(rows: Floats) -> Floats:
    """Rows of length 1."""
    scaled: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    return scaled


def main_directions(vectors: Floats, dim: int) -> Floats:
    """The ``dim`` main directions of the uncentred second moment, as columns, signs fixed."""
    moment = vectors.astype(np.float64).T @ vectors.astype(np.float64)
    _, axes = np.linalg.eigh(moment)
    axes = axes[:, ::-1][:, :dim]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(dim)])
    return np.ascontiguousarray((axes * signs).astype(np.float32))


def rarity_weights(rank: NDArray[np.int64], a: float) -> Floats:
    """The logarithm of the usual weight a / (a + p) where p falls as 1 / rank."""
    odds = 1.0 / (rank + 1.0)
    odds /= odds.sum()
    weights: Floats = np.log(a / (a + odds)).astype(np.float32)
    return weights


def train(
    raw: Floats,
    start_weights: Floats,
    sequences: Sequence[Ids],
    taught: Floats,
    recipe: Recipe,
    progress: Progress,
) -> Floats:
    """Learn the table.

    Args:
        raw: centred rows of the tokens alone.
        start_weights: logarithm of each token's first weight.
        sequences: token ids.
        taught: the teacher's unit vectors of the sequences.
        recipe: the numbers.
        progress: told of each epoch.

    Returns:
        float32 rows, one for each token.
    """
    import torch
    from torch.nn import functional

    torch.manual_seed(recipe.seed)
    torch.use_deterministic_algorithms(True)
    axes = main_directions(taught, recipe.dim)
    base = torch.from_numpy(raw)
    full = torch.from_numpy(taught)
    target = functional.normalize(full @ torch.from_numpy(axes), dim=1)
    mapping = torch.from_numpy(axes.copy()).requires_grad_()
    weight = torch.from_numpy(start_weights.copy()).requires_grad_()
    correction = torch.zeros(len(raw), recipe.dim, requires_grad=True)
    optimiser = torch.optim.Adam([mapping, weight, correction], lr=recipe.rate)
    sizes = np.array([len(ids) for ids in sequences])
    padded = np.zeros((len(sequences), int(sizes.max())), dtype=np.int64)
    for row, ids in enumerate(sequences):
        padded[row, : len(ids)] = ids
    tokens, present = (
        torch.from_numpy(padded),
        torch.from_numpy(np.arange(padded.shape[1]) < sizes[:, None]),
    )
    steps = len(sequences) // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=recipe.rate, total_steps=recipe.epochs * steps
    )
    rng = np.random.default_rng(recipe.seed)
    hidden = torch.eye(recipe.batch, dtype=torch.bool)
    for epoch in range(recipe.epochs):
        order = torch.from_numpy(rng.permutation(len(sequences)))
        total = 0.0
        for step in range(steps):
            rows = order[step * recipe.batch : (step + 1) * recipe.batch]
            used, places = torch.unique(tokens[rows], return_inverse=True)
            shares = torch.zeros(recipe.batch, len(used)).scatter_add(1, places, present[rows].float())
            table = weight[used].exp()[:, None] * (
                base[used] @ mapping + recipe.correction * correction[used]
            )
            student = functional.normalize(shares @ table, dim=1)
            near = 1.0 - (student * target[rows]).sum(dim=1).mean()
            wanted = (full[rows] @ full[rows].T / recipe.temperature).masked_fill(hidden, -1e9)
            given = (student @ student.T / recipe.temperature).masked_fill(hidden, -1e9)
            apart = functional.kl_div(
                given.log_softmax(1), wanted.log_softmax(1), log_target=True, reduction="batchmean"
            )
            loss = near + apart
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward([loss])
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        progress(f"epoch {epoch + 1} of {recipe.epochs}: loss {total / steps:.4f}")
    with torch.no_grad():
        learned = weight.exp()[:, None] * (base @ mapping + recipe.correction * correction)
    learned_rows: Floats = learned.numpy().astype(np.float32)
    return learned_rows


def _run(session: InferenceSession, ids: Ids, mask: Ids) -> Any:
    return session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0]
