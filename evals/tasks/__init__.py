"""The quality tasks, by name."""

from __future__ import annotations

from agentmem.evals.tasks import beam, locomo, longmemeval, memdaily, multihop, passages
from agentmem.evals.tasks.base import Pool, Question, Task, data_folder

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        locomo.TASK,
        beam.TASK,
        beam.LARGE,
        longmemeval.TASK,
        passages.SQUAD2,
        passages.POPQA,
        memdaily.TASK,
        multihop.MUSIQUE,
        multihop.TWOWIKI,
        multihop.HOTPOTQA,
    )
}

__all__ = ["TASKS", "Pool", "Question", "Task", "data_folder"]
