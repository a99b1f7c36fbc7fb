"""Roles: the small jobs for which papers ask a language model, each with a local twin.

A role is a class with one method. Its local twin needs no model. Its model twin is built on
:class:`Asker`, which renders a prompt file, asks, checks the answer, asks again when it is not what
was asked for, and counts what it took. Nothing here writes: stores do, when a role has answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any, TypeVar

from agentmem.errors import DryRun, InvalidInput, UnexpectedAnswer
from agentmem.language.base import ChatModel, Message, Usage
from agentmem.language.tokens import count_tokens
from agentmem.memory import Json

PROMPTS = Path(__file__).parent / "prompts"
T = TypeVar("T")


@dataclass(slots=True)
class Asker:
    """Asks a model one kind of question at a time and keeps count.

    Attributes:
        model: the chat model; None for a dry run, which counts prompts and asks nothing.
        prompts: a folder whose files replace the packaged prompts of the same name.
        tries: how often an answer that is not what was asked for is asked again.
        temperature: passed on; 0 for answers that can be repeated.
        calls: calls made (in a dry run: that would be made at least).
        usage: what they took together.
        planned_tokens: tokens of all prompts, as estimated.
    """

    model: ChatModel | None
    prompts: Path | None = None
    tries: int = 2
    temperature: float = 0.0
    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    planned_tokens: int = 0

    @property
    def dry(self) -> bool:
        """Whether nothing is asked."""
        return self.model is None

    def ask(
        self,
        prompt: str,
        values: Mapping[str, str],
        read: Callable[[Json], T],
        *,
        schema: Mapping[str, Json] | None = None,
        max_tokens: int | None = 1000,
    ) -> T:
        """Render a prompt, ask, and read the answer.

        Args:
            prompt: name of a prompt file, without ``.txt``. A line of ``---`` parts the system
                message from the user message; ``$name`` stands for a value.
            values: what the prompt's names stand for.
            read: takes the answer as JSON and returns what is wanted; raises ValueError, KeyError or
                TypeError when it is something else.
            schema: a JSON schema passed to servers that can hold a model to it.
            max_tokens: longest answer.

        Raises:
            UnexpectedAnswer: no try gave what was asked for; ``answer`` holds the last.
            LanguageModelError: the call failed, or the budget is spent.
            DryRun: this is a dry run.
        """
        messages: list[Message] = self.render(prompt, values)
        self.planned_tokens += sum(count_tokens(str(message["content"])) for message in messages)
        if self.model is None:
            self.calls += 1
            raise DryRun(f"dry run: {prompt}")
        problem: UnexpectedAnswer | None = None
        for _ in range(1 + self.tries):
            reply = self.model.complete(
                messages, max_tokens=max_tokens, temperature=self.temperature, schema=schema
            )
            self.calls += 1
            self.usage = self.usage + reply.usage
            try:
                return read(reply.json())
            except UnexpectedAnswer as error:
                problem = error
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                problem = UnexpectedAnswer(
                    f"the model answered {prompt!r} with something else than asked: {error!r}", reply.text
                )
            messages = [
                *self.render(prompt, values),
                {"role": "assistant", "content": reply.text},
                {"role": "user", "content": f"That cannot be used: {problem}. Answer again, as asked."},
            ]
        assert problem is not None
        raise problem

    def render(self, prompt: str, values: Mapping[str, str]) -> list[Message]:
        """The messages of a prompt.

        Raises:
            InvalidInput: there is no such prompt, or it names a value that is not given.
        """
        text = load_prompt(prompt, self.prompts)
        try:
            text = Template(text).substitute(values)
        except (KeyError, ValueError) as error:
            raise InvalidInput(f"the prompt {prompt!r} asks for a value that is not there: {error}") from None
        system, separator, user = text.partition("\n---\n")
        if not separator:
            return [{"role": "user", "content": text.strip()}]
        return [
            {"role": "system", "content": system.strip()},
            {"role": "user", "content": user.strip()},
        ]


def load_prompt(name: str, folder: Path | None = None) -> str:
    """The text of a prompt: from ``folder`` when it has one of that name, else the packaged one.

    Raises:
        InvalidInput: neither has it.
    """
    for place in (folder, PROMPTS):
        if place is not None and (place / f"{name}.txt").is_file():
            return (place / f"{name}.txt").read_text(encoding="utf-8")
    raise InvalidInput(f"there is no prompt {name!r}; known: {', '.join(prompt_names())}")


def prompt_names() -> list[str]:
    """Names of the packaged prompts."""
    return sorted(path.stem for path in PROMPTS.glob("*.txt"))


def strings(value: Any, *, least: int = 0) -> list[str]:
    """Read a JSON list of strings, stripped, empty ones and repeats left out.

    Raises:
        ValueError: it is something else, or shorter than ``least``.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"expected a list of strings, not {type(value).__name__}")
    if not all(isinstance(one, str) for one in value):
        raise ValueError("expected strings in the list")
    found = list(dict.fromkeys(stripped for one in value if (stripped := one.strip())))
    if len(found) < least:
        raise ValueError(f"expected at least {least} strings, got {len(found)}")
    return found
