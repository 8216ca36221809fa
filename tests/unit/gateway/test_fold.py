"""The newest state of each row."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.gateway import an_operation

from floorcast.gateway.fold import Fold
from floorcast.operation import Operation

steps = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["put", "remove"])), max_size=30)


def _history(rows: dict[int, int], drawn: list[tuple[int, str]]) -> list[tuple[int, Operation]]:
    """Play steps on rows; return what is told of each, a tick each."""
    told = []
    for tick, (key, what) in enumerate(drawn, 1):
        old = rows.get(key)
        if what == "remove" and old is None:
            continue
        before = None if old is None else str(old).encode()
        if what == "remove":
            del rows[key]
            operation = an_operation(key, op="leave", new=None, old=before)
        else:
            rows[key] = tick
            op = "enter" if old is None else "update"
            operation = an_operation(key, op=op, new=str(tick).encode(), old=before)  # type: ignore[arg-type]
        told.append((tick, operation))
    return told


@given(st.dictionaries(st.integers(0, 3), st.just(0)), steps)
def test_whoever_applies_what_is_folded_holds_what_every_change_leads_to(
    before: dict[int, int], drawn: list[tuple[int, str]]
) -> None:
    """With one operation a row at most, which says truly whether the row was there before."""
    rows = dict(before)
    fold = Fold()
    for tick, operation in _history(rows, drawn):
        fold.add(tick, operation)
    held = dict(before)
    folded = fold.take()
    assert len({operation.key for _, operation in folded}) == len(folded)
    for _, operation in folded:
        assert (operation.n in held) == (operation.op != "enter")
        assert operation.old is None or int(operation.old) == held[operation.n]
        if operation.new is None:
            del held[operation.n]
        else:
            held[operation.n] = int(operation.new)
    assert held == rows
    assert (fold.take(), fold.size) == ([], 0)


def test_its_size_is_what_it_holds() -> None:
    """So that it is sent before it is too much."""
    fold = Fold()
    first = an_operation(1, op="enter", text="x" * 100)
    fold.add(1, first)
    assert fold.size == first.size
    fold.add(2, replace(first, op="leave", new=None, old=first.new))
    assert (fold.size, fold.take()) == (0, [])
