"""Adapters to other people's frameworks, each in a module of its own that needs its extra.

* :mod:`agentmem.integrations.langchain`: vector store, retriever, chat history, embeddings (``langchain``)
* :mod:`agentmem.integrations.langgraph`: a ``BaseStore`` (``langgraph``)
* :mod:`agentmem.integrations.middleware`: memory for agents made with ``create_agent`` (``agents``)

Importing this package imports none of them.
"""
