"""Those whom a tick let in: of their rows the newest state alone is told where they come."""

import orjson
from tests.fixtures.gateway import NORTH, SOUTH, an_operation

from floorcast.access.arrivals import Arrivals
from floorcast.operation import Act, Operation


def _about(user: str, n: int, op: Act = "update", key: bytes | None = None) -> Operation:
    return an_operation(n, f"user:{user}", "users", op, key=key or orjson.dumps({"id": user}))


def test_of_a_row_that_changes_in_several_pages_the_last_one_counts() -> None:
    """Whatever page is asked about."""
    arrivals = Arrivals([("carl", NORTH)])
    pages = [[_about("carl", 1), _about("carl", 2)], [_about("anna", 3)], [_about("carl", 4)]]
    for page in pages:
        arrivals.note(page)
    told = [each.n for page in pages for each in page if not arrivals.conceal(NORTH, each)]
    assert told == [3, 4]


def test_where_somebody_was_already_everything_is_told() -> None:
    """He is let into one warehouse; the other one saw him all the time."""
    arrivals, earlier = Arrivals([("carl", NORTH)]), _about("carl", 1)
    arrivals.note([earlier, _about("carl", 2)])
    assert arrivals.conceal(NORTH, earlier)
    assert not arrivals.conceal(SOUTH, earlier)
    assert not arrivals.conceal(NORTH, an_operation(1, NORTH))


def test_looking_again_from_the_beginning_changes_nothing() -> None:
    """Pages are read anew when Postgres was away for a moment."""
    arrivals, first, last = Arrivals([("carl", NORTH)]), _about("carl", 1), _about("carl", 2)
    for operation in (first, last, first, last):
        arrivals.note([operation])
    assert [arrivals.conceal(NORTH, each) for each in (first, last)] == [True, False]


def test_of_a_row_that_goes_from_one_to_another_who_both_come_it_is_told_where_it_went() -> None:
    """The two sides of a move share their place in the tick; a key is the same however it is written."""
    arrivals = Arrivals([("carl", NORTH), ("dora", NORTH)])
    leave = _about("carl", 1, "leave", b'{"a": 1, "b": 2}')
    enter = _about("dora", 1, "enter", b'{"b":2,"a":1}')
    arrivals.note([leave, enter])
    assert [arrivals.conceal(NORTH, each) for each in (leave, enter)] == [True, False]


def test_those_who_come_are_asked_about_in_a_certain_order() -> None:
    """Whoever asks for the same places is given the same pages."""
    assert Arrivals([("dora", NORTH), ("carl", NORTH)]).places == ["user:carl", "user:dora"]
    assert Arrivals([]).places == []
