"""LangChain's standard suites, none of their tests skipped, and what they do not ask for."""

from __future__ import annotations

import asyncio
import copy
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_core", reason="the extra langchain is not installed")
pytest.importorskip("langchain_tests", reason="langchain-tests (extra dev) is not installed")
pytest.importorskip("pytest_asyncio", reason="pytest-asyncio (extra dev) is not installed")

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests import RetrieversIntegrationTests, VectorStoreIntegrationTests

import agentmem
from agentmem.errors import InvalidInput, MissingDependency
from agentmem.integrations.langchain import AgentmemEmbeddings, AgentmemRetriever, AgentmemVectorStore

DIARY = [
    Document(page_content="Ada moved to Lisbon in May.", metadata={"source": "diary", "page": 1}),
    Document(page_content="Bob plants three pear trees.", metadata={"source": "letter", "page": 2}),
    Document(page_content="The ship to Lisbon sails on Friday.", metadata={"source": "diary", "page": 3}),
    Document(page_content="Ada's cat sleeps on the sofa.", metadata={"source": "diary", "page": 4}),
]


@pytest.fixture
def store() -> Iterator[AgentmemVectorStore]:
    with AgentmemVectorStore(agentmem.open(":memory:")) as opened:
        yield opened


@pytest.fixture
def diary(store: AgentmemVectorStore) -> AgentmemVectorStore:
    store.add_documents(DIARY, ids=["a", "b", "c", "d"])
    return store


def texts(found: list[Document]) -> list[str]:
    return [document.page_content for document in found]


# --- the standard suites ---------------------------------------------------------------------------
class TestVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self) -> Iterator[VectorStore]:
        with agentmem.open(":memory:", embedder=self.get_embeddings()) as memory:
            yield AgentmemVectorStore(memory)


class TestVectorStoreOfTheDefaultEmbedder(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self) -> Iterator[VectorStore]:
        with agentmem.open(":memory:") as memory:
            yield AgentmemVectorStore(memory.namespace("documents"))


class TestVectorStoreOnAFile(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, tmp_path: Path) -> Iterator[VectorStore]:
        path = tmp_path / "documents.db"
        with AgentmemVectorStore.from_texts([], self.get_embeddings(), path=path, store="episodic") as store:
            yield store


class TestRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def memory(self) -> Iterator[None]:
        with agentmem.open(":memory:") as self._memory:
            AgentmemVectorStore(self._memory).add_documents(DIARY)
            yield

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return AgentmemRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"memory": self._memory}

    @property
    def retriever_query_example(self) -> str:
        return "Where does Ada live?"


# --- writing ---------------------------------------------------------------------------------------
def test_from_texts() -> None:
    embeddings = DeterministicFakeEmbedding(size=6)
    with AgentmemVectorStore.from_texts(
        ["foo", "bar"], embeddings, [{"n": 1}, {"n": 2}], ids=["1", "2"]
    ) as store:
        assert store.embeddings is embeddings
        assert store.memory.stats().dim == 6
        assert store.get_by_ids(["2", "1", "0"]) == [
            Document(id="2", page_content="bar", metadata={"n": 2}),
            Document(id="1", page_content="foo", metadata={"n": 1}),
        ]


def test_afrom_texts() -> None:
    store = asyncio.run(AgentmemVectorStore.afrom_texts(["foo"], DeterministicFakeEmbedding(size=6)))
    with store:
        assert texts(asyncio.run(store.asimilarity_search("foo"))) == ["foo"]


def test_from_documents_on_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ada.db"
    embeddings = DeterministicFakeEmbedding(size=6)
    with AgentmemVectorStore.from_documents(DIARY, embeddings, path=path, namespace=("docs",)) as store:
        first = store.similarity_search("Lisbon")
    with AgentmemVectorStore(agentmem.open(path, embedder=embeddings, namespace=("docs",))) as store:
        assert store.similarity_search("Lisbon") == first


def test_from_texts_closes_what_it_cannot_fill() -> None:
    with pytest.raises(InvalidInput, match="1 texts and 2 ids"):
        AgentmemVectorStore.from_texts(["foo"], None, ids=["1", "2"])


def test_metadata_and_documents_stay_as_they_are(store: AgentmemVectorStore) -> None:
    metadata = {"s": "ü", "n": 1, "f": 2.5, "none": None, "list": [1, {"a": True}], "id": "other", "@at": 7}
    document = Document(page_content="deep", metadata=metadata)
    before = copy.deepcopy(document)
    (id,) = store.add_documents([document])
    assert document == before and document.id is None
    (found,) = store.similarity_search("deep")
    assert found == Document(id=id, page_content="deep", metadata=metadata)
    found.metadata["list"].append("changed")
    assert store.get_by_ids([id])[0].metadata == metadata


def test_ids_given_partly(store: AgentmemVectorStore) -> None:
    ids = store.add_documents(
        [Document(id="mine", page_content="foo"), Document(page_content="bar"), Document(page_content="baz")]
    )
    assert ids[0] == "mine" and len(set(ids)) == 3
    assert texts(store.get_by_ids(ids)) == ["foo", "bar", "baz"]
    assert store.add_documents([Document(id="mine", page_content="new")], ids=["other"]) == ["other"]
    assert texts(store.get_by_ids(["mine", "other"])) == ["foo", "new"]


def test_the_same_id_twice_in_one_call(store: AgentmemVectorStore) -> None:
    assert store.add_texts(["first", "second"], ids=["1", "1"]) == ["1", "1"]
    assert texts(store.get_by_ids(["1"])) == ["second"]
    assert [m.text for m in store.memory.history("1")] == ["first", "second"]


def test_equal_texts_are_two_documents(store: AgentmemVectorStore) -> None:
    assert len(set(store.add_texts(["same", "same"]))) == 2
    assert texts(store.similarity_search("same")) == ["same", "same"]


def test_an_empty_text_is_kept(store: AgentmemVectorStore) -> None:
    (id,) = store.add_texts([""], [{"n": 1}])
    assert store.get_by_ids([id]) == [Document(id=id, page_content="", metadata={"n": 1})]
    assert store.similarity_search("anything") == []


def test_nothing_to_add(store: AgentmemVectorStore) -> None:
    assert store.add_texts([]) == []
    assert store.add_documents([]) == []


def test_when_and_by_whom(store: AgentmemVectorStore) -> None:
    store.add_texts(["I moved to Porto."], ids=["1"], at="2024-05-01", speaker="Ada", session="s")
    memory = store.memory.get("1")
    assert (memory.at.year, memory.speaker, memory.session) == (2024, "Ada", "s")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"metadatas": [{}, {}]}, "1 texts and 2 metadatas"),
        ({"ids": []}, "1 texts and 0 ids"),
        ({"metadatas": [{"bad": object()}]}, "metadata"),
    ],
)
def test_what_cannot_be_added(store: AgentmemVectorStore, call: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        store.add_texts(["foo"], **call)
    assert store.similarity_search("foo") == []


def test_unknown_arguments(store: AgentmemVectorStore) -> None:
    with pytest.raises(TypeError, match="colour"):
        store.add_texts(["foo"], colour="red")
    with pytest.raises(TypeError):
        store.similarity_search("foo", colour="red")


def test_delete(diary: AgentmemVectorStore) -> None:
    assert diary.delete(["a", "nobody"])
    assert diary.get_by_ids(["a"]) == []
    assert diary.memory.history("a")
    assert diary.delete(["b"], erase=True)
    with pytest.raises(agentmem.errors.MemoryNotFound):
        diary.memory.history("b")
    assert diary.delete([])
    assert len(diary.similarity_search("Ada", k=9)) == 2
    assert asyncio.run(diary.adelete())
    assert diary.similarity_search("Ada", k=9) == []


# --- searching -------------------------------------------------------------------------------------
def test_a_filter(diary: AgentmemVectorStore) -> None:
    assert texts(diary.similarity_search("Lisbon", filter={"source": "letter"})) == [DIARY[1].page_content]
    assert len(diary.similarity_search("Lisbon", filter={"page": {"$gte": 3}})) == 2
    assert diary.similarity_search("Lisbon", filter={"source": "nothing"}) == []
    found = diary.similarity_search_by_vector([1.0] * 256, filter={"source": "letter"})
    assert texts(found) == [DIARY[1].page_content]


def test_scores(diary: AgentmemVectorStore) -> None:
    found = diary.similarity_search_with_score("Where did Ada move?", k=3)
    assert [document for document, _ in found] == diary.similarity_search("Where did Ada move?", k=3)
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert found == asyncio.run(diary.asimilarity_search_with_score("Where did Ada move?", k=3))


def test_relevance(diary: AgentmemVectorStore) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # LangChain warns of what is not in [0, 1]
        found = diary.similarity_search_with_relevance_scores("When did Ada move to Lisbon?", k=4)
    assert all(0 <= score <= 1 for _, score in found)
    assert found[0][0].id == "a" and found[0][1] == max(score for _, score in found)
    some = diary.similarity_search_with_relevance_scores(
        "When did Ada move to Lisbon?", k=4, score_threshold=found[0][1]
    )
    assert some == found[:1]
    other = asyncio.run(diary.asimilarity_search_with_relevance_scores("When did Ada move to Lisbon?", k=4))
    assert other == found


def test_by_vector(diary: AgentmemVectorStore) -> None:
    assert diary.embeddings is not None
    vector = diary.embeddings.embed_query("pear trees")
    found = diary.similarity_search_with_score_by_vector(vector, k=2)
    assert found[0][0].id == "b" and 1.01 > found[0][1] > found[1][1]
    assert diary.similarity_search_by_vector([x * 7 for x in vector], k=2) == [d for d, _ in found]
    assert asyncio.run(diary.asimilarity_search_by_vector(vector, k=2)) == [d for d, _ in found]


@pytest.mark.parametrize("vector", [[1.0], [[1.0] * 256], [float("nan")] * 256, ["a"] * 256, []])
def test_what_is_no_vector(diary: AgentmemVectorStore, vector: Any) -> None:
    with pytest.raises(InvalidInput, match="vector"):
        diary.similarity_search_by_vector(vector)


def test_below_too(diary: AgentmemVectorStore) -> None:
    diary.memory.namespace("more").add("Ada moved to Porto in June.", id="p")
    assert "p" not in [d.id for d in diary.similarity_search("Ada moved", k=9)]
    assert "p" in [d.id for d in diary.similarity_search("Ada moved", k=9, subtree=True)]
    assert diary.embeddings is not None
    vector = diary.embeddings.embed_query("Ada moved to Porto in June.")
    assert diary.similarity_search_by_vector(vector, subtree=True)[0].id == "p"
    assert len(diary.max_marginal_relevance_search("Ada moved", k=9, subtree=True)) == 5


def test_marginal_relevance(store: AgentmemVectorStore) -> None:
    same = "Ada moved to Lisbon in May."
    store.add_texts([same, same, same, "Ada's new flat in Lisbon has a balcony."], ids=["1", "2", "3", "4"])
    assert "4" not in [
        d.id for d in store.max_marginal_relevance_search("Ada moved to Lisbon", 2, lambda_mult=1)
    ]
    for lambda_mult in (0.5, 0.0):
        found = store.max_marginal_relevance_search("Ada moved to Lisbon", k=2, lambda_mult=lambda_mult)
        assert [d.id == "4" for d in found] == [False, True]
    assert store.embeddings is not None
    vector = store.embeddings.embed_query("Ada moved to Lisbon")
    found = store.max_marginal_relevance_search_by_vector(vector, k=2)
    assert [d.id == "4" for d in found] == [False, True]
    assert len(asyncio.run(store.amax_marginal_relevance_search("Ada", k=3))) == 3
    assert len(store.max_marginal_relevance_search("Ada", k=9, fetch_k=1)) == 4


def test_long_documents_count_once(store: AgentmemVectorStore) -> None:
    long = " ".join(f"Sentence {n} is about pear trees and the weather of May." for n in range(200))
    store.add_texts([long, "ships"], ids=["long", "ships"])
    assert store.embeddings is not None
    found = store.similarity_search_by_vector(store.embeddings.embed_query("pear trees"), k=5)
    assert [d.id for d in found] == ["long", "ships"]
    assert len(store.max_marginal_relevance_search("pear trees", k=2)) == 2


def test_marginal_relevance_of_nothing(store: AgentmemVectorStore) -> None:
    assert store.max_marginal_relevance_search("anything") == []
    assert store.max_marginal_relevance_search_by_vector([1.0] * 256) == []
    assert store.similarity_search_by_vector([0.0] * 256) == []


def test_words_alone() -> None:
    with AgentmemVectorStore.from_texts(["a pear tree", "a ship"], "none", ids=["1", "2"]) as store:
        assert store.embeddings is None
        assert store.similarity_search("pear")[0].id == "1"
        assert [d.id for d in store.max_marginal_relevance_search("ship", k=1)] == ["2"]
        with pytest.raises(InvalidInput, match="no vectors"):
            store.similarity_search_by_vector([1.0])


# --- retrievers ------------------------------------------------------------------------------------
def test_as_retriever(diary: AgentmemVectorStore) -> None:
    plain = diary.as_retriever(search_kwargs={"k": 1, "filter": {"source": "letter"}})
    assert texts(plain.invoke("pears")) == [DIARY[1].page_content]
    threshold = diary.as_retriever(
        search_type="similarity_score_threshold", search_kwargs={"score_threshold": 0.01, "k": 4}
    )
    assert threshold.invoke("When did Ada move to Lisbon?")[0].id == "a"
    assert len(diary.as_retriever(search_type="mmr", search_kwargs={"k": 2}).invoke("Ada")) == 2


def test_the_retriever_filters_and_asks_at_a_time(diary: AgentmemVectorStore) -> None:
    memory = diary.memory
    memory.add("The tram is free today.", id="t", expires_at="2024-01-02")
    retriever = AgentmemRetriever(memory=memory, k=9)
    assert "t" not in [d.id for d in retriever.invoke("tram")]
    assert retriever.invoke("tram", at="2024-01-01")[0].id == "t"
    assert AgentmemRetriever(memory=memory, at="2024-01-01").invoke("tram")[0].id == "t"
    assert [d.id for d in retriever.invoke("Ada", filter={"page": 2})] == ["b"]
    assert [d.id for d in asyncio.run(retriever.ainvoke("Ada", filter={"page": 2}))] == ["b"]
    with pytest.raises(TypeError, match="colour"):
        retriever.invoke("Ada", colour="red")


def test_details_of_what_the_retriever_found(diary: AgentmemVectorStore) -> None:
    (found,) = AgentmemRetriever(memory=diary.memory, k=1, details=True).invoke(
        "When did Ada move to Lisbon?"
    )
    details = found.metadata.pop("agentmem")
    assert found == diary.get_by_ids(["a"])[0]
    assert 0 < details["relevance"] < 1 and details["why"] and details["at"].startswith("20")


def test_the_retriever_records_use_only_when_told(diary: AgentmemVectorStore) -> None:
    backend = diary.memory._runtime.backend
    number = backend.namespace_number(())
    assert number is not None
    AgentmemRetriever(memory=diary.memory).invoke("Ada")
    assert backend.events(number) == []
    AgentmemRetriever(memory=diary.memory, k=2).invoke("Ada", record=True)
    asyncio.run(AgentmemRetriever(memory=diary.memory, k=2, record=True).ainvoke("Ada"))
    assert len(backend.events(number)) == 4


def test_in_a_chain(diary: AgentmemVectorStore) -> None:
    from langchain_core.language_models import FakeListChatModel
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.runnables import RunnableLambda, RunnablePassthrough

    prompt = ChatPromptTemplate.from_messages([("system", "Know: {known}"), ("human", "{asked}")])
    chain = (
        {
            "known": AgentmemRetriever(memory=diary.memory, k=1) | RunnableLambda(lambda d: texts(d)[0]),
            "asked": RunnablePassthrough(),
        }
        | prompt
        | FakeListChatModel(responses=["Lisbon"])
        | StrOutputParser()
    )
    assert chain.invoke("Where did Ada move?") == "Lisbon"
    assert asyncio.run(chain.ainvoke("Where did Ada move?")) == "Lisbon"


# --- embeddings and extras -------------------------------------------------------------------------
def test_the_packaged_embedders_as_embeddings() -> None:
    embeddings = AgentmemEmbeddings("static")
    assert isinstance(embeddings, Embeddings)
    rows = embeddings.embed_documents(["a pear", "a ship"])
    assert len(rows) == 2 and all(type(x) is float for x in rows[0])
    assert embeddings.embed_query("a pear") == pytest.approx(rows[0])
    with pytest.raises(InvalidInput):
        AgentmemEmbeddings("none")


@pytest.mark.parametrize("module", ["langchain", "history"])
def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "langchain_core"]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("langchain", "history"):
        monkeypatch.delitem(sys.modules, f"agentmem.integrations.{name}", raising=False)
    with pytest.raises(MissingDependency, match=r"agentmem-kit\[langchain\]"):
        __import__(f"agentmem.integrations.{module}")
