"""What all contracts share: a test that no test of theirs was quietly replaced."""

from __future__ import annotations

import pytest

_HERE = "agentmem.testing"


def _is_ours(kind: type) -> bool:
    return kind.__module__ == _HERE or kind.__module__.startswith(_HERE + ".")


def overridden(kind: type) -> list[str]:
    """Names of contract tests that a class replaced without ``xfail(reason=...)``.

    Args:
        kind: a class that subclasses a contract.
    """
    ours = [base for base in kind.__mro__ if _is_ours(base)]
    names = {name for base in ours for name in vars(base) if name.startswith("test_")}
    return sorted(name for name in names if not _ours_or_excused(kind, name))


def _ours_or_excused(kind: type, name: str) -> bool:
    owner = next(base for base in kind.__mro__ if name in vars(base))
    if _is_ours(owner):
        return True
    marks: list[pytest.Mark] = getattr(vars(owner)[name], "pytestmark", [])
    return any(mark.name == "xfail" and mark.kwargs.get("reason") for mark in marks)


class Contract:
    """The base of every contract: subclass one, give what it asks for, and let pytest collect it."""

    def test_no_contract_test_is_overridden(self) -> None:
        """A test that does not hold is marked ``xfail(reason=...)``, never replaced."""
        names = overridden(type(self))
        assert not names, (
            f"{type(self).__name__} replaces {', '.join(names)}; "
            "mark what does not hold with @pytest.mark.xfail(reason=...) and call super()"
        )
