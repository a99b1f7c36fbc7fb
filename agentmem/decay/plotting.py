"""A memory's forgetting curve as a picture: retention over time, with a mark at each use."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agentmem.clock import TimeLike, to_datetime, to_micros
from agentmem.decay.base import Curve
from agentmem.decay.history import DAY, Histories, History
from agentmem.errors import InvalidInput, MissingDependency

_MARKS = {
    "recalled": "tab:gray",
    "again": "tab:red",
    "hard": "tab:orange",
    "good": "tab:green",
    "easy": "tab:blue",
}


def plot_curve(
    curve: Curve, history: History, path: str | Path, *, until: TimeLike | None = None, points: int = 600
) -> Path:
    """Draw the retention of one memory from its writing on, and save the picture.

    Args:
        curve: the policy.
        history: the memory's life.
        path: where to save; its ending chooses the format (png, svg, pdf).
        until: the end of the time axis; None: half as long again as the life so far, and a month at least.
        points: how finely the line is drawn.

    Returns:
        The path.

    Raises:
        MissingDependency: matplotlib is not installed (extra ``evals``).
        InvalidInput: the end lies before the writing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependency("matplotlib", "evals") from None
    packed = Histories.pack([history])
    begin, last = int(packed.times[0]), int(packed.times[-1])
    if until is None:
        end = last + max((last - begin) // 2, 30 * DAY)
    else:
        end = to_micros(to_datetime(until, name="until"))
    if end <= begin:
        raise InvalidInput(f"until={until!r} is not after the writing")
    moments = np.unique(
        np.concatenate(
            [
                np.linspace(begin, end, points).astype(np.int64),
                packed.times,
                packed.times[1:] - 1,  # just before a use, so that its rise is upright
            ]
        )
    )
    moments = moments[(moments >= begin) & (moments <= end)]
    many = Histories(
        np.arange(len(moments) + 1, dtype=np.int64) * len(packed.times),
        np.tile(packed.times, len(moments)),
        np.tile(packed.grades, len(moments)),
        np.repeat(packed.importance, len(moments)),
    )
    line = curve.retentions(many, moments)
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.add_subplot()
    days = (moments - begin) / DAY
    axes.plot(days, line, color="black", linewidth=1.2)
    axes.set_title(f"forgetting curve: {curve.name}")
    axes.set_xlabel(f"days since it was written ({to_datetime(history.created):%Y-%m-%d})")
    axes.set_ylabel("retention")
    axes.set_ylim(0, 1.05)
    axes.set_xlim(days[0], days[-1])
    for grade, colour in _MARKS.items():
        times = [to_micros(to_datetime(use.at)) for use in history.uses if use.grade == grade]
        uses = [(time - begin) / DAY for time in times if begin <= time <= end]
        if uses:
            axes.plot(uses, [1.02] * len(uses), "v", color=colour, label=grade, clip_on=False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", fontsize="small")
    target = Path(path)
    figure.savefig(target, dpi=120)
    return target
