"""Which texts the English models can read."""

import pytest

from agentmem.embed.scripts import is_foreign


@pytest.mark.parametrize(
    "text",
    ["", "plain", "123 !?", "Grüße aus Köln", "Привет, как дела", "in 東京 we met an old friend", "🙂🙂"],
)
def test_readable(text: str) -> None:
    assert not is_foreign(text)


@pytest.mark.parametrize("text", ["我喜欢猫", "カタカナ", "ﾊﾝｶｸ", "한국어", "ภาษาไทย", "ok 我喜欢猫", "𠀀𠀁"])
def test_foreign(text: str) -> None:
    assert is_foreign(text)


def test_the_limit_is_a_fifth_of_the_letters() -> None:
    assert not is_foreign("abcd 1234567 我")
    assert is_foreign("abc 1234567 我")
