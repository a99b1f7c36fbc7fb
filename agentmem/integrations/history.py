"""A conversation in a memory as LangChain's chat history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agentmem.errors import MissingDependency

try:
    from langchain_core.chat_history import BaseChatMessageHistory
    from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict
except ModuleNotFoundError as error:
    raise MissingDependency("langchain-core", "langchain") from error

from agentmem import messages as reading
from agentmem import validate
from agentmem.errors import InvalidInput
from agentmem.integrations import inside
from agentmem.memory import Draft, Memory
from agentmem.store import MemoryStore

KEY = "langchain"
"""The key of ``Memory.data`` under which a message is kept as LangChain writes it."""


class AgentmemChatMessageHistory(BaseChatMessageHistory):
    """The messages of one session; each is a memory that recall finds.

    Messages come back as they went in, but for text that recall had put into them, which is stripped.
    Turns that others wrote into the session (:class:`~agentmem.agent.MemoryAgent`, ``add_messages``)
    come back too. System messages are kept and not searched.

    Args:
        memory: what :func:`agentmem.open` gave, or a namespace of it.
        session_id: the session.
        last: how many of the newest messages ``messages`` gives; all by default.
    """

    def __init__(self, memory: MemoryStore, session_id: str, *, last: int | None = None) -> None:
        if not session_id or not isinstance(session_id, str):
            raise InvalidInput(f"session_id={session_id!r} is no name of a session; pass a string")
        if last is not None:
            validate.count(last, "last")
        self.memory = memory
        self.session_id = session_id
        self.last = last

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]  # LangChain allows a property
        """The messages, oldest first."""
        found = inside.of_session(self.memory, self.session_id, spoken=True, last=self.last)
        return [to_message(memory) for memory in found]

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages in one transaction."""
        drafts = [to_draft(message, self.session_id) for message in messages]
        self.memory.add_many(drafts, batch_size=None)

    def clear(self, *, erase: bool = False) -> None:
        """Delete the session's messages.

        Args:
            erase: also from the history of the memory and the file, for good.
        """
        ids = [memory.id for memory in inside.of_session(self.memory, self.session_id)]
        if erase and ids:
            self.memory.erase(ids=ids)
        elif ids:
            self.memory.delete(ids)


def to_draft(message: BaseMessage, session: str | None = None) -> Draft:
    """A LangChain message as a draft of a memory, from which :func:`to_message` makes it again."""
    kept = message_to_dict(message)
    fields = dict(kept["data"])
    read = reading.drafts([message], session=session, include_system=True)
    draft = read[0] if read else Draft("", session=session, role=_role(message), speaker=_role(message))
    if draft.role == "system":
        draft = replace(draft, text="")  # what the application wants of its model is nothing to recall
    if isinstance(fields.get("content"), str) and draft.text:
        del fields["content"]  # it is the text
    kept["data"] = reading.clean_value(fields)
    data = dict(draft.data) if isinstance(draft.data, Mapping) else {}
    return replace(draft, data=data | {KEY: kept})


def to_message(memory: Memory) -> BaseMessage:
    """The LangChain message a memory was made from, or the one that says what another memory says."""
    kept = memory.data.get(KEY) if isinstance(memory.data, Mapping) else None
    if not isinstance(kept, Mapping):
        return _from_openai(reading.to_message(memory), memory.id)
    fields = dict(kept["data"])
    fields.setdefault("content", memory.text)
    return messages_from_dict([{**kept, "data": fields}])[0]


def _from_openai(message: Mapping[str, Any], id: str) -> BaseMessage:
    from langchain_core.messages import convert_to_messages

    content = message.get("content")
    plain = {key: value for key, value in message.items() if value is not None}
    (made,) = convert_to_messages([{**plain, "content": content if content is not None else ""}])
    return made.model_copy(update={"id": id})


def _role(message: BaseMessage) -> str:
    return {"ai": "assistant", "tool": "tool", "function": "tool", "system": "system"}.get(
        message.type, "user"
    )
