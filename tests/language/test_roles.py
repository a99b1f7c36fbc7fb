"""Roles: prompts rendered, answers read, asked again when wrong, counted."""

import json

import pytest

from agentmem.errors import DryRun, InvalidInput, UnexpectedAnswer
from agentmem.language.base import Reply, Usage
from agentmem.language.roles import Asker, load_prompt, strings


class Scripted:
    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def complete(self, messages, *, max_tokens=None, temperature=None, schema=None):
        self.asked.append(list(messages))
        return Reply(self.answers.pop(0), Usage(1, 10, 5))

    def stream(self, messages, **options):
        raise NotImplementedError


@pytest.fixture
def prompts(tmp_path):
    (tmp_path / "greet.txt").write_text("Be kind.\n---\nGreet $who.")
    return tmp_path


def test_asks_and_reads(prompts):
    model = Scripted('{"words": ["hello"]}')
    asker = Asker(model, prompts)
    assert asker.ask("greet", {"who": "Ada"}, lambda j: strings(j["words"])) == ["hello"]
    assert [m["content"] for m in model.asked[0]] == ["Be kind.", "Greet Ada."]
    assert (asker.calls, asker.usage.tokens) == (1, 15)


def test_asks_again_and_says_what_was_wrong(prompts):
    model = Scripted("no JSON", json.dumps({"other": 1}), json.dumps({"words": ["a", "a ", ""]}))
    asker = Asker(model, prompts)
    assert asker.ask("greet", {"who": "Ada"}, lambda j: strings(j["words"])) == ["a"]
    assert asker.calls == 3
    assert "cannot be used" in model.asked[2][-1]["content"]


def test_gives_up_with_the_last_answer(prompts):
    asker = Asker(Scripted("1", "2", "3"), prompts)
    with pytest.raises(UnexpectedAnswer) as caught:
        asker.ask("greet", {"who": "Ada"}, lambda j: strings(j))
    assert caught.value.answer == "3"


def test_a_dry_run_counts_and_asks_nothing(prompts):
    asker = Asker(None, prompts)
    with pytest.raises(DryRun):
        asker.ask("greet", {"who": "Ada"}, strings)
    assert asker.calls == 1
    assert asker.planned_tokens > 3


def test_unknown_prompts_and_values(prompts):
    with pytest.raises(InvalidInput, match="no prompt"):
        load_prompt("nonesuch", prompts)
    with pytest.raises(InvalidInput, match="who"):
        Asker(None, prompts).render("greet", {})


@pytest.mark.parametrize("value", ["a", 3, [1], None, {"a": 1}])
def test_strings_are_strings(value):
    with pytest.raises(ValueError, match="expected"):
        strings(value)
