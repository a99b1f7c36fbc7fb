from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import agentmem
from agentmem.cli import cli
from agentmem.testing_openai import ScriptedOpenAI, ServerError, Step


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = str(tmp_path / "ada.db")
    with agentmem.open(path) as memory:
        memory.add("My dog is called Otto.", speaker="Ada", at="2023-01-02", id="dog")
    return path


def chat(file: str, lines: str, *options: str) -> Result:
    return CliRunner().invoke(cli, ["chat", file, *options], input=lines, catch_exceptions=False)


def with_model(
    file: str, lines: str, *script: Step, options: tuple[str, ...] = ()
) -> tuple[Result, ScriptedOpenAI]:
    with ScriptedOpenAI(script) as server:
        shown = chat(file, lines, "--model", "tiny", "--base-url", server.base_url, *options)
    return shown, server


def stored(file: str, session: str) -> list[tuple[str | None, str]]:
    with agentmem.open(file) as memory:
        found = memory.list(filter={"@session": session}, order="position")
        return [(one.speaker, one.text) for one in found]


def test_without_a_model_in_a_pipe(file: str) -> None:
    shown = chat(file, "What is the dog called?\n\n/why\n/quit\nnever\n", "--session", "s", "--user", "Ada")
    assert shown.exit_code == 0
    assert "Otto" in shown.stdout
    assert "says '" in shown.stdout
    assert "never" not in [text for _, text in stored(file, "s")]
    assert stored(file, "s")[0] == ("Ada", "What is the dog called?")


def test_why_says_what_was_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "new.db")
    for text, at in (("Bea lives in Paris.", "2019-02-01"), ("Bea lives in Lima.", "2021-06-01")):
        with agentmem.open(path) as memory:
            memory.add(text, at=at)
    assert (
        "replaces “Bea lives in Paris.” since 1 June 2021"
        in chat(path, "Where does Bea live?\n/why\n").stdout
    )


def test_a_new_file_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    assert "Noted." in chat(str(path), "I live in Oslo.").stdout
    assert path.exists()


def test_with_a_model(file: str) -> None:
    shown, server = with_model(
        file, "What is my dog called?\nThanks!\n", "It is Otto.", "Of course.",
        options=("--session", "s", "--user", "Ada", "--context-tokens", "400"),
    )  # fmt: skip
    assert shown.stdout == "It is Otto.\nOf course.\n"
    assert "[dog]" in server.requests[0]["messages"][0]["content"]
    assert [text for _, text in stored(file, "s")] == [
        "What is my dog called?",
        "It is Otto.",
        "Thanks!",
        "Of course.",
    ]


def test_a_failed_call_does_not_end_the_chat(file: str) -> None:
    shown, _ = with_model(file, "One.\nTwo.\n", ServerError(400, "no"), "Fine.", options=("--session", "s"))
    assert shown.exit_code == 1
    assert "Error: the server answered 400" in shown.stderr
    assert "Fine." in shown.stdout
    assert [text for _, text in stored(file, "s")] == ["One.", "Two.", "Fine."]


def test_json_is_one_line_a_turn(file: str) -> None:
    shown, _ = with_model(file, "Dog?\nDog!\n/why\n", "Otto.", ServerError(400, "no"), options=("--json",))
    first, failed, why = (json.loads(line) for line in shown.stdout.splitlines())
    assert first["reply"] == "Otto."
    assert first["recalled"][0]["id"] == "dog"
    assert failed["type"] == "LanguageModelError"
    assert why["text"] == "Dog!"


def test_commands_that_do_not_exist_and_why_before_anything(file: str) -> None:
    shown = chat(file, "/why\n/dance\n")
    assert "Nothing was said yet." in shown.stdout
    assert "no /dance" in shown.stderr


def test_a_reply_cannot_steer_the_terminal(file: str) -> None:
    shown, _ = with_model(file, "Hi.\n", "a\x1b[2Jb")
    assert "\x1b" not in shown.stdout


def test_the_key_comes_from_the_named_variable(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("MY_KEY", raising=False)
    shown, _ = with_model(file, "Hi.\n", "x", options=("--api-key-env", "MY_KEY"))
    assert shown.exit_code == 3
    assert "MY_KEY is not set" in shown.stderr
    monkeypatch.setenv("MY_KEY", "secret")
    _, server = with_model(file, "Hi.\n", "x", options=("--api-key-env", "MY_KEY"))
    assert server.headers[0]["authorization"] == "Bearer secret"


def test_wrong_usage(file: str) -> None:
    assert chat(file, "", "--base-url", "http://localhost:1").exit_code == 2
    assert CliRunner().invoke(cli, ["demo", "--namespace", "a"]).exit_code == 2
