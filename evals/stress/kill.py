"""Kill a writer at random moments; nothing it acknowledged may be missing, nothing half done.

Run ``python -m agentmem.evals.stress.kill --kills 200``.

A child process adds, replaces, deletes and erases memories through the public interface. Before each
call it says what it is going to do, after it that it is done; then it is killed (SIGKILL). Whatever was
done must stand in the file; the one call that was under way must have happened whole or not at all.
This tries the death of a process, not the loss of power.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias

import agentmem
from agentmem.evals.speed import timing

State: TypeAlias = dict[str, str | None]
"""Id to text; None is a memory that must not be there."""

_CALLS = ("add", "add_many", "update", "delete", "erase")
_WEIGHTS = (60, 15, 15, 8, 2)


def write(path: str, embedder: str, state: State, seed: int, pipe: Connection) -> None:
    """The child: write for ever, announcing and acknowledging each call."""
    chance = random.Random(seed)
    with agentmem.open(path, embedder=embedder) as store:
        live = [id for id, text in state.items() if text is not None]
        for number in range(sys.maxsize):
            call = chance.choices(_CALLS, _WEIGHTS)[0] if live else "add"
            ids = [chance.choice(live)] if live else []
            if call == "add" or call == "add_many":
                count = 1 if call == "add" else chance.randrange(2, 40)
                ids = [f"{seed}-{number}-{i}" for i in range(count)]
            texts = [f"turn {number} of run {seed}: {chance.random()} for {id}" for id in ids]
            plan: State = {
                id: text if call in _CALLS[:3] else None for id, text in zip(ids, texts, strict=True)
            }
            pipe.send(("begin", plan))
            if call == "add":
                store.add(texts[0], id=ids[0])
            elif call == "add_many":
                drafts = [agentmem.Draft(text, id=id) for id, text in zip(ids, texts, strict=True)]
                store.add_many(drafts, batch_size=None)
            elif call == "update":
                store.update(ids[0], text=texts[0])
            elif call == "delete":
                store.delete(ids)
            else:
                store.erase(ids=ids)
            pipe.send(("done", plan))
            if plan[ids[0]] is None:
                live.remove(ids[0])
            elif call != "update":
                live.extend(ids)


def run(path: Path, *, kills: int, most: float, seed: int, embedder: str) -> dict[str, Any]:
    """Kill ``kills`` writers, each within ``most`` seconds of its first call.

    Returns:
        What was done and what was found wrong; ``problems`` is empty when all is well. It stops at the
        first kill after which something is wrong.
    """
    methods = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    chance = random.Random(seed)
    state: State = {}
    done = finished = halves = 0
    problems: list[str] = []
    started = time.monotonic()
    number = -1
    for number in range(kills):
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=write, args=(str(path), embedder, state, number, theirs), daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: fork beside idle threads
            child.start()
        theirs.close()
        if not ours.poll(60):
            problems.append(f"kill {number}: the writer did not begin within a minute")
        time.sleep(chance.random() * most)
        died_by_itself = not child.is_alive()
        child.kill()
        child.join()
        if died_by_itself:
            problems.append(f"kill {number}: the writer ended by itself with status {child.exitcode}")
        acknowledged, doubt = _drain(ours, state)
        done += acknowledged
        found, happened = verify(path, embedder, state, doubt)
        problems += [f"kill {number}: {problem}" for problem in found]
        if doubt:
            finished, halves = finished + happened, halves + 1
        if (number + 1) % 20 == 0:
            timing.note(
                f"{number + 1} of {kills} killed, {done} calls acknowledged, {len(problems)} problems"
            )
        if problems:
            break
    return {
        "command": "python -m agentmem.evals.stress.kill",
        "machine": timing.machine(),
        "kills": number + 1,
        "acknowledged_calls": done,
        "killed_inside_a_call": halves,
        "of_these_done_nevertheless": finished,
        "memories": sum(text is not None for text in state.values()),
        "seconds": round(time.monotonic() - started, 1),
        "problems": problems,
    }


def _drain(pipe: Connection, state: State) -> tuple[int, State]:
    """What the dead child had sent: acknowledged calls go into ``state``; the open one is returned."""
    acknowledged, doubt = 0, State()
    while True:
        try:
            word, plan = pipe.recv()
        except (EOFError, OSError):
            pipe.close()
            return acknowledged, doubt
        if word == "begin":
            doubt = plan
        else:
            state.update(plan)
            acknowledged, doubt = acknowledged + 1, State()


def verify(
    path: Path, embedder: str, state: State, doubt: Mapping[str, str | None]
) -> tuple[list[str], bool]:
    """Compare a file with what it must hold; calls in doubt are taken into ``state`` as they turned out."""
    problems = []
    with agentmem.open(path, embedder=embedder) as store:
        texts = {memory.id: memory.text for memory in store.list()}
        happened = bool(doubt) and all(texts.get(id) == text for id, text in doubt.items())
        undone = all(texts.get(id) == state.get(id) for id in doubt)
        if not happened and not undone:
            problems.append(f"a call of {len(doubt)} memories was done in part")
        if happened:
            state.update(doubt)
        for id, text in state.items():
            if texts.get(id) != text:
                problems.append(f"{id} should be {text!r} and is {texts.get(id)!r}")
        strangers = [id for id in texts if state.get(id) is None]
        if strangers:
            problems.append(f"there are memories nobody wrote: {strangers[:5]}")
        last = next((id for id in reversed(state) if state[id] is not None), None)
        if last is not None and last not in [hit.memory.id for hit in store.search(str(state[last]), 3)]:
            problems.append(f"{last} is there and cannot be found by its own words")
        problems += [f"check: {problem.where}: {problem.what}" for problem in store.check()]
    return problems, happened


def main() -> int:
    """The command."""
    parser = timing.arguments(__doc__ or "")
    parser.add_argument("--kills", type=int, default=200, help="writers to kill (default: 200)")
    parser.add_argument(
        "--most", type=float, default=0.5, help="seconds a writer lives at most (default: 0.5)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = run(
            Path(folder) / "kill.db",
            kills=given.kills,
            most=given.most,
            seed=given.seed,
            embedder=given.embedder,
        )
    timing.show(result, given.json)
    return 1 if result["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
