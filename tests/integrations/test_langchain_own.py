"""What the LangChain classes do beyond the standard suites: explanations, and wrong memories."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("langchain_core", reason="the extra langchain is not installed")

import agentmem
from agentmem.errors import InvalidInput
from agentmem.integrations.langchain import AgentmemRetriever, AgentmemVectorStore


def test_what_is_no_memory_is_refused() -> None:
    path: Any = "ada.db"
    with pytest.raises(InvalidInput, match=r"what agentmem\.open"):
        AgentmemVectorStore(path)


def test_details_say_what_was_replaced() -> None:
    with agentmem.open(":memory:") as memory:
        for text, at in (("Acme is led by Dora.", "2019-02-03"), ("Acme is led by Emil.", "2022-05-03")):
            memory.add(text, at=at)
        retriever = AgentmemRetriever(memory=memory, details=True)
        question = "Who leads Acme?"
        for found in (retriever.invoke(question), asyncio.run(retriever.ainvoke(question))):
            why = {document.page_content: document.metadata["agentmem"]["why"] for document in found}
            assert "replaces “Acme is led by Dora.” since 3 May 2022" in why["Acme is led by Emil."]
