from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import agentmem
from agentmem.cli import COMMANDS, cli

Run = Callable[..., Any]
Json = Callable[..., Any]


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_json(run: Run, command: str) -> None:
    if cli.get_command(None, command) is None:  # type: ignore[arg-type]
        pytest.skip("not part of this installation")
    result = run(command, "--help")
    if command != "eval":  # whose arguments go on to the evaluation
        assert result.stdout.startswith("Usage: ")
        assert "--json" in result.stdout and "--quiet" in result.stdout
        assert "FILE" in result.stdout or command in ("completion", "demo")


def test_the_group(run: Run) -> None:
    listed = run("--help").stdout
    assert "search" in listed and "Exit codes" in listed
    assert run("--version").stdout.startswith("agentmem ")
    assert cli.get_command(None, "nonsense") is None  # type: ignore[arg-type]


def test_add_and_show(run: Run, run_json: Json, file: str) -> None:
    id = run("add", file, "I", "moved", "to", "Lisbon", "--speaker", "Ada", "--role", "user").stdout.strip()
    shown = run_json("show", file, id)
    assert (shown["text"], shown["speaker"], shown["role"]) == ("I moved to Lisbon", "Ada", "user")
    added = run_json(
        "add", file, "x", "--id", "x", "--kind", "note", "--metadata", '{"a": [1]}', "--at", "2023-05-08",
        "--session", "s", "-n", "users/ada",
    )  # fmt: skip
    assert (added["id"], added["kind"], added["metadata"]) == ("x", "note", {"a": [1]})
    assert (added["namespace"], added["at"]) == (["users", "ada"], "2023-05-08T00:00:00+00:00")
    assert "metadata\t" in run("show", file, "x", "-n", "users/ada").stdout
    run("show", file, "x", code=1)


def test_add_from_standard_input(run: Run, run_json: Json, file: str) -> None:
    assert run_json("add", file, "-", input="one\ntwo\n")["text"] == "one\ntwo"
    result = run("add", file, "-", "--lines", "--json", input="three\n\nfour\n")
    assert [one["text"] for one in lines(result.stdout)] == ["three", "four"]
    assert "not UTF-8" in run("add", file, "-", code=2, input=b"caf\xe9").stderr
    run("add", file, "-", input=" \n", code=2)


def test_add_conflicts(run: Run, filled: str) -> None:
    result = run("add", filled, "again", "--id", "a", code=3)
    assert result.stderr.startswith("Error: a memory with the id 'a' exists") and result.stdout == ""
    run("add", filled, "again", "--id", "a", "--on-conflict", "skip")
    run("add", filled, "again", "--id", "a", "--on-conflict", "replace")
    assert "again" in run("show", filled, "a").stdout


def test_search(run: Run, run_json: Json, filled: str) -> None:
    first = run("search", filled, "who moved to Lisbon?", "-k", "1").stdout.rstrip("\n").split("\t")
    assert first[1:] == ["2023-07-20T00:00:00+00:00", "Ada", "b", "My sister Grace moved to Lisbon"]
    hits = run_json("search", filled, "who", "moved", "to", "Lisbon?")
    assert hits[0]["memory"]["id"] == "b" and hits[0]["signals"]
    explained = run("search", filled, "moved to Lisbon", "--explain").stdout
    assert "score" in explained and "words" in explained and "·" in explained
    during = run_json("search", filled, "Ada Lisbon cabin greyhound", "--during", "2023")
    assert {hit["memory"]["id"] for hit in during} == {"a", "b"}
    at = run_json("search", filled, "Lisbon", "--filter", '{"@id": "b"}', "--at", "2024-01-01")
    assert [hit["memory"]["id"] for hit in at] == ["b"]
    run("search", filled, "Lisbon", "--known-at", "2020-01-01", code=1)
    result = run("search", filled, "Lisbon", "-n", "nobody", code=1)
    assert result.stdout == "" and result.stderr == "Nothing found.\n"
    assert run_json("search", filled, "Lisbon", "-n", "nobody", code=1) == []


def test_search_below(run: Run, run_json: Json, filled: str) -> None:
    run("add", filled, "Ben stayed in Porto", "-n", "users/ben")
    run("search", filled, "Porto", "-n", "users", code=1)
    hits = run_json("search", filled, "Porto", "-n", "users", "--subtree")
    assert hits[0]["memory"]["namespace"] == ["users", "ben"]
    assert run("namespaces", filled).stdout == "/\nusers/ben\n"
    assert run_json("namespaces", filled) == [[], ["users", "ben"]]


def test_what_lies_below_is_pointed_at(run: Run, run_json: Json, file: str) -> None:
    run("add", file, "The cello is in tune.", "-n", "users/ada")
    for command in (["search", file, "cello"], ["ask", file, "Is the cello in tune?"], ["list", file]):
        hint = "This namespace is empty; --subtree searches 1 namespace below, such as users/ada."
        assert hint in run(*command, code=1).stderr
        assert hint not in run(*command, "--subtree").stderr
        assert run(*command, "--json", code=1).stderr == ""
    run("add", file, "Rain.")
    assert "namespace" not in run("list", file, "--filter", '{"@speaker": "Ada"}', code=1).stderr


def test_ask(run: Run, run_json: Json, filled: str) -> None:
    pytest.importorskip("agentmem.recall.reader")
    result = run("ask", filled, "What is the name of the greyhound?")
    assert "Biscuit" in result.stdout
    assert run_json("ask", filled, "Who moved to Lisbon?")["hits"]
    assert run_json("ask", filled, "What does a quark weigh?", code=1)["text"] is None


def test_list(run: Run, filled: str) -> None:
    rows = [line.split("\t") for line in run("list", filled).stdout.splitlines()]
    assert [row[0] for row in rows] == ["a", "b", "c"] and len(rows[0]) == 4
    newest = lines(run("list", filled, "--order", "-at", "-l", "2", "--json").stdout)
    assert [one["id"] for one in newest] == ["c", "b"]
    assert run("list", filled, "--after", "b").stdout.startswith("c\t")
    assert run("list", filled, "--during", "2023-05..2023-06").stdout.count("\n") == 1
    assert run("list", filled, "--during", "..2023-05-08").stdout.count("\n") == 1
    run("list", filled, "--filter", '{"@speaker": "Ben"}', code=1)


def test_update_and_history(run: Run, run_json: Json, filled: str) -> None:
    run("update", filled, "b", "My sister Grace moved", "to", "Porto")
    updated = run_json("update", filled, "b", "--metadata", '{"k": 1}')
    assert (updated["version"], updated["text"]) == (3, "My sister Grace moved to Porto")
    merged = run_json("update", filled, "b", "--metadata", '{"l": 2}', "--merge")
    assert merged["metadata"] == {"k": 1, "l": 2}
    versions = lines(run("show", filled, "b", "--history", "--json").stdout)
    assert [one["version"] for one in versions] == [1, 2, 3, 4]
    assert run("show", filled, "b", "--history").stdout.count("text\t") == 4
    run("update", filled, "nobody", "x", code=1)
    run("update", filled, "b", code=2)
    run("update", filled, "b", "x", "--merge", code=2)


def test_delete_restore_erase(run: Run, run_json: Json, filled: str) -> None:
    assert run_json("delete", filled, "a", "b") == {"deleted": 2, "asked": 2}
    assert run("delete", filled, "a", code=1).stderr == "Deleted 0 of 1.\n"
    assert run_json("restore", filled, "a") == {"restored": 1, "asked": 1}
    run("restore", filled, "nobody", code=1)
    assert "--yes" in run("erase", filled, "a", code=2).stderr
    report = run_json("erase", filled, "a", "--yes")
    assert report["ids"] == ["a"] and report["complete"]
    assert b"greyhound" not in Path(filled).read_bytes()
    run("erase", filled, "a", "--yes", code=1)
    run("erase", filled, code=2)
    run("erase", filled, "c", "--filter", "{}", code=2)
    run("erase", filled, "--filter", '{"@speaker": "Ben"}', "--yes", code=1)
    assert "erased" in run("erase", filled, "--filter", "{}", "-y").stdout
    run("list", filled, code=1)


def test_import_and_export(run: Run, run_json: Json, filled: str, tmp_path: Path) -> None:
    run("update", filled, "a", "I adopted a whippet")
    out = str(tmp_path / "out.jsonl")
    assert run_json("export", filled, out)["lines"] == 5
    assert Path(out).read_text() == run("export", filled).stdout
    run("export", filled, out, code=2)
    run("export", filled, out, "--force", "--no-history")
    copy = str(tmp_path / "copy.db")
    assert run_json("import", copy, out)["added"] == 3
    assert run("list", copy, "--json").stdout == run("list", filled, "--json").stdout
    again = run("import", copy, out)
    assert "0 added, 3 were there already" in again.stderr
    assert not list(tmp_path.glob("*.part"))


def test_import_reports_what_it_could_not_read(run: Run, run_json: Json, file: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "one"}\nnonsense\n{"text": "two"}\n')
    rejects = tmp_path / "rejects.jsonl"
    result = run("import", file, str(source), "--rejects", str(rejects), code=1)
    assert "Error: line 2: not JSON" in result.stderr and "2 added" in result.stderr
    assert rejects.read_text() == "nonsense\n"
    assert run_json("import", file, str(source), code=1)["rejected"][0]["line"] == 2
    assert len(run("list", file).stdout.splitlines()) == 2


def test_import_of_a_chat(run: Run, run_json: Json, file: str, tmp_path: Path) -> None:
    source = tmp_path / "chat.txt"
    source.write_text("[2023-05-08 13:56] Ada: hello\n")
    assert run_json("import", file, str(source))["format"] == "transcript"
    assert run_json("import", file, "-", input="Ben: hi\n")["added"] == 1
    run("import", file, str(source), "--format", "chatgpt", code=1)
    assert "no form that is known" in run("import", file, "-", input='{"a": 1}', code=3).stderr
    run("import", file, str(tmp_path / "nothing.txt"), code=2)
    run("import", file, str(source), "--format", "word", code=2)


def test_longmemeval_namespaces(run: Run, file: str, tmp_path: Path) -> None:
    source = tmp_path / "l.json"
    item = {"question_id": "q1", "haystack_sessions": [[{"role": "user", "content": "hi"}]]}
    source.write_text(json.dumps([item, {**item, "question_id": "q2"}]))
    run("import", file, str(source))
    assert run("namespaces", file).stdout == "q1\nq2\n"
    run("import", file, str(source), "-n", "all")
    assert run("namespaces", file).stdout == "all\nq1\nq2\n"


def test_stats_check_backup_reindex(run: Run, run_json: Json, filled: str, tmp_path: Path) -> None:
    assert run_json("stats", filled)["memories"] == 3
    assert "memories\t3 (3 episode)" in run("stats", filled).stdout
    assert run_json("check", filled) == {"clean": True, "problems": []}
    assert run_json("reindex", filled, "--embedder", "none") == {"versions": 3, "embedder": "none"}
    assert run_json("stats", filled)["embedder"] == "none"
    run("reindex", filled, "--embedder", "static")
    run("reindex", filled, "--embedder", "nonsense", code=3)
    out = str(tmp_path / "backup.db")
    assert run_json("backup", filled, out)["bytes"] > 0
    run("backup", filled, out, code=2)
    assert run_json("stats", out)["memories"] == 3


def test_check_of_a_damaged_file(run: Run, run_json: Json, filled: str) -> None:
    import sqlite3

    with sqlite3.connect(filled) as connection:
        connection.execute("UPDATE memory SET retired_at = 5 WHERE id = 'a'")
    connection.close()
    found = run_json("check", filled, code=1)
    assert not found["clean"] and found["problems"]
    assert run("check", filled, code=1).stdout.strip()


def test_search_explains_what_was_replaced(run: Run, run_json: Json, file: str) -> None:
    for id, text, at in (
        ("a", "Ada lives in Paris.", "2019-02-01"),
        ("c", "Ada lives in Lima.", "2021-06-01"),
    ):
        run("add", file, text, "--id", id, "--at", at)
    shown = run("search", file, "Where does Ada live?", "--explain").stdout
    assert "    · replaces “Ada lives in Paris.” since 1 June 2021\n" in shown
    assert "    · replaced by “Ada lives in Lima.” on 1 June 2021\n" in shown
    assert "replace" not in json.dumps(run_json("search", file, "Ada"))
    told = run_json("search", file, "Ada", "--explain", "--at", "2020-01-01")
    assert "replace" not in json.dumps(told)
    assert run_json("ask", file, "Where does Ada live?", "--known-at", "2018-01-01", code=1)["text"] is None


def test_duplicates(run: Run, run_json: Json, filled: str) -> None:
    run("duplicates", filled, code=1)
    run("add", filled, "My sister Grace moved to Lisbon!", "--id", "d", "--at", "2024-01-01")
    groups = run_json("duplicates", filled)
    assert [[one["id"] for one in group] for group in groups] == [["b", "d"]]
    result = run("duplicates", filled)
    assert [line.split("\t")[1:3] for line in result.stdout.splitlines()] == [["keep", "b"], ["same", "d"]]
    assert result.stderr == "1 group, 1 could go; --merge keeps the oldest of each.\n"
    merged = run("duplicates", filled, "--merge")
    assert f"agentmem restore {filled} d" in merged.stderr
    run("show", filled, "d", code=1)
    run("restore", filled, "d")
    run("duplicates", filled, "--threshold", "2", code=2)


def test_stale(run: Run, run_json: Json, filled: str) -> None:
    run("stale", filled, code=1)
    with agentmem.open(filled) as memory:
        memory.add("Grace: Lisbon.", id="n", kind="note", sources=["b"])
    assert run_json("stale", filled, code=1) == []
    run("update", filled, "b", "My sister Grace moved to Porto")
    assert run("stale", filled).stdout == "n\tnote\tb\tGrace: Lisbon.\n"
    assert [one["changed"] for one in run_json("stale", filled)] == [["b"]]
    assert run_json("stats", filled)["stale"] == 1 and "stale\t1" in run("stats", filled).stdout
    assert "is stale" in run("search", filled, "Grace Lisbon", "--explain").stdout


def test_consolidate_undo_forget(run: Run, run_json: Json, filled: str) -> None:
    report = run_json("consolidate", filled)
    assert report["run"]
    assert run("consolidate", filled).stdout.strip()
    run("undo", filled, "nothing", code=1)
    assert run_json("undo", filled, "nothing", code=1)["changed"] == 0
    run("update", filled, "a", "--expires-at", "2023-06-01")
    assert [one["id"] for one in run_json("forget", filled, "--dry-run")] == ["a"]
    assert run("forget", filled, "--at", "2023-05-09").stdout == ""
    assert run("forget", filled).stdout.startswith("a\t")
    run("show", filled, "a", code=1)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Run, run_json: Json, shell: str) -> None:
    assert "_AGENTMEM_COMPLETE" in run_json("completion", shell)["script"]
    run("completion", "cmd.exe", code=2)


def test_eval_passes_its_arguments_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    from agentmem.cli import tools

    seen: list[list[str]] = []
    monkeypatch.setattr(sys, "argv", sys.argv)
    part = ModuleType("agentmem.evals.quality")
    part.main = lambda argv: seen.append(argv) or 1  # type: ignore[attr-defined]
    monkeypatch.setattr(tools, "import_module", lambda name: part)
    monkeypatch.setattr(tools, "_exists", lambda name: name in ("quality", "speed.search"))
    run("eval", "--store", "x", "--json", code=1)
    run("eval", "speed.search", "--help", code=1)
    run("eval", code=1)
    assert seen == [["--store", "x", "--json"], ["--help"], []]
    monkeypatch.setattr(tools, "_exists", lambda name: False)
    assert run("eval", "--help").stdout.startswith("Usage: agentmem eval")
    run("eval", "run", code=3)


def test_eval_names_its_parts(run: Run) -> None:
    error = run("eval", "nonsense", "--json", code=2).stderr
    assert "there is no part 'nonsense'" in error and "facts, " in error and "speed.search" in error


def test_a_file_of_another_embedder_can_be_read_and_moved(run: Run, run_json: Json, filled: str) -> None:
    import sqlite3

    with sqlite3.connect(filled) as connection:
        changed = connection.execute("UPDATE meta SET value = 'older' WHERE key = 'fingerprint'")
        assert changed.rowcount == 1
    connection.close()
    error = json.loads(run("search", filled, "Lisbon", "--json", code=3).stderr)
    assert error["type"] == "EmbedderMismatch" and "reindex" in error["error"]
    for command in (["list"], ["show", "a"], ["export"], ["stats"], ["namespaces"], ["erase", "c", "-y"]):
        run(command[0], filled, *command[1:])
    run("delete", filled, "a")
    run("duplicates", filled, code=1)
    run("reindex", filled)
    assert run_json("search", filled, "Lisbon")[0]["memory"]["id"] == "b"
