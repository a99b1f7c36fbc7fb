from __future__ import annotations

from agentmem.language.irregular import other_forms


def test_forms_lead_to_each_other() -> None:
    assert other_forms("sell") == {"sold"} and other_forms("sold") == {"sell"}
    assert {"ate", "eaten"} <= other_forms("eat")
    assert other_forms("walk") == other_forms("") == frozenset()
