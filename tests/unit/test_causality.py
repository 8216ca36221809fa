"""Several changes of one row in one transaction follow the row's own story."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import a_change

from floorcast.causality import in_causal_order
from floorcast.change import Change


def chain(*states: str | None, key: str = '{"id":1}', first: int = 1, xid: str = "731") -> list[Change]:
    """Changes that lead a row through `states`; None is where it does not exist."""
    return [
        a_change(
            n=n,
            seq=n,
            xid=xid,
            key=key,
            old=old,
            new=new,
            op="insert" if old is None else "delete" if new is None else "update",
        )
        for n, (old, new) in enumerate(pairwise(states), first)
    ]


def renumbered(changes: list[Change]) -> list[Change]:
    """The same changes, numbered as they stand."""
    return [replace(change, n=n, seq=n) for n, change in enumerate(changes, 1)]


def story(changes: list[Change]) -> list[tuple[str | None, str | None]]:
    """What the changes say, in order."""
    return [(change.old, change.new) for change in changes]


def test_an_inner_statement_that_was_numbered_first_goes_behind_its_cause() -> None:
    """A trigger bumps a version: its statement ends before the one that fired it, and screens would stay wrong."""
    outer, inner = chain("a", "b", "c")
    assert story(in_causal_order(renumbered([inner, outer]))) == [("a", "b"), ("b", "c")]


def test_places_stay_in_order_when_changes_are_swapped() -> None:
    """Positions number the tick; a receiver sees 1, 2, 3 whatever was mended."""
    outer, inner = chain("a", "b", "c")
    assert [change.n for change in in_causal_order(renumbered([inner, outer]))] == [1, 2]


def test_changes_of_other_rows_do_not_move() -> None:
    """Only what is known to be wrong is touched."""
    outer, inner = chain("a", "b", "c")
    (other,) = chain("x", "y", key='{"id":2}')
    mended = in_causal_order(renumbered([inner, other, outer]))
    assert [change.key for change in mended] == [outer.key, other.key, outer.key]
    assert story(mended) == [("a", "b"), ("x", "y"), ("b", "c")]


def test_the_same_row_in_two_transactions_is_not_one_chain() -> None:
    """Between transactions the order is that of their commits, whatever the values look like."""
    first, second = chain("b", "c", xid="1"), chain("a", "b", xid="2")
    assert story(in_causal_order(renumbered(first + second))) == [("b", "c"), ("a", "b")]


def test_a_row_that_dies_and_is_born_again_keeps_its_order() -> None:
    """None is a state like any other."""
    changes = chain(None, "a", None, "b")
    assert in_causal_order(changes) == changes


def test_what_cannot_be_put_together_is_left_as_it_was_captured() -> None:
    """A guess would be worse than what the trail says."""
    changes = renumbered(chain("a", "b") + chain("x", "y"))
    assert in_causal_order(changes) == changes


@given(
    st.lists(st.sampled_from([None, "a", "b", "c", "d"]), min_size=2, max_size=9).map(
        lambda states: [state for place, state in enumerate(states) if place == 0 or states[place - 1] != state]
    ),
    st.randoms(),
)
def test_however_a_chain_was_shuffled_it_fits_again(states: list[str | None], random: object) -> None:
    """Any numbering of the changes of one row ends in an order in which each begins where the one before ended."""
    changes = chain(*states)
    shuffled = list(changes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    mended = in_causal_order(renumbered(shuffled))
    assert sorted(map(repr, story(mended))) == sorted(map(repr, story(changes)))
    assert all(before.new == after.old for before, after in pairwise(mended))


@given(st.lists(st.integers(0, 99), unique=True, min_size=2, max_size=9), st.randoms())
def test_a_chain_without_repeated_states_ends_where_it_truly_ended(states: list[int], random: object) -> None:
    """With a version in the row every state is new, and then there is one order only."""
    changes = chain(*map(str, states))
    shuffled = list(changes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert story(in_causal_order(renumbered(shuffled))) == story(changes)
