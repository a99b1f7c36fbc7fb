"""A memory in LangChain: vector store, retriever, chat history, embeddings. Needs the extra ``langchain``.

    store = AgentmemVectorStore(agentmem.open("ada.db"))
    store.add_documents([Document(page_content="Ada moved to Lisbon", metadata={"source": "diary"})])
    store.similarity_search("Where does Ada live?", k=1)

What LangChain calls a document is a memory: its content is the text, its metadata the metadata, its id
the id. Anything else that was stored in the same namespace is found too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agentmem.errors import InvalidInput, MissingDependency

try:
    from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.vectorstores import VectorStore
    from langchain_core.vectorstores.utils import maximal_marginal_relevance
except ModuleNotFoundError as error:
    raise MissingDependency("langchain-core", "langchain") from error

from agentmem.clock import TimeLike
from agentmem.embed.base import Embedder
from agentmem.embed.langchain import LangChainEmbedder
from agentmem.integrations import inside
from agentmem.integrations.history import AgentmemChatMessageHistory
from agentmem.memory import Draft, Hit, Memory
from agentmem.opening import open as open_memory
from agentmem.store import MemoryStore

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["AgentmemChatMessageHistory", "AgentmemEmbeddings", "AgentmemRetriever", "AgentmemVectorStore"]


class AgentmemEmbeddings(Embeddings):
    """An embedder of agentmem as LangChain's ``Embeddings``: the packaged ones need no key and no network.

    Args:
        embedder: an embedder, or the name of one, such as "static" or "minilm".
    """

    def __init__(self, embedder: Embedder | str = "static") -> None:
        from agentmem.embed.registry import resolve

        found = resolve(embedder)
        if found is None:
            raise InvalidInput("embedder='none' makes no vectors; name another, such as 'static'")
        self.embedder = found

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Unit vectors of texts."""
        rows: list[list[float]] = self.embedder.embed(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        """The unit vector of a question."""
        row: list[float] = self.embedder.embed([text], query=True)[0].tolist()
        return row


class AgentmemVectorStore(VectorStore):
    """Any memory as a LangChain vector store.

    Searches are agentmem's own: words, vectors, speakers and dates together. Scores are sums without a
    bound, larger is better; relevance scores are calibrated to [0, 1]. ``similarity_search_by_vector``
    and the re-ranking of ``max_marginal_relevance_search`` go by vectors alone.

    Every search takes ``filter`` (see :mod:`agentmem.filters`), ``at``, ``during`` and ``subtree``, as
    :meth:`MemoryStore.search <agentmem.store.MemoryStore.search>` does.

    Args:
        memory: what :func:`agentmem.open` gave, or a namespace of it.
    """

    def __init__(self, memory: MemoryStore) -> None:
        if not isinstance(memory, MemoryStore):
            raise InvalidInput(f"memory is what agentmem.open() gives, not {memory!r}")
        self.memory = memory

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings | Embedder | str | None,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        path: str | os.PathLike[str] = ":memory:",
        **options: Any,
    ) -> Self:
        """Open a memory and add texts.

        Args:
            texts: the texts.
            embedding: makes the vectors; None for the one packaged, or the one of the file.
            metadatas: one each.
            ids: one each; a text whose id exists replaces it.
            path: a file, or ":memory:".
            options: further arguments of :func:`agentmem.open`, such as ``namespace`` or ``store``.
        """
        memory = open_memory(path, embedder=embedding, **options)
        try:
            store = cls(memory)
            store.add_texts(texts, metadatas, ids=ids)
            return store
        except BaseException:
            memory.close()
            raise

    # --- writing ---------------------------------------------------------------------------------
    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        at: TimeLike | None = None,
        speaker: str | None = None,
        session: str | None = None,
        batch_size: int | None = 1000,
        **kwargs: Any,
    ) -> list[str]:
        """Add texts; one whose id exists becomes its new version.

        Args:
            texts: the texts. An empty one is kept and found by its id only.
            metadatas: one each, JSON objects.
            ids: one each; where it is None one is made.
            at: when all of them happened; now by default.
            speaker: who said them.
            session: the conversation or document they belong to: neighbours give each other context.
            batch_size: texts a transaction; None for all in one.
            kwargs: none is known; LangChain's signature asks for them.

        Returns:
            The ids.

        Raises:
            ValueError: there are more or fewer metadatas or ids than texts, or one cannot be stored.
        """
        if kwargs:
            raise TypeError(f"unknown arguments {sorted(kwargs)}; what is yours goes into the metadata")
        given = [texts] if isinstance(texts, str) else list(texts)
        for name, values in (("metadatas", metadatas), ("ids", ids)):
            if values is not None and len(values) != len(given):
                raise InvalidInput(f"there are {len(given)} texts and {len(values)} {name}; pass one each")
        drafts = [
            Draft(
                text,
                at=at,
                speaker=speaker,
                session=session,
                metadata=metadatas[i] if metadatas is not None else None,
                data=None if text else {},  # an empty text is stored only with data
                id=(ids[i] or None) if ids is not None else None,
            )
            for i, text in enumerate(given)
        ]
        stored = self.memory.add_many(drafts, batch_size=batch_size, on_conflict="replace")
        return [memory.id for memory in stored]

    def delete(self, ids: list[str] | None = None, *, erase: bool = False, **kwargs: Any) -> bool | None:
        """Delete documents; ids that are not there are passed over.

        Args:
            ids: which ones; None for all of the namespace.
            erase: also from the history, the indexes and the file, for good.
            kwargs: ignored.

        Returns:
            True.
        """
        names = [memory.id for memory in self.memory.list()] if ids is None else list(ids)
        if erase and names:
            self.memory.erase(ids=names)
        elif names:
            self.memory.delete(names)
        return True

    # --- reading ---------------------------------------------------------------------------------
    @property
    def embeddings(self) -> Embeddings | None:
        """What makes the vectors; None for words alone."""
        embedder = inside.embedder(self.memory)
        if embedder is None:
            return None
        if isinstance(embedder, LangChainEmbedder) and isinstance(embedder.embeddings, Embeddings):
            return embedder.embeddings
        return AgentmemEmbeddings(embedder)

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Documents by their ids, in order; ids that are not there are left out."""
        return [to_document(memory) for memory in self.memory.get_many(ids)]

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """The k best documents for a question, best first."""
        return [to_document(hit.memory) for hit in self.memory.search(query, k, **kwargs)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """:meth:`similarity_search` with scores; larger is better, comparable within one question."""
        return [(to_document(hit.memory), hit.score) for hit in self.memory.search(query, k, **kwargs)]

    def _similarity_search_with_relevance_scores(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        return [(to_document(hit.memory), hit.relevance) for hit in self.memory.search(query, k, **kwargs)]

    async def _asimilarity_search_with_relevance_scores(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        hits = await self.memory.asearch(query, k, **kwargs)
        return [(to_document(hit.memory), hit.relevance) for hit in hits]

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        raise NotImplementedError(
            "a relevance is no function of the score here; call similarity_search_with_relevance_scores"
        )

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, **kwargs: Any
    ) -> list[Document]:
        """The k documents whose vectors are nearest."""
        return [
            document for document, _ in self.similarity_search_with_score_by_vector(embedding, k, **kwargs)
        ]

    def similarity_search_with_score_by_vector(
        self, embedding: list[float], k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """:meth:`similarity_search_by_vector` with cosines."""
        found = inside.nearest(self.memory, inside.unit(self.memory, embedding), k, **kwargs)
        return [(to_document(memory), cosine) for memory, cosine in found]

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Of the ``fetch_k`` best documents k that say different things.

        Args:
            query: the question.
            k: how many.
            fetch_k: out of how many.
            lambda_mult: 1 for the nearest, 0 for the most different.
            kwargs: as in :meth:`similarity_search`.
        """
        hits = self.memory.search(query, max(k, fetch_k), **kwargs)
        vector = inside.question_vector(self.memory, query)
        if vector is None:  # without vectors nothing tells which are alike
            return [to_document(hit.memory) for hit in hits[:k]]
        return self._diverse(vector, [hit.memory for hit in hits], k, lambda_mult)

    def max_marginal_relevance_search_by_vector(
        self, embedding: list[float], k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """:meth:`max_marginal_relevance_search` for a vector."""
        vector = inside.unit(self.memory, embedding)
        found = inside.nearest(self.memory, vector, max(k, fetch_k), **kwargs)
        return self._diverse(vector, [memory for memory, _ in found], k, lambda_mult)

    def _diverse(
        self, vector: inside.Vector, memories: list[Memory], k: int, lambda_mult: float
    ) -> list[Document]:
        if not memories:
            return []
        rows = inside.vectors_of(self.memory, memories, vector)
        chosen = maximal_marginal_relevance(vector, list(rows), lambda_mult=lambda_mult, k=k)
        return [to_document(memories[place]) for place in chosen]

    # --- life ------------------------------------------------------------------------------------
    def close(self) -> None:
        """Close the memory, if it is not the namespace of another."""
        self.memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AgentmemRetriever(BaseRetriever):
    """Recall as a LangChain retriever.

    Each field but ``memory`` can be given anew: ``retriever.invoke("…", k=3, at="2024-05-01")``.

    Attributes:
        memory: what :func:`agentmem.open` gave, or a namespace of it.
        k: how many documents.
        filter: only memories that match, see :mod:`agentmem.filters`.
        at: the time at which is asked; now by default.
        known_at: search what was known then.
        during: only what happened between two times.
        subtree: search the namespaces below too.
        record: note the use of what is found, which strengthens it in a store that forgets.
        details: add to each document's metadata, under "agentmem", when and by whom it was said, how
            relevant it is and why it was found, what its facts replaced included.
    """

    memory: MemoryStore
    k: int = 4
    filter: Mapping[str, Any] | None = None
    at: Any = None
    known_at: Any = None
    during: Any = None
    subtree: bool = False
    record: bool = False
    details: bool = False

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        options = self._options(kwargs)
        record, details = options.pop("record"), options.pop("details")
        hits = self.memory.recall(query, **options) if record else self.memory.search(query, **options)
        if details:
            hits = self.memory.explain(hits, **{name: options[name] for name in ("at", "known_at", "filter")})
        return [to_document(hit.memory, hit if details else None) for hit in hits]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        options = self._options(kwargs)
        record, details = options.pop("record"), options.pop("details")
        verb = self.memory.arecall if record else self.memory.asearch
        hits = await verb(query, **options)
        if details:
            given = {name: options[name] for name in ("at", "known_at", "filter")}
            hits = await self.memory.aexplain(hits, **given)
        return [to_document(hit.memory, hit if details else None) for hit in hits]

    def _options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        names = ("k", "filter", "at", "known_at", "during", "subtree", "record", "details")
        if unknown := set(given) - set(names):
            raise TypeError(f"unknown arguments {sorted(unknown)}; known: {', '.join(names)}")
        return {name: getattr(self, name) for name in names} | dict(given)


def to_document(memory: Memory, hit: Hit | None = None) -> Document:
    """A memory as a document; with a hit also why it was found, under "agentmem" in the metadata."""
    metadata = dict(memory.metadata)
    if hit is not None:
        metadata["agentmem"] = {
            "at": memory.at.isoformat(),
            "speaker": memory.speaker,
            "session": memory.session,
            "kind": memory.kind,
            "namespace": list(memory.namespace),
            "score": hit.score,
            "relevance": hit.relevance,
            "why": list(hit.why),
        }
    return Document(id=memory.id, page_content=memory.text, metadata=metadata)
