from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import agentmem
from agentmem.interchange import Report, import_file
from agentmem.interchange.export import export_lines
from agentmem.memory import Link
from agentmem.store import MemoryStore


def write(path: Path, *lines: Any) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def everything(store: MemoryStore) -> tuple[list[Any], list[Any]]:
    memories = [one.to_dict() for one in store.list(order="position", subtree=True)]
    links = []
    for name in store.list_namespaces():
        handle = store.namespace(*name) if name else store
        links += sorted((link.source, link.target, link.kind, link.weight) for link in handle.links())
    return memories, links


def test_twice_is_once(memory: MemoryStore, tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", {"text": "one"}, {"text": "one"}, {"text": "two", "id": "x"})
    first = import_file(memory, source)
    assert (first.read, first.added, first.present) == (3, 3, 0)
    before = everything(memory)
    second = import_file(memory, source)
    assert (second.read, second.added, second.present) == (3, 0, 3)
    assert everything(memory) == before and not second.left_out


def test_changed_and_deleted_here(memory: MemoryStore, tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", {"text": "one", "id": "a"}, {"text": "two", "id": "b"})
    import_file(memory, source)
    memory.update("a", text="mine")
    memory.delete("b")
    report = import_file(memory, source)
    assert memory.get("a").text == "mine" and memory.get_many(["b"]) == []
    assert sorted(report.left_out.values()) == [1, 1] and report.added == 0
    report = import_file(memory, source, replace_changed=True)
    assert memory.get("a").text == "one" and memory.get("a").version == 3
    assert report.added == 1
    assert import_file(memory, source, replace_changed=True).added == 0


def test_what_cannot_be_stored_is_reported_by_line(memory: MemoryStore, tmp_path: Path) -> None:
    source = write(
        tmp_path / "a.jsonl",
        {"text": "one"},
        {"text": "two", "at": "yesterday-ish"},
        {"text": "three", "role": "king"},
        {"text": ""},
        {"text": "nul \0 and \ud83d"},
        {"text": "six", "trust": 7},
        {"text": "seven", "namespace": ["a", "\n"]},
    )
    report = import_file(memory, source)
    assert [one.line for one in report.rejected] == [2, 3, 4, 6, 7]
    assert json.loads(report.rejected[0].raw)["text"] == "two"
    assert [one.text for one in memory.list(order="position")] == ["one", "nul \ufffd and \ufffd"]
    assert report.replaced == 1 and report.added == 2


def test_the_same_id_with_two_texts(memory: MemoryStore, tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", {"text": "one", "id": "a"}, {"text": "two", "id": "a"})
    report = import_file(memory, source)
    assert report.added == 1 and [*report.left_out] == [
        "memories with an id that came before in the source (the first is kept)"
    ]
    assert "changed here since" in "".join(import_file(memory, source).left_out)


def test_session_for_what_has_none(memory: MemoryStore, tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", {"text": "one"}, {"text": "two", "session": "own"})
    import_file(memory, source, session="given")
    assert [one.session for one in memory.list(order="position")] == ["given", "own"]
    import_file(memory, source, session="other")
    assert [one.session for one in memory.list(order="position")] == ["given", "own", "other"]
    assert import_file(memory, source, session="other").added == 0


def fill(store: MemoryStore) -> None:
    store.add(
        "Ada moved to Lisbon",
        id="a", at="2023-05-08T13:56:00+02:00", speaker="Ada", role="user", session="s",
        metadata={"k": [1, {"x": None}]}, data={"raw": True}, trust=0.25, valid_from="2023-05-01",
        valid_until="2024-05-01", expires_at="2030-01-01",
    )  # fmt: skip
    store.add("Ben stayed", id="b", at="0001-01-01T00:00:00Z")
    store.add("", id="c", data=[1])
    store.add("a portrait", id="d", kind="portrait", sources=["a", "b"])
    store.update("b", text="Ben stayed in Porto — 日本語 \u2028 end")
    store.add("gone", id="gone")
    store.delete("gone")
    child = store.namespace("users", "ada")
    child.add("in a namespace", id="a")
    child.add("another", id="z")
    with store._runtime.backend.transaction() as transaction:
        number = transaction.namespace(())
        links = [Link("a", "b", "names", 0.5, made_by="m:1"), Link("d", "a", "covers")]
        transaction.add_links(number, links, datetime(2023, 1, 1, tzinfo=timezone.utc))
        transaction.add_links(
            transaction.namespace(("users", "ada")),
            [Link("a", "z", "k")],
            datetime(2023, 1, 2, tzinfo=timezone.utc),
        )


def test_export_and_import_give_equal_memories(memory: MemoryStore, tmp_path: Path) -> None:
    fill(memory)
    out = tmp_path / "out.jsonl"
    out.write_text("".join(line + "\n" for line in export_lines(memory)), encoding="utf-8")
    with agentmem.open(tmp_path / "copy.db", embedder="none") as copy:
        report = import_file(copy, out)
        assert (report.added, report.links, report.rejected) == (6, 3, [])
        assert everything(copy) == everything(memory)
        assert {link.recorded_at for link in copy.links()} == {link.recorded_at for link in memory.links()}
        again = import_file(copy, out)
        assert (again.added, again.present, again.links) == (0, 6, 0)
        assert everything(copy) == everything(memory)
        assert copy.check() == []
        assert list(export_lines(copy)) == list(export_lines(memory))
        assert [hit.memory.id for hit in copy.search("who moved to Lisbon?", 1)] == ["a"]


def test_history_round_trip(memory: MemoryStore, tmp_path: Path) -> None:
    fill(memory)
    for number in range(3):
        memory.update("a", text=f"Ada moved again {number}")
    out = tmp_path / "out.jsonl"
    out.write_text("".join(line + "\n" for line in export_lines(memory)), encoding="utf-8")
    with agentmem.open(tmp_path / "copy.db", embedder="none") as copy:
        for _ in range(2):
            import_file(copy, out)
            for id in "abcd":
                mine = [one.to_dict() for one in memory.history(id)]
                assert [one.to_dict() for one in copy.history(id)] == mine
        assert everything(copy) == everything(memory)
        assert copy.check() == []


def test_versions_are_not_torn_apart_by_batches(memory: MemoryStore, tmp_path: Path) -> None:
    from agentmem.interchange import Source, read
    from agentmem.interchange.load import load

    fill(memory)
    for number in range(5):
        memory.update("a", text=f"Ada moved again {number}")
    out = tmp_path / "out.jsonl"
    out.write_text("".join(line + "\n" for line in export_lines(memory)), encoding="utf-8")
    with agentmem.open(tmp_path / "copy.db", embedder="none") as copy:
        report = Report()
        load(copy, read(Source(out), report), report, batch_size=2)
        assert len(copy.history("a")) == 6 and everything(copy) == everything(memory)


def test_a_namespace_moves(memory: MemoryStore, tmp_path: Path) -> None:
    fill(memory)
    out = tmp_path / "out.jsonl"
    lines = export_lines(memory.namespace("users"))
    out.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    target = memory.namespace("people")
    import_file(target, out)
    assert target.list_namespaces() == [("people", "ada")]
    assert [one.text for one in target.namespace("ada").list(order="position")] == [
        "in a namespace",
        "another",
    ]
    assert len(target.namespace("ada").links()) == 1


def test_export_of_a_filter_keeps_the_links_between(memory: MemoryStore) -> None:
    fill(memory)
    lines = [json.loads(line) for line in export_lines(memory, filter={"@id": {"$in": ["a", "b"]}})]
    assert [line["id"] for line in lines if "text" in line and line["namespace"] == []] == ["a", "b", "b"]
    assert [line["kind"] for line in lines if line.get("type") == "link"] == ["names"]


def test_links_before_their_memories(memory: MemoryStore, tmp_path: Path) -> None:
    link = {"type": "link", "source": "a", "target": "b", "kind": "k"}
    source = write(tmp_path / "a.jsonl", link, {"text": "one", "id": "a"}, {"text": "two", "id": "b"})
    assert import_file(memory, source).links == 1
    assert import_file(memory, source).links == 0


def test_namespaces_in_turns(memory: MemoryStore, tmp_path: Path) -> None:
    values = [{"text": f"memory {n}", "namespace": ["users", str(n % 7)]} for n in range(70)]
    report = import_file(memory, write(tmp_path / "a.jsonl", *values))
    assert report.added == 70
    child = memory.namespace("users", "3")
    assert [one.text for one in child.list(order="position")] == [f"memory {n}" for n in range(3, 70, 7)]


def test_links_to_nothing_are_counted(memory: MemoryStore, tmp_path: Path) -> None:
    source = write(
        tmp_path / "a.jsonl",
        {"text": "one", "id": "a"},
        {"type": "link", "source": "a", "target": "nobody", "kind": "k"},
    )
    report = import_file(memory, source)
    assert report.links == 0 and report.left_out == {"links to memories that are not here": 1}


def test_report_is_json(memory: MemoryStore, tmp_path: Path) -> None:
    report = import_file(memory, write(tmp_path / "a.jsonl", {"text": "one"}, {"text": ""}))
    assert json.loads(json.dumps(report.to_dict()))["rejected"][0]["line"] == 2


def test_export_without_history(memory: MemoryStore, tmp_path: Path) -> None:
    fill(memory)
    lines = [json.loads(line) for line in export_lines(memory, history=False)]
    assert [line["id"] for line in lines if "text" in line] == ["a", "b", "c", "d", "a", "z"]
    with agentmem.open(tmp_path / "copy.db", embedder="none") as copy:
        import_file(copy, write(tmp_path / "out.jsonl", *lines))
        assert everything(copy) == everything(memory)
