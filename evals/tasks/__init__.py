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
        passages.POPQA_SUBJECT,
        memdaily.TASK,
        multihop.MUSIQUE,
        multihop.TWOWIKI,
        multihop.HOTPOTQA,
        multihop.MULTIHOP_RAG,
        multihop.MUSIQUE_TRAIN,
        multihop.TWOWIKI_TRAIN,
        multihop.MUSIQUE_MIXED,
        multihop.TWOWIKI_MIXED,
        multihop.HOTPOTQA_MIXED,
    )
}

__all__ = ["TASKS", "Pool", "Question", "Task", "data_folder"]
