"""The auditors of the whole path are audited: each kind of fault, made on purpose, is found."""

from typing import Any

import pytest
from tests.trial.line import Frame, read_json
from tests.trial.trail import GRANTS, Row, Tick, Trail
from tests.trial.witness import Hearing

AT = "2026-11-23T10:11:12.345678+00:00"


def a_row(xid: int, key: int, **vary: Any) -> Row:
    """An update of a machine in the north."""
    row = Row(xid, xid, "equipment", "update", f'{{"id": {key}}}', "north", None, "anna", AT, '{"a": 1}', '{"a": 1.50}')
    return row._replace(**vary)


def a_trail(*ticks: list[Row]) -> Trail:
    """Ticks 1… behind one that gives Anna access to the north."""
    access = Row(1, 1, GRANTS, "insert", "{}", "north", None, "x", AT, None, '{"user_id": "anna", "role": "viewer"}')
    numbered = [Tick(0, "", "", 0), Tick(1, "", "", 1, [access])]
    numbered += [Tick(number, "", "", len(rows), rows) for number, rows in enumerate(ticks, start=2)]
    return Trail(numbered, 0)


def frames(trail: Trail) -> list[Frame]:
    """What Anna should be sent."""
    return [changes(tick, [placed.operation for placed in told]) for tick, told in trail.told("north", 1)] + [
        progress(trail.last)
    ]


def changes(tick: int, operations: list[dict[str, Any]], **more: Any) -> Frame:
    """A frame of changes."""
    payload = read_json(f'{{"tick": {tick}}}') | {"at": AT, "changes": operations, **more}
    return Frame(None, None, "warehouse:north", "changes", payload)


def progress(tick: int) -> Frame:
    """A frame of progress."""
    return Frame(None, None, "warehouse:north", "progress", {"position": f"{tick}-0", "at": AT})


TRAIL = a_trail([a_row(2, 1), a_row(2, 2, seq=3)], [a_row(4, 1)], [a_row(5, 2)])
RIGHT = frames(TRAIL)


def faults(heard: list[Frame], trail: Trail = TRAIL) -> list[str]:
    """What the audit finds when Anna hears this from behind tick 1."""
    hearing = Hearing("north", 1, "1")
    for frame in heard:
        hearing.hear(frame, 0.0)
    return hearing.audit(trail, "anna")


def test_what_is_right_is_right() -> None:
    """Whole ticks, or parts with an end."""
    operations = RIGHT[0].payload["changes"]
    one, two = read_json("[1, 2]")
    parts = [
        changes(2, operations[:1], part=one, end=False),
        changes(2, operations[1:], part=two, end=True),
        *RIGHT[1:],
    ]
    assert faults(RIGHT) == faults(parts) == []


def altered(**vary: Any) -> list[Frame]:
    """The stream with another first operation."""
    first, *others = RIGHT[0].payload["changes"]
    return [changes(2, [first | vary, *others]), *RIGHT[1:]]


@pytest.mark.parametrize(
    "heard",
    [
        pytest.param(RIGHT[1:], id="a tick is missing"),
        pytest.param([RIGHT[0], *RIGHT], id="a tick comes twice"),
        pytest.param([RIGHT[1], RIGHT[0], *RIGHT[2:]], id="two ticks are swapped"),
        pytest.param([changes(2, RIGHT[0].payload["changes"][:1]), *RIGHT[1:]], id="half a tick"),
        pytest.param([changes(2, RIGHT[0].payload["changes"][::-1]), *RIGHT[1:]], id="a tick is turned round"),
        pytest.param([progress(4), *RIGHT], id="progress before its data"),
        pytest.param(RIGHT[:-1], id="never complete"),
        pytest.param(altered(new=read_json('{"a": 1.5}')), id="a digit is lost"),
        pytest.param(altered(new=read_json('{"a": "1.50"}')), id="a number became text"),
        pytest.param(altered(actor="ben"), id="another actor"),
        pytest.param(altered(op="enter"), id="another operation"),
        pytest.param([*RIGHT, Frame(None, None, "", "phx_close", {})], id="closed without a reason"),
    ],
)
def test_a_fault_is_found(heard: list[Frame]) -> None:
    """Whatever its kind."""
    assert faults(heard) != []


def test_who_loses_access_must_be_told_and_must_hear_nothing_of_that_tick() -> None:
    """Tick 3 withdraws; what it and later ones bring is not his."""
    lost = Row(6, 6, GRANTS, "delete", "{}", "north", None, "x", AT, '{"user_id": "anna", "role": "viewer"}', None)
    trail = a_trail([a_row(2, 1)], [a_row(4, 1), lost], [a_row(5, 2)])
    told = [Frame(None, None, "", event, {}) for event in ("revoked", "phx_close")]
    first, second, third, _ = frames(trail)
    assert faults([first, *told], trail) == []
    assert faults([first], trail) != []
    assert faults([first, second, *told], trail) != []
    assert faults([first, *told, third], trail) != []


def test_an_effect_before_its_cause_is_found_in_the_trail() -> None:
    """A row's changes lead from old to new."""
    cause, effect = a_row(2, 1, old="1", new="2"), a_row(3, 1, old="2", new="3")
    assert a_trail([cause], [effect]).broken_chains() == []
    assert a_trail([effect], [cause]).broken_chains() != []
    assert a_trail([cause, effect]).broken_chains() == []


def test_a_move_is_a_leave_without_the_row_and_an_enter_with_it() -> None:
    """The old warehouse learns the key only."""
    moved = a_trail([a_row(2, 1, warehouse="south", old_warehouse="north")])
    ((_, (left,)),) = moved.told("north", 1)
    ((_, (entered,)),) = moved.told("south", 1)
    assert (left.operation["op"], "new" in left.operation, "old" in left.operation) == ("leave", False, False)
    assert (entered.operation["op"], "new" in entered.operation) == ("enter", True)
