"""Agents made with create_agent, with a model that writes down what it was given."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

pytest.importorskip("langchain.agents", reason="the extra agents is not installed")

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver

import agentmem
from agentmem.integrations.middleware import AgentmemMiddleware
from agentmem.recall.fence import OPEN


class Model(BaseChatModel):
    """Answers from a list and keeps the prompts."""

    answers: list[Any]
    prompts: list[list[BaseMessage]]

    @property
    def _llm_type(self) -> str:
        return "written"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.prompts.append(messages)
        answer = self.answers.pop(0) if self.answers else "Yes."
        if isinstance(answer, Exception):
            raise answer
        message = answer if isinstance(answer, AIMessage) else AIMessage(answer)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def system(self, call: int = -1) -> str:
        """The system message of a call, or nothing."""
        first = self.prompts[call][0]
        return first.text if isinstance(first, SystemMessage) else ""


@dataclass
class Who:
    user_id: str


@pytest.fixture
def memory() -> Iterator[agentmem.MemoryStore]:
    with agentmem.open(":memory:") as opened:
        yield opened


def model(*answers: Any) -> Model:
    return Model(answers=list(answers), prompts=[])


def ask(agent: Any, text: str, how: str = "sync", **options: Any) -> Any:
    given = {"messages": [HumanMessage(text)]}
    if how == "async":
        return asyncio.run(agent.ainvoke(given, **options))
    return agent.invoke(given, **options)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_it_recalls_and_retains(memory: agentmem.MemoryStore, how: str) -> None:
    spoken = model("Noted.", "No meat.")
    agent = create_agent(spoken, system_prompt="Be brief.", middleware=[AgentmemMiddleware(memory)])
    ask(agent, "I eat no meat.", how)
    assert spoken.system() == "Be brief."
    assert [(m.role, m.text) for m in memory.list(order="position")] == [
        ("user", "I eat no meat."),
        ("assistant", "Noted."),
    ]
    result = ask(agent, "Do I eat meat?", how)
    system = spoken.system()
    assert system.startswith("Be brief.\n\n") and OPEN in system and "I eat no meat." in system
    assert "Do I eat meat?" not in system
    assert [m.text for m in result["messages"]] == ["Do I eat meat?", "No meat."]
    assert len(list(memory.list())) == 4


def test_users_are_kept_apart(memory: agentmem.MemoryStore) -> None:
    spoken = model()
    kept = AgentmemMiddleware(memory, namespace=lambda runtime: ("users", runtime.context.user_id))
    agent = create_agent(spoken, middleware=[kept], context_schema=Who)
    ask(agent, "My code word is swordfish.", context=Who("ada"))
    ask(agent, "What is my code word?", context=Who("bob"))
    assert "swordfish" not in spoken.system()
    ask(agent, "What is my code word?", context=Who("ada"))
    assert "swordfish" in spoken.system()
    assert memory.list_namespaces() == [("users", "ada"), ("users", "bob")]


def test_a_thread_is_not_quoted_to_itself(memory: agentmem.MemoryStore) -> None:
    spoken = model()
    agent = create_agent(spoken, middleware=[AgentmemMiddleware(memory)], checkpointer=InMemorySaver())
    for text in ("My cat is called Mochi.", "What is my cat called?"):
        ask(agent, text, config={"configurable": {"thread_id": "1"}})
        assert spoken.system() == ""
    ask(agent, "What is my cat called?", config={"configurable": {"thread_id": "2"}})
    assert "Mochi" in spoken.system()
    assert {m.session for m in memory.list()} == {"1", "2"}
    assert len(list(memory.list(filter={"@session": "1"}))) == 4


def test_tools_are_called_with_memory_and_not_stored(memory: agentmem.MemoryStore) -> None:
    def weather(city: str) -> str:
        """Tell the weather."""
        return "Sunny, says the tool."

    memory.add("Ada lives in Lisbon.", id="home")
    call = {"name": "weather", "args": {"city": "Lisbon"}, "id": "c1", "type": "tool_call"}
    spoken = model(AIMessage("", tool_calls=[call]), "It is sunny in Lisbon.")
    agent = create_agent(spoken, [weather], middleware=[AgentmemMiddleware(memory)])
    ask(agent, "What is the weather where Ada lives?")
    assert ["Ada lives in Lisbon." in spoken.system(n) for n in (0, 1)] == [True, True]
    said = [m.text for m in memory.list(order="position")][1:]
    assert said == ["What is the weather where Ada lives?", "It is sunny in Lisbon."]
    backend = memory._runtime.backend
    assert [event.id for event in backend.events(1)].count("home") == 1


def test_a_failing_model_loses_nothing(memory: agentmem.MemoryStore) -> None:
    agent = create_agent(model(RuntimeError("down")), middleware=[AgentmemMiddleware(memory)])
    with pytest.raises(RuntimeError):
        ask(agent, "My dog is called Otto.")
    assert [m.text for m in memory.list()] == ["My dog is called Otto."]


def test_what_was_recalled_is_not_stored_again(memory: agentmem.MemoryStore) -> None:
    memory.add("The password is swordfish.")
    context = memory.context("password").text
    agent = create_agent(model(f"{context}\nIt is a fish."), middleware=[AgentmemMiddleware(memory)])
    ask(agent, f"{context}\n\nWhat is the password?")
    said = [m.text for m in memory.list(order="position")][1:]
    assert said == ["What is the password?", "It is a fish."]


def test_only_recall(memory: agentmem.MemoryStore) -> None:
    memory.add("Ada lives in Lisbon.")
    spoken = model()
    agent = create_agent(spoken, middleware=[AgentmemMiddleware(memory, retain=False, record=False)])
    ask(agent, "Where does Ada live?")
    assert "Lisbon" in spoken.system()
    assert len(list(memory.list())) == 1
    assert memory._runtime.backend.events(1) == []


def test_the_budget_holds(memory: agentmem.MemoryStore) -> None:
    memory.add_many(f"Ada saw ship number {n} leave the harbour." for n in range(100))
    spoken = model()
    agent = create_agent(spoken, middleware=[AgentmemMiddleware(memory, tokens=200, k=50)])
    ask(agent, "Which ships did Ada see?")
    assert 100 < len(spoken.system()) < 1200


def test_system_messages_in_parts(memory: agentmem.MemoryStore) -> None:
    memory.add("Ada lives in Lisbon.")
    spoken = model()
    system = SystemMessage([{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}])
    agent = create_agent(spoken, system_prompt=system, middleware=[AgentmemMiddleware(memory)])
    ask(agent, "Where does Ada live?")
    parts = spoken.prompts[-1][0].content
    assert isinstance(parts, list) and parts[0] == system.content[0]
    assert "Lisbon" in str(parts[1])


def test_nothing_is_asked(memory: agentmem.MemoryStore) -> None:
    memory.add("Ada lives in Lisbon.")
    spoken = model()
    agent = create_agent(spoken, middleware=[AgentmemMiddleware(memory)])
    agent.invoke({"messages": [HumanMessage([{"type": "image_url", "image_url": {"url": "https://x.org"}}])]})
    assert spoken.system() == ""
    assert len(list(memory.list())) == 2
