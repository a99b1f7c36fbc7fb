"""Chat histories: what goes in comes out, and recall finds it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_core", reason="the extra langchain is not installed")

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

import agentmem
from agentmem.agent import MemoryAgent
from agentmem.errors import InvalidInput
from agentmem.integrations.langchain import AgentmemChatMessageHistory

CALL = {"name": "weather", "args": {"city": "Lisbon"}, "id": "c1", "type": "tool_call"}
MESSAGES: list[BaseMessage] = [
    HumanMessage("My cat is called Mochi."),
    HumanMessage("hello", name="Ada", id="m1", additional_kwargs={"k": [1]}),
    AIMessage("Hi Ada!", id="m2", response_metadata={"model": "x"}),
    AIMessage("Hi!", usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}),
    AIMessage(""),
    AIMessage("", tool_calls=[CALL]),
    AIMessage("Let me see.", tool_calls=[CALL], name="helper"),
    AIMessage([{"type": "text", "text": "part"}, {"type": "tool_use", "id": "c1", "name": "w", "input": {}}]),
    HumanMessage(
        [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "https://x.org"}}]
    ),
    HumanMessage(["one", "two"]),
    ToolMessage("Sunny.", tool_call_id="c1", artifact={"raw": 24}, status="success"),
    SystemMessage("You are a pirate."),
    ChatMessage(content="Aye.", role="user"),
    HumanMessage("  spaces and\nlines  "),
]


@pytest.fixture
def memory() -> Iterator[agentmem.MemoryStore]:
    with agentmem.open(":memory:") as opened:
        yield opened


@pytest.fixture
def history(memory: agentmem.MemoryStore) -> AgentmemChatMessageHistory:
    return AgentmemChatMessageHistory(memory, "chat")


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: f"{m.type}-{str(m.content)[:20]}")
def test_each_comes_back_as_it_went_in(history: AgentmemChatMessageHistory, message: BaseMessage) -> None:
    before = message.model_copy(deep=True)
    history.add_message(message)
    assert history.messages == [message] == [before]


def test_all_in_order(history: AgentmemChatMessageHistory) -> None:
    assert isinstance(history, BaseChatMessageHistory)
    assert history.messages == []
    history.add_messages(MESSAGES[:5])
    history.add_messages(MESSAGES[5:])
    history.add_messages([])
    assert history.messages == MESSAGES
    history.add_user_message("one more")
    history.add_ai_message("and another")
    assert [m.content for m in history.messages[-2:]] == ["one more", "and another"]


def test_async(history: AgentmemChatMessageHistory) -> None:
    async def work() -> None:
        await history.aadd_messages(MESSAGES)
        assert await history.aget_messages() == MESSAGES
        await history.aclear()
        assert await history.aget_messages() == []

    asyncio.run(work())


def test_sessions_do_not_mix(memory: agentmem.MemoryStore, history: AgentmemChatMessageHistory) -> None:
    other = AgentmemChatMessageHistory(memory, "other")
    history.add_user_message("here")
    other.add_user_message("there")
    memory.add("a note of the session", session="chat")
    assert [m.content for m in history.messages] == ["here"]
    other.clear()
    assert [m.content for m in history.messages] == ["here"]
    assert other.messages == []


def test_only_the_last(memory: agentmem.MemoryStore, history: AgentmemChatMessageHistory) -> None:
    history.add_messages(MESSAGES)
    assert AgentmemChatMessageHistory(memory, "chat", last=3).messages == MESSAGES[-3:]
    with pytest.raises(InvalidInput, match="last"):
        AgentmemChatMessageHistory(memory, "chat", last=0)


def test_clear_and_erase(memory: agentmem.MemoryStore, history: AgentmemChatMessageHistory) -> None:
    history.add_user_message("a secret")
    (kept,) = memory.list()
    history.clear()
    assert memory.history(kept.id)
    history.add_user_message("another secret")
    (kept,) = memory.list()
    history.clear(erase=True)
    with pytest.raises(agentmem.errors.MemoryNotFound):
        memory.history(kept.id)
    history.clear(erase=True)


def test_recall_finds_what_was_said(
    memory: agentmem.MemoryStore, history: AgentmemChatMessageHistory
) -> None:
    history.add_messages(MESSAGES)
    (hit,) = memory.search("What is the cat called?", k=1)
    assert (hit.memory.text, hit.memory.role) == ("My cat is called Mochi.", "user")
    assert "pirate" not in str([hit.memory.text for hit in memory.search("pirate", k=50)])


def test_what_recall_put_in_is_taken_out(
    memory: agentmem.MemoryStore, history: AgentmemChatMessageHistory
) -> None:
    memory.add("The password is swordfish.")
    context = memory.context("password").text
    assert context
    history.add_messages(
        [
            HumanMessage(f"{context}\n\nWhat now?"),
            HumanMessage([{"type": "text", "text": f"{context}\nAnd now?"}]),
            AIMessage("", tool_calls=[{**CALL, "args": {"q": context}}]),
        ]
    )
    assert [m.text for m in history.messages] == ["What now?", "And now?", ""]
    assert "swordfish" not in str([m.to_dict() for m in memory.list(filter={"@session": "chat"})])


def test_a_correction_shows(memory: agentmem.MemoryStore, history: AgentmemChatMessageHistory) -> None:
    history.add_user_message("My cat is called Mochi.")
    (kept,) = memory.list()
    memory.update(kept.id, text="My cat is called Miso.")
    assert [m.content for m in history.messages] == ["My cat is called Miso."]


def test_what_others_wrote_into_the_session(
    memory: agentmem.MemoryStore, history: AgentmemChatMessageHistory
) -> None:
    memory.add_messages(
        [
            {"role": "user", "content": "What is the weather?", "name": "Ada"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
                ],
            },
            {"role": "tool", "content": "Sunny.", "tool_call_id": "c1"},
        ],
        session="chat",
    )
    said, call, answer = history.messages
    assert (said.type, said.content, said.name) == ("human", "What is the weather?", "Ada")
    assert isinstance(call, AIMessage) and call.tool_calls[0]["name"] == "weather" and call.content == ""
    assert isinstance(answer, ToolMessage) and answer.tool_call_id == "c1"
    agent = MemoryAgent(memory, session="chat")
    agent.chat("My dog is called Otto.")
    assert [m.type for m in history.messages[3:]] == ["human", "ai"]
    assert all(m.content for m in history.messages[3:])


def test_it_lasts(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with agentmem.open(path) as memory:
        AgentmemChatMessageHistory(memory, "chat").add_messages(MESSAGES)
    with agentmem.open(path) as memory:
        assert AgentmemChatMessageHistory(memory, "chat").messages == MESSAGES


@pytest.mark.parametrize("bad", ["", None, 7])
def test_a_session_has_a_name(memory: agentmem.MemoryStore, bad: Any) -> None:
    with pytest.raises(InvalidInput, match="session_id"):
        AgentmemChatMessageHistory(memory, bad)


@pytest.mark.filterwarnings("ignore:RunnableWithMessageHistory is deprecated")
def test_with_runnables(memory: agentmem.MemoryStore) -> None:
    from langchain_core.language_models import FakeListChatModel
    from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
    from langchain_core.runnables.history import RunnableWithMessageHistory

    prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("past"), ("human", "{said}")])
    chain = RunnableWithMessageHistory(
        prompt | FakeListChatModel(responses=["Hello Ada.", "You are Ada."]),
        lambda session_id: AgentmemChatMessageHistory(memory, session_id),
        input_messages_key="said",
        history_messages_key="past",
    )
    config: Any = {"configurable": {"session_id": "s"}}
    chain.invoke({"said": "I am Ada."}, config)
    asyncio.run(chain.ainvoke({"said": "Who am I?"}, config))
    said = [m.content for m in AgentmemChatMessageHistory(memory, "s").messages]
    assert said == ["I am Ada.", "Hello Ada.", "Who am I?", "You are Ada."]
