"""A wrong option is refused at the opening, by its name, whatever it is."""

from __future__ import annotations

from typing import Any

import pytest

import agentmem
from agentmem.errors import AgentmemError

WRONG: dict[str, dict[str, list[Any]]] = {
    "episodic": {
        "gamma": ["x", float("nan"), -1, None],
        "min_tokens": ["x", -5, None, 600],
        "max_turns": [1],
        "shrink": ["x", -1, None],
        "gap": ["x", None, True],
        "pairs": ["x"],
        "contiguity": [1, -1, "x", None],
        "event_lift": ["x", None, float("inf")],
        "beside_lift": ["x"],
        "surprise": ["logprobs", "x", None],
        "refine": ["x", 3],
    },
    "zettelkasten": {
        "recall": ["x", None],
        "expand": ["x"],
        "index_text": ["x", None],
        "link_k": [0, True, "5", 2.5],
        "evolve": ["x"],
        "mix": ["x", -1, None, 5],
        "threshold": ["x", -1, 2, None],
        "prompts": ["/no/such/folder", 3],
    },
    "forgetting": {
        "curve": [None, "x", 3],
        "forget": ["x", None],
        "threshold": [2, "x", None],
        "seed": ["x", None, 1.5],
        "capacity": [-1, "x", 1.5, True],
        "touch_log": ["x"],
        "find_days": ["x"],
        "zone": ["Mars/Phobos", 3],
        "prompts": ["/no/such/folder", 3],
    },
}


@pytest.mark.parametrize(
    ("store", "option", "value"),
    [(store, option, v) for store, some in WRONG.items() for option, values in some.items() for v in values],
)
def test_a_wrong_option_is_refused(store: str, option: str, value: Any) -> None:
    with pytest.raises(AgentmemError, match=option):
        agentmem.open(":memory:", store=store, **{option: value})
