from __future__ import annotations

import json
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import InvalidInput
from agentmem.memory import Memory
from agentmem.messages import drafts, to_message
from agentmem.recall.fence import OPEN, fence
from agentmem.validate import to_memory

NOW = datetime(2023, 5, 8, tzinfo=timezone.utc)
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Lisbon"}'}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
FENCED = fence(["[a] 2023-05-08 Ada: secret"])


def back(message: Any) -> dict[str, Any]:
    return to_message(memory(message))


def memory(message: Any) -> Memory:
    (draft,) = drafts([message])
    return to_memory(draft, (), NOW)


CONVERSATION: list[dict[str, Any]] = [
    {"role": "user", "content": "How is the weather?"},
    {"role": "user", "content": "And here?", "name": "Ada"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL]},
    {"role": "tool", "content": "19 degrees", "tool_call_id": "c1"},
    {"role": "tool", "content": "", "tool_call_id": "c1"},
    {"role": "user", "content": [{"type": "text", "text": "What is this?"}, IMAGE]},
    {"role": "user", "content": [IMAGE]},
    {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
    {"role": "assistant", "content": "No.", "refusal": "No."},
    {"role": "function", "content": "1", "name": "count"},
    {"role": "user", "content": "odd", "name": "user"},
]


@pytest.mark.parametrize("message", CONVERSATION, ids=lambda m: f"{m['role']}-{str(m['content'])[:20]}")
def test_an_openai_message_comes_back(message: dict[str, Any]) -> None:
    assert back(message) == message


def test_plain_messages_need_no_data() -> None:
    assert [d.data for d in drafts(CONVERSATION[:2])] == [None, None]


def test_roles_speakers_and_trust() -> None:
    found = drafts(CONVERSATION, session="s", at="2023-05-08")
    assert [d.role for d in found[:5]] == ["user", "user", "assistant", "assistant", "tool"]
    assert [d.speaker for d in found[:5]] == ["user", "Ada", "assistant", "assistant", "tool"]
    assert {d.session for d in found} == {"s"}
    assert {d.at for d in found} == {"2023-05-08"}
    assert [to_memory(d, (), NOW).trust for d in found[3:5]] == [1.0, 0.5]


def test_system_messages_stay_out_unless_wanted() -> None:
    messages = [
        {"role": "system", "content": "be kind"},
        {"role": "developer", "content": "x"},
        *CONVERSATION[:1],
    ]
    assert [d.role for d in drafts(messages)] == ["user"]
    kept = drafts(messages, include_system=True)
    assert [d.role for d in kept] == ["system", "system", "user"]
    assert to_message(to_memory(kept[1], (), NOW)) == messages[1]


def test_a_message_may_bring_its_own_time() -> None:
    (draft,) = drafts([{"role": "user", "content": "hi", "at": "2023-01-01"}], at="2024-01-01")
    assert draft.at == "2023-01-01"
    assert draft.data is None


def test_empty_messages_are_left_out_and_data_is_kept() -> None:
    empty = [
        {"role": "user", "content": ""},
        {"role": "user", "content": []},
        {"role": "assistant", "content": None},
    ]
    assert drafts(empty) == []
    assert [d.text for d in drafts([CONVERSATION[2]])] == [""]


def test_our_own_fences_are_taken_out_everywhere() -> None:
    assert drafts([{"role": "user", "content": FENCED}]) == []
    arguments = json.dumps({"text": f"see {FENCED}"})
    call = {"id": "c", "type": "function", "function": {"name": "save", "arguments": arguments}}
    message = {
        "role": "assistant",
        "content": [
            {"type": "text", "text": f"As I said:\n{FENCED}\nGood."},
            {"type": "text", "text": FENCED},
        ],
        "tool_calls": [call],
    }
    (draft,) = drafts([message])
    assert draft.text == "As I said:\nGood."
    assert "secret" not in json.dumps(draft.data)
    assert OPEN not in json.dumps(draft.data)
    kept = json.loads(draft.data["message"]["tool_calls"][0]["function"]["arguments"])
    assert kept["text"].startswith("see")


def test_a_text_changed_since_comes_back_changed() -> None:
    from dataclasses import replace

    changed = replace(memory(CONVERSATION[6]), text="new")
    assert to_message(changed)["content"] == [{"type": "text", "text": "new"}, IMAGE]
    two = replace(memory(CONVERSATION[8]), text="new")
    assert to_message(two)["content"] == [{"type": "text", "text": "new"}]
    image = replace(memory(CONVERSATION[7]), text="new")
    assert to_message(image)["content"] == [{"type": "text", "text": "new"}, IMAGE]
    call = replace(memory(CONVERSATION[2]), text="new")
    assert to_message(call)["content"] == "new"


def test_other_memories_become_plain_messages() -> None:
    plain = Memory(id="a", namespace=(), text="hi", at=NOW, recorded_at=NOW, speaker="Ada", data={"x": 1})
    assert to_message(plain) == {"role": "user", "content": "hi", "name": "Ada"}


def test_messages_shaped_like_langchain() -> None:
    human = SimpleNamespace(type="human", content=["look", IMAGE], name="Ada", additional_kwargs={})
    ai = SimpleNamespace(
        type="ai",
        content=[
            {"type": "text", "text": "ok"},
            {"type": "tool_use", "id": "c1", "name": "weather", "input": {}},
        ],
        name=None,
        tool_calls=[{"name": "weather", "args": {"city": "Lisbon"}, "id": "c1", "type": "tool_call"}],
        additional_kwargs={"refusal": None},
    )
    tool = SimpleNamespace(type="tool", content="19", name="weather", tool_call_id="c1", additional_kwargs={})
    chat = SimpleNamespace(type="chat", role="assistant", content="hi", additional_kwargs={})
    messages = [to_message(to_memory(d, (), NOW)) for d in drafts([human, ai, tool, chat])]
    assert messages == [
        {"role": "user", "content": [{"type": "text", "text": "look"}, IMAGE], "name": "Ada"},
        {"role": "assistant", "content": [{"type": "text", "text": "ok"}], "tool_calls": [CALL]},
        {"role": "tool", "content": "19", "name": "weather", "tool_call_id": "c1"},
        {"role": "assistant", "content": "hi"},
    ]


def test_real_langchain_messages() -> None:
    core = pytest.importorskip("langchain_core.messages")
    conversation = [
        core.SystemMessage("be kind"),
        core.HumanMessage("weather?", name="Ada"),
        core.AIMessage("", tool_calls=[{"name": "weather", "args": {"city": "Lisbon"}, "id": "c1"}]),
        core.ToolMessage("19", tool_call_id="c1"),
        core.AIMessageChunk("It is 19 degrees."),
    ]
    expected = core.convert_to_openai_messages(conversation[1:])
    expected[1]["content"] = None
    for form in (conversation, core.messages_to_dict(conversation)):
        assert [to_message(to_memory(d, (), NOW)) for d in drafts(form)] == expected


def test_real_openai_messages() -> None:
    chat = pytest.importorskip("openai.types.chat")
    message = chat.ChatCompletionMessage.model_validate(
        {"role": "assistant", "content": None, "tool_calls": [CALL]}
    )
    assert back(message) == {"role": "assistant", "content": None, "tool_calls": [CALL]}


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ("hi", "a list"),
        ({"role": "user", "content": "hi"}, "single"),
        (["hi"], "message 0"),
        ([{"content": "hi"}], "message 0"),
        (
            [{"role": "user", "content": "a"}, {"role": "Ada", "content": "hi"}],
            "message 1 has the role 'Ada'",
        ),
        ([{"role": "user", "content": 3}], "type int"),
        ([{"role": "user", "content": [3]}], "part"),
        ([{"role": "user", "content": "a", "name": 3}], "name"),
        ([SimpleNamespace(type="remove", content="")], "remove"),
    ],
)
def test_what_is_no_message_is_refused_by_name(messages: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        drafts(messages)


def test_pairs_are_messages() -> None:
    assert [(d.role, d.text) for d in drafts([("human", "hi"), ("ai", "hello")])] == [
        ("user", "hi"), ("assistant", "hello"),
    ]  # fmt: skip


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30)
PART = st.one_of(st.builds(lambda t: {"type": "text", "text": t}, TEXT), st.just(IMAGE))
MESSAGE = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "tool"]),
        "content": st.one_of(TEXT.filter(str.strip), st.lists(PART, min_size=1, max_size=4)),
    },
    optional={"name": TEXT, "tool_calls": st.just([CALL]), "tool_call_id": TEXT},
)


@given(MESSAGE)
def test_every_message_comes_back(message: dict[str, Any]) -> None:
    found = drafts([message])
    if found:
        assert to_message(to_memory(found[0], (), NOW)) == message
