"""A memory for agents made with LangChain's ``create_agent``. Needs the extra ``agents``.

    agent = create_agent(model, tools, middleware=[AgentmemMiddleware(memory)], context_schema=Context)

What was said is stored; before each call of the model what belongs to the question is recalled and
put into the system message, quoted as data. The agent's state does not grow, and what recall put into
a prompt is never stored again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from agentmem.errors import MissingDependency

try:
    from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
    from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage
    from langgraph.runtime import Runtime
except ModuleNotFoundError as error:
    raise MissingDependency("langchain", "agents") from error

from agentmem import messages as reading
from agentmem.integrations import inside
from agentmem.memory import Draft
from agentmem.recall.context import build_context
from agentmem.recall.fence import strip_fences
from agentmem.store import MemoryStore

__all__ = ["AgentmemMiddleware"]

Where = Sequence[str] | Callable[[Runtime[Any]], Sequence[str]]


class AgentmemMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Recalls before a model is called, and retains what the user and the model said.

    The user's words are stored before the model is called, so that a call that fails loses nothing.

    Args:
        memory: what :func:`agentmem.open` gave, or a namespace of it.
        namespace: where below it this run's memory lies: labels, or a function of the run's ``Runtime``
            such as ``lambda runtime: ("users", runtime.context.user_id)``. Nobody's memory but that of
            this namespace is recalled.
        tokens: how much recalled text a prompt may hold.
        k: how many memories are considered.
        retain: store what was said.
        record: note the use of what is recalled, which strengthens it in a store that forgets.
    """

    def __init__(
        self,
        memory: MemoryStore,
        *,
        namespace: Where = (),
        tokens: int = 1500,
        k: int = 20,
        retain: bool = True,
        record: bool = True,
    ) -> None:
        super().__init__()
        self.tools = ()
        self.memory = memory
        self.namespace = namespace
        self.tokens = tokens
        self.k = k
        self.retain = retain
        self.record = record

    # --- recall ----------------------------------------------------------------------------------
    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Call the model with what belongs to the question in the system message."""
        return handler(self._informed(request))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Async twin of :meth:`wrap_model_call`."""
        return await handler(await inside.on_pool(self.memory, self._informed, request))

    def _informed(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        asked = next((m for m in reversed(request.messages) if isinstance(m, HumanMessage)), None)
        query = "" if asked is None else strip_fences(asked.text).replace("\0", " ")
        if not query.strip():
            return request
        memory = self._at(request.runtime)
        # After a tool's answer the same question is asked again: that is no further use.
        verb = memory.recall if self.record and request.messages[-1] is asked else memory.search
        session = _thread(request.runtime)
        shown = {_id(session, message) for message in request.messages}
        hits = [hit for hit in verb(query, self.k) if hit.memory.id not in shown]
        now = inside.runtime(self.memory).clock()
        context = build_context(hits, tokens=self.tokens, at=now, query=query).text
        if not context:
            return request
        return request.override(system_message=_with_text(request.system_message, context))

    # --- retain ----------------------------------------------------------------------------------
    def before_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Store what the user said."""
        if self.retain:
            self._store(state["messages"], runtime)
        return None

    async def abefore_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Async twin of :meth:`before_agent`."""
        return await inside.on_pool(self.memory, self.before_agent, state, runtime)

    def after_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Store what the model said."""
        if self.retain:
            self._store(state["messages"], runtime)
        return None

    async def aafter_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Async twin of :meth:`after_agent`."""
        return await inside.on_pool(self.memory, self.after_agent, state, runtime)

    def _store(self, messages: Sequence[AnyMessage], runtime: Runtime[Any]) -> None:
        drafts = list(_drafts(_turn(messages), _thread(runtime)))
        if drafts:  # those stored before the model was called are skipped
            self._at(runtime).add_many(drafts, batch_size=None, on_conflict="skip")

    def _at(self, runtime: Runtime[Any]) -> MemoryStore:
        labels = self.namespace(runtime) if callable(self.namespace) else self.namespace
        if isinstance(labels, str):
            labels = (labels,)
        return self.memory.namespace(*labels) if labels else self.memory


def _turn(messages: Sequence[AnyMessage]) -> Sequence[AnyMessage]:
    """The last words of the user and all that follows."""
    start = len(messages)
    while start and not isinstance(messages[start - 1], HumanMessage):
        start -= 1
    while start and isinstance(messages[start - 1], HumanMessage):
        start -= 1
    return messages[start:]


def _drafts(messages: Iterable[AnyMessage], session: str | None) -> Iterable[Draft]:
    """What was said in words; a tool's answers are the tool's and are not kept."""
    for message in messages:
        if isinstance(message, (HumanMessage, AIMessage)):
            for draft in reading.drafts([message], session=session):
                if draft.text.strip():
                    yield replace(draft, id=_id(session, message))


def _id(session: str | None, message: BaseMessage) -> str:
    """The id under which a message is stored: the same whenever the same message is seen."""
    said = "\0".join((session or "", message.id or "", message.type, message.text))
    return f"msg-{hashlib.sha256(said.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}"


def _thread(runtime: Runtime[Any] | None) -> str | None:
    """The conversation, where there is a checkpointer that tells them apart."""
    info = getattr(runtime, "execution_info", None)
    found = getattr(info, "thread_id", None)
    return None if found is None else str(found)


def _with_text(system: SystemMessage | None, text: str) -> SystemMessage:
    if system is None:
        return SystemMessage(text)
    content: str | list[Any] = (
        f"{system.content}\n\n{text}"
        if isinstance(system.content, str)
        else [*system.content, {"type": "text", "text": text}]
    )
    return system.model_copy(update={"content": content})
