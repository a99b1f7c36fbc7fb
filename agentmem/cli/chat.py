"""Commands that talk: chat, demo."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import click

from agentmem.cli import output
from agentmem.cli.group import Failure
from agentmem.cli.options import Setup, common, file_argument

if TYPE_CHECKING:
    from agentmem.agent import MemoryAgent, Turn
    from agentmem.language.openai import OpenAIChat

_ENDS = ("/quit", "/exit", "/q")
_SHOWN = 8
_HELP = "/why shows what was recalled for the last answer, /quit ends the chat."


@click.command("chat")
@file_argument
@click.option("--model", help="A chat model at an OpenAI-compatible endpoint; without one memory is quoted.")
@click.option("--base-url", help="The endpoint, such as http://localhost:11434/v1.")
@click.option(
    "--api-key-env", default="OPENAI_API_KEY", show_default=True, help="The variable that holds the key."
)
@click.option("--user", default="user", show_default=True, help="The name your turns are stored under.")
@click.option("--session", help="Go on with this conversation; a new one by default.")
@click.option(
    "--context-tokens", type=click.IntRange(min=1), default=1500, show_default=True,
    help="How much recalled text a prompt may hold.",
)  # fmt: skip
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="In seconds."
)
@common
def chat_command(
    setup: Setup,
    file: str,
    model: str | None,
    base_url: str | None,
    api_key_env: str,
    user: str,
    session: str | None,
    context_tokens: int,
    timeout: float,
) -> int:
    """Chat with a memory: both sides are stored, and recalled when they are needed.

    FILE is made if it is not there. With --model the replies come from a language model, which gets the
    memories that belong to the question, quoted as data; without one they are quoted from the memory.
    In the chat /why shows what was recalled for the last answer and why, /quit ends it. In a pipe each
    line of the input is one turn. With --json each turn is one line of JSON. Exit code 1 when a reply
    failed; what you said is stored even then.
    """
    if base_url and not model:
        raise click.UsageError("--base-url needs --model")
    chatter = _model(model, base_url, api_key_env, timeout) if model else None
    from agentmem.agent import MemoryAgent

    failed = False
    try:
        with setup.open(file, create=True) as memory:
            agent = MemoryAgent(memory, chatter, session=session, user=user, context_tokens=context_tokens)
            if _typed():
                who = model or "no model: replies are quoted from the memory"
                setup.note(f"{who}; session {agent.session}. {_HELP}")
            while (text := _line(setup)) is not None:
                if text.startswith("/"):
                    if text in _ENDS:
                        break
                    _command(setup, agent, text)
                elif text:
                    failed = not _reply(setup, agent, text) or failed
    finally:
        if chatter is not None:
            chatter.close()
    return 1 if failed else 0


def _model(name: str, base_url: str | None, api_key_env: str, timeout: float) -> OpenAIChat:
    from agentmem.language.openai import OpenAIChat

    key = os.environ.get(api_key_env)
    if not key and api_key_env != "OPENAI_API_KEY":
        raise Failure(f"the environment variable {api_key_env} is not set", "MissingKey")
    return OpenAIChat(name, base_url=base_url, api_key=key, timeout=timeout)


def _typed() -> bool:
    """Whether a person types the turns."""
    return sys.stdin.isatty()


def _line(setup: Setup) -> str | None:
    """The next turn; None at the end of the input."""
    try:
        if _typed() and not setup.json:
            return str(click.prompt(">", prompt_suffix=" ", default="", show_default=False)).strip()
        line = sys.stdin.readline()
        return line.strip() if line else None
    except (EOFError, click.Abort):
        click.echo()
        return None


def _reply(setup: Setup, agent: MemoryAgent, text: str) -> bool:
    """Reply to one turn, as it comes; False when the call failed."""
    from agentmem.errors import InvalidInput, LanguageModelError

    try:
        if setup.json:
            agent.chat(text)
            if agent.last is not None:
                output.put_json(_turn(agent.last), compact=True)
            return True
        with contextlib.closing(agent.stream(text)) as pieces:
            try:
                for piece in pieces:
                    click.echo(_shown(piece), nl=False)
            except KeyboardInterrupt:
                click.echo(" …", nl=False)
        click.echo()
        return True
    except (LanguageModelError, InvalidInput) as error:
        # One failed turn does not end a conversation.
        if setup.json:
            output.put_json({"error": str(error), "type": type(error).__name__}, compact=True)
        else:
            click.echo(f"\nError: {error}", err=True)
        return False


def _shown(text: str) -> str:
    """A piece of a reply without characters that would steer the terminal."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")


def _turn(turn: Turn) -> dict[str, object]:
    return {
        "text": turn.text,
        "reply": turn.reply,
        "recall_ms": round(turn.recall_ms, 3),
        "reply_ms": round(turn.reply_ms, 3),
        "recalled": [
            {"id": hit.memory.id, "relevance": round(hit.relevance, 4), "why": list(hit.why)}
            for hit in turn.context.hits
        ],
    }


def _command(setup: Setup, agent: MemoryAgent, text: str) -> None:
    if text != "/why":
        click.echo(f"There is no {text.split()[0]}. {_HELP}", err=True)
        return
    if setup.json:
        output.put_json(_turn(agent.last) if agent.last is not None else None, compact=True)
    elif agent.last is None:
        click.echo("Nothing was said yet.")
    else:
        _why(agent, agent.last)


def _why(agent: MemoryAgent, turn: Turn) -> None:
    """What was recalled for a turn, best first, and why."""
    found = sorted(turn.context.hits, key=lambda hit: -hit.score)
    click.echo(
        f"{len(found)} memories in {turn.recall_ms:.1f} ms, {turn.context.tokens} tokens of context"
        + (f", {turn.context.left_out} more did not fit" if turn.context.left_out else "")
    )
    for hit in agent.store.explain(found[:_SHOWN]):
        about = f"{output.short_time(hit.memory.at)} {output.who(hit.memory)}"
        click.echo(f"  {hit.relevance:.2f}  {output.styled(about, fg='cyan')}  {hit.memory.id}")
        click.echo(output.wrapped(hit.memory.text, "        "))
        if hit.why:
            click.echo(output.styled(f"        {output.visible('; '.join(hit.why))}", fg="yellow"))
    if len(found) > _SHOWN:
        click.echo(f"  and {len(found) - _SHOWN} more")


@click.command("demo")
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option("--no-input", is_flag=True, help="Do not ask for more questions at the end.")
@common
def demo_command(setup: Setup, file: str | None, no_input: bool) -> int:
    """Show what a memory does: half a year of conversation, and questions about it.

    The conversation comes with agentmem. It goes to FILE, or to a temporary file. Then questions are
    asked, each shown with its hits, the reasons why they came, and the milliseconds it took. In a
    terminal you can then ask more. Exit code 1 when fewer than three in four questions find their turn.
    """
    if setup.namespace:
        raise click.UsageError("the demo has no namespace")
    from agentmem import demo

    interactive = not no_input and not setup.json and _typed() and output.in_terminal()
    result = demo.run(
        file,
        as_json=setup.json,
        interactive=interactive,
        store=setup.store or "unified",
        embedder=setup.embedder,
    )
    return 0 if result.within >= 0.75 * len(result.answerable) else 1
