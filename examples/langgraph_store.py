"""A LangGraph agent whose long-term memory is a file.

Runs offline: the node that would call a chat model answers from what the store finds.

    pip install 'agentmem-kit[langgraph]'
    python examples/langgraph_store.py
"""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from agentmem.integrations.langgraph import AgentmemStore


class State(TypedDict, total=False):
    said: str
    reply: str


@dataclass
class Context:
    user: str


def reply(state: State, runtime: Runtime[Context]) -> State:
    """Recall what this user said, answer with it, remember the new."""
    store = runtime.store
    assert store is not None
    mine = ("users", runtime.context.user, "facts")
    found = store.search(mine, query=state["said"], limit=1)
    if state["said"].endswith("?"):
        return {"reply": found[0].value["text"] if found else "I do not know."}
    store.put(mine, uuid.uuid4().hex, {"text": state["said"], "kind": "fact"})
    return {"reply": "Noted."}


def main(path: str = ":memory:") -> None:
    builder = StateGraph(State, context_schema=Context)
    builder.add_node("reply", reply)
    builder.add_edge(START, "reply")
    builder.add_edge("reply", END)
    # Only the field "text" is indexed; what is not used for thirty days expires.
    with AgentmemStore.from_path(
        path, index={"fields": ["text"]}, ttl={"default_ttl": 30 * 24 * 60, "sweep_interval_minutes": 60}
    ) as store:
        graph = builder.compile(store=store)
        for user, said in [
            ("ada", "I eat no meat."),
            ("ada", "My sister plays the cello."),
            ("bob", "I love a good steak."),
            ("ada", "What meat do I eat?"),
            ("bob", "Which instrument does my sister play?"),
        ]:
            answer = graph.invoke({"said": said}, context=Context(user))["reply"]
            print(f"{user}: {said} -> {answer}")
        print("Namespaces:", store.list_namespaces(prefix=("users",)))
        # The same file is a memory for everything else that reads one.
        hit = store.memory.search("Who has a musical sister?", k=1, subtree=True)[0]
        print("Across users:", hit.memory.namespace[1], "-", hit.memory.text)


if __name__ == "__main__":
    main(*sys.argv[1:2])
