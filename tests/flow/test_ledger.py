"""The ledger of those who come back is audited: what is missing, doubled or torn at a picture's seam is found."""

from typing import Any
from uuid import UUID

from tests.trial.floor import Reader
from tests.trial.ledger import Ledger
from tests.trial.line import read_json
from tests.trial.regular import Life, Regular
from tests.trial.trail import GRANTS, Row, Tick, Trail

ANNA = UUID(int=1)
AT = "2026-11-23T10:11:12.345678+00:00"
NOW = "this history"


def a_row(xid: int, seq: int, key: int, old: str | None, new: str) -> Row:
    """A change of a machine in the north, from one letter to another."""
    bodies = [None if text is None else f'{{"id": {key}, "a": "{text}"}}' for text in (old, new)]
    op = "insert" if old is None else "update"
    return Row(xid, seq, "equipment", op, f'{{"id": {key}}}', "north", None, "anna", AT, *bodies)


def a_trail() -> Trail:
    """Tick 1 lets Anna in, 2 brings two machines, 3 changes both in one transaction, 4 the first again."""
    grant = f'{{"user_id": "{ANNA}", "role": "viewer"}}'
    access = Row(1, 1, GRANTS, "insert", "{}", "north", None, "x", AT, None, grant)
    changes = [
        [access],
        [a_row(2, 2, 1, None, "a"), a_row(2, 3, 2, None, "a")],
        [a_row(3, 4, 1, "a", "b"), a_row(3, 5, 2, "a", "b")],
        [a_row(4, 6, 1, "b", "c")],
    ]
    return Trail([Tick(0, "", "", 0), *(Tick(n, "", "", len(rows), rows) for n, rows in enumerate(changes, 1))], 0)


TRAIL = a_trail()


def found(picture: dict[int, str], *applied: int, half: int | None = None, tick: int = 2, **life: Any) -> list[str]:
    """What is found when Anna has a picture of `tick` and these ticks behind it, of one of them half."""
    told = dict(TRAIL.told("north", -1))
    frames = []
    for number in applied:
        operations = [placed.operation for placed in told[number]]
        frames.append((number, ({"changes": operations[:1] if number == half else operations},)))
    rows = [read_json(f'{{"id": {key}, "a": "{text}"}}') for key, text in picture.items()]
    parts = [{"rows": {"equipment": rows}}]
    regular = Regular(Reader(ANNA, "Anna", {"north": "viewer"}), "north", [])
    regular.lives = [Life(NOW, {"equipment": ["id"]}, tick, parts, frames, **life)]
    return Ledger(TRAIL, NOW).audit([regular])


def test_a_picture_and_every_tick_behind_it_is_right() -> None:
    """The plain case."""
    assert found({1: "a", 2: "a"}, 3, 4) == []


def test_a_transaction_that_the_picture_has_already_may_be_left_out() -> None:
    """Pictures are read between two ticks."""
    assert found({1: "b", 2: "b"}, 4) == []


def test_a_tick_that_nobody_was_told_is_found() -> None:
    """It is not in the picture either."""
    assert found({1: "a", 2: "a"}, 4) != []
    assert found({1: "a", 2: "a"}, 3) != []


def test_a_change_that_is_in_the_picture_and_comes_again_is_found() -> None:
    """Twice is as wrong as never."""
    assert found({1: "b", 2: "b"}, 3, 4) != []


def test_half_a_transaction_is_found() -> None:
    """Even where the picture makes up for it."""
    assert found({1: "a", 2: "b"}, 3, 4, half=3) != []


def test_a_picture_that_lacks_a_row_or_has_one_too_many_is_found() -> None:
    """Both ways."""
    assert found({1: "a"}, 3, 4) != []
    assert found({1: "a", 2: "a", 3: "a"}, 3, 4) != []


def test_a_life_that_ended_has_to_be_right_up_to_its_end() -> None:
    """And somebody who goes on holding it is found."""
    assert found({1: "a", 2: "a"}, 3, ended="policy") == ["Anna in north: holds what ended with policy"]
