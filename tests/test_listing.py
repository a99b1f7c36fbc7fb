"""Lists with a filter come by the index, and equal the lists without one, filtered."""

import pytest

import agentmem
from agentmem import Draft
from agentmem.errors import InvalidFilter

FILTERS = [
    {},
    {"n": 3},
    {"@session": "s1"},
    {"@speaker": {"$in": ["Ada", "Ben"]}, "n": {"$lt": 4}},
    {"$not": {"@session": "s1"}},
    {"missing": {"$exists": False}},
    {"n": 99},
]


@pytest.fixture
def store(tmp_path):
    with agentmem.open(tmp_path / "a.db", embedder="none") as store:
        for space in (store, store.namespace("below"), store.namespace("below", "deep")):
            space.add_many(
                Draft(
                    f"item {i}",
                    at=1_700_000_000 + i * 5 % 17,
                    session=f"s{i % 3}",
                    speaker=["Ada", "Ben", None][i % 3],
                    metadata={"n": i % 6},
                )
                for i in range(130)
            )
            space.delete([m.id for m in space.list(limit=4)])
            some = next(iter(space.list(order="-position")))
            space.update(some.id, metadata={"n": 3})
        yield store


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("order", ["at", "-at", "position", "-position"])
@pytest.mark.parametrize("subtree", [False, True])
def test_equals_the_scan(store, filter, order, subtree):
    from agentmem.filters import compile_filter

    compiled = compile_filter(filter)
    wanted = [m for m in store.list(order=order, subtree=subtree) if compiled is None or compiled.accepts(m)]
    assert list(store.list(filter=filter, order=order, subtree=subtree)) == wanted
    assert list(store.list(filter=filter, order=order, subtree=subtree, limit=5)) == wanted[:5]
    during = (1_700_000_003, 1_700_000_009)
    inside = [m for m in wanted if during[0] <= m.at.timestamp() < during[1]]
    assert list(store.list(filter=filter, order=order, subtree=subtree, during=during)) == inside
    if len(wanted) > 3 and not subtree:
        found = list(store.list(filter=filter, order=order, after=wanted[2].id))
        assert found == wanted[3:]


def test_what_goes_while_one_reads_is_left_out(store):
    reading = store.list(filter={"@session": "s1"})
    first = next(reading)
    store.delete([m.id for m in store.list(filter={"@session": "s1"}) if m.id != first.id])
    assert len(list(reading)) < 60


def test_a_bad_filter_is_refused(store):
    with pytest.raises(InvalidFilter):
        list(store.list(filter={"n": {"$near": 3}}))
