"""Listings by pages, in four orders, from any place on."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from agentmem.errors import MemoryNotFound, UnknownOption


def update(backend, make, number, id, text, minutes):
    with backend.transaction() as transaction:
        old = transaction.live(number, [id])[id]
        when = make.time(minutes)
        transaction.retire(number, [old.row], when)
        new = replace(old.memory, text=text, recorded_at=when, version=old.memory.version + 1)
        return transaction.insert(number, [new], [make.encoding(text)], [old.position])[0]


def delete(backend, make, number, ids, minutes):
    with backend.transaction() as transaction:
        live = transaction.live(number, ids)
        transaction.retire(number, [stored.row for stored in live.values()], make.time(minutes))


ORDERS = {
    "at": lambda s: (s.memory.at, s.position),
    "-at": lambda s: (s.memory.at, s.position),
    "position": lambda s: s.position,
    "-position": lambda s: s.position,
}


@pytest.mark.parametrize("order", sorted(ORDERS))
@pytest.mark.parametrize("page", [1, 3, 500])
def test_listings(backend, make, order, page):
    chance = random.Random(4)
    numbers = []
    for name in "xy":
        rows = [make.memory(f"{name}{i}", minutes=chance.randrange(6)) for i in range(12)]
        numbers.append(make.write(backend, *rows, name=(name,)))
    update(backend, make, numbers[0], "x3", "new", 30)
    delete(backend, make, numbers[0], ["x5"], 30)
    live = [s for n in numbers for s in backend.get(n, [f"{x}{i}" for x in "xy" for i in range(12)]).values()]
    expected = sorted(live, key=ORDERS[order], reverse=order.startswith("-"))
    assert list(backend.scan(numbers, order=order, page=page)) == expected
    at = make.time(29)
    before = list(backend.scan(numbers, order=order, page=page, known_at=at))
    assert len(before) == 24
    assert before == sorted(before, key=ORDERS[order], reverse=order.startswith("-"))
    for i in (0, 4, len(expected) - 1):
        after = expected[i].memory.id
        assert list(backend.scan(numbers, order=order, page=page, after=after)) == expected[i + 1 :]
    place = [s.memory.id for s in before].index("x7")
    assert list(backend.scan(numbers, order=order, page=page, known_at=at, after="x7")) == before[place + 1 :]
    during = (make.time(2), make.time(4))
    inside = [s for s in expected if during[0] <= s.memory.at < during[1]]
    assert 0 < len(inside) < len(expected)
    assert list(backend.scan(numbers, order=order, page=page, during=during)) == inside
    assert list(backend.scan(numbers, order=order, during=(None, during[0]))) == [
        s for s in expected if s.memory.at < during[0]
    ]


def test_a_listing_after_a_deleted_or_unknown_memory(backend, make):
    number = make.write(backend, *(make.memory(str(i), minutes=i) for i in range(4)))
    delete(backend, make, number, ["1"], 9)
    assert [s.memory.id for s in backend.scan([number], after="1")] == ["2", "3"]
    with pytest.raises(MemoryNotFound):
        list(backend.scan([number], after="7"))
    with pytest.raises(UnknownOption, match="position"):
        list(backend.scan([number], order="text"))
    assert list(backend.scan([])) == []


def test_a_listing_holds_no_read_transaction_between_pages(opened, path, make):
    backend = opened(path)
    number = make.write(backend, *(make.memory(str(i), minutes=i) for i in range(10)))
    listing = backend.scan([number], page=3)
    assert next(listing).memory.id == "0"
    make.write(backend, make.memory("new", minutes=100))
    assert backend.erase(number, ["5"]).complete
    assert [s.memory.id for s in listing] == ["1", "2", "3", "4", "6", "7", "8", "9", "new"]
