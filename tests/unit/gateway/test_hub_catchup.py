"""Those who are not live: what may go on from a cursor, what was meanwhile, and how somebody becomes live again."""

import json
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest
from tests.fixtures.gateway import AT, NORTH, QUARRY, SOUTH, a_base, a_grant, a_shape, an_operation, readable
from tests.fixtures.outboxes import Listening

from floorcast.change import COLUMN_RULE
from floorcast.cursor import Cursor, Splice, seal_digest
from floorcast.database.grants import Base
from floorcast.gateway.audience import Member, Selection
from floorcast.gateway.hub import Hub
from floorcast.gateway.lens import ALL, Asked, look
from floorcast.operation import Operation, PersonTable
from floorcast.snapshot import Snapshot

TABLES = frozenset({"work_orders", "equipment", "users"})
SPLICE = Splice(Snapshot(5, 9, frozenset({7})), 12)
COST = COLUMN_RULE, {"table_name": "work_orders", "column_name": "cost", "roles": ["manager"]}


def _start(**vary: Any) -> Base:
    """Anna and Bert are technicians in north, Max manages it; `users` is about people."""
    grants = {"anna": {NORTH: "technician"}, "bert": {NORTH: "technician"}, "max": {NORTH: "manager"}}
    base = a_base(
        tick=7,
        grants=grants,
        tables=TABLES,
        persons={"users": PersonTable("id", is_key=True)},
        policy=(*(readable(table) for table in sorted(TABLES)), COST),
        shapes={table: a_shape(table) for table in TABLES},
    )
    return replace(base, **vary)


@pytest.fixture
def hub() -> Hub:
    """A hub at tick 7."""
    return _hub()


def _hub(**vary: Any) -> Hub:
    hub = Hub(progress_seconds=5.0)
    hub.begin(_start(**vary))
    return hub


def _join(hub: Hub, listening: Listening, asked: Asked = ALL) -> Member:
    lens = look(hub.view(hub.role(listening, NORTH) or ""), asked)
    return hub.join(listening, Selection(f"warehouse:{NORTH}", NORTH, 2, lens), b'"1"')


def _deliver(hub: Hub, *operations: Operation) -> None:
    hub.deliver(hub.position + 1, AT, operations, "")
    hub.hand_out()


def _person(n: int, user: str) -> Operation:
    row = json.dumps({"id": user}).encode()
    return an_operation(n, f"user:{user}", "users", key=row, new=row, old=row)


def _recalled(hub: Hub, after: int) -> list[tuple[int, list[int]]]:
    past = hub.hindsight.recall(NORTH, after, hub.position)
    assert past is not None
    return [(each.tick, [operation.n for operation in each.operations]) for each in past.ticks]


def test_a_warehouse_recalls_what_its_organization_and_its_people_had(hub: Hub) -> None:
    """As it was live: what is about a person while that person was there, and no word of it before or after."""
    _deliver(hub, an_operation(1), _person(2, "anna"), an_operation(3, f"organization:{QUARRY}", "equipment"))
    _deliver(hub, an_operation(4, SOUTH), _person(5, "carl"))
    _deliver(hub, a_grant("anna", NORTH, None, 6, "technician"), a_grant("carl", NORTH, "technician", 7))
    _deliver(hub, _person(8, "anna"), _person(9, "carl"))
    # The sixth is that Anna's row left.
    assert _recalled(hub, 7) == [(8, [1, 2, 3]), (10, [6]), (11, [9])]
    assert _recalled(hub, 8) == [(10, [6]), (11, [9])]
    assert hub.hindsight.recall(NORTH, 6, hub.position) is None
    assert hub.hindsight.places(NORTH, 7) == (
        NORTH,
        f"organization:{QUARRY}",
        "user:anna",
        "user:bert",
        "user:carl",
        "user:max",
    )
    assert "user:anna" not in hub.hindsight.places(NORTH, 10)


def test_a_cursor_goes_on_only_under_the_terms_that_it_was_given_under() -> None:
    """Whatever is another one by now has its reason, though nothing happened since the cursor's tick."""
    cursor = Cursor(_join(_hub(), Listening()).audience.terms, 7, 7, seal_digest(""))

    def reason(hub: Hub, user: str = "anna", anchor: int = 7, seal: str = "", **asked: Any) -> str | None:
        from_there = replace(cursor, anchor=anchor, seal=seal_digest(seal))
        return hub.examine(_join(hub, Listening(user), Asked(**asked)), from_there)

    wider = {table: a_shape(table) for table in TABLES} | {"equipment": a_shape("equipment", cost="numeric")}
    assert reason(_hub()) is None
    assert reason(_hub(), "bert") is None, "a cursor is nobody's: who sees the same may go on from it"
    assert reason(_hub(), "max") == "policy"
    assert reason(_hub(), columns=(("equipment", frozenset({"id"})),)) == "filter"
    assert reason(_hub(shapes=wider)) == "schema"
    assert reason(_hub(incarnation="second")) == "incarnation"
    assert reason(_hub(), seal="restored") == "incarnation", "another tick has its number"
    assert reason(_hub(), anchor=8) == "future"


def test_who_becomes_live_is_given_nothing_that_he_had(hub: Hub) -> None:
    """What is pending was sent to him on his way here; and what comes next comes to him."""
    anna, bert = Listening(), Listening("bert")
    _join(hub, anna)
    member = _join(hub, bert)
    hub.fall_behind(member, 7)
    hub.deliver(8, AT, [an_operation()], "")
    member.since = 8
    assert hub.go_live(member)
    hub.hand_out()
    assert (anna.events(), bert.events()) == (["changes"], [])
    _deliver(hub, an_operation())
    assert [frame[4]["tick"] for frame in bert.frames] == [9]


def test_nobody_becomes_live_before_he_has_everything(hub: Hub) -> None:
    """Nor twice, nor after his joining was over."""
    member = _join(hub, Listening())
    assert not hub.go_live(member)
    hub.fall_behind(member, 7)
    _deliver(hub, an_operation())
    assert not hub.go_live(member)
    hub.leave(member)
    member.since = 8
    assert not hub.go_live(member)


def test_who_is_cut_off_goes_on_from_there_whether_he_was_live_or_not(hub: Hub) -> None:
    """His errand begins anew, behind what he was handed; in the middle of a picture there is no such place."""
    anna, errand, fallen = Listening(), Mock(), []
    hub.fell_behind = fallen.append
    member = _join(hub, anna)
    hub.cut_off(member, 5)
    assert (fallen, member.live, member.since) == ([member], False, 5)
    member.errand, member.splice = errand, SPLICE
    hub.cut_off(member, 6)
    errand.cancel.assert_called_once_with()
    assert (fallen, member.since) == ([member, member], 6)
    assert member.splice == SPLICE, "his picture still holds what it held"
    hub.cut_off(member, -1)
    assert anna.events() == ["must_refetch", "phx_error"]
    assert anna.frames[0][4]["reason"] == "trimmed"


def test_a_joining_that_ends_ends_its_errand(hub: Hub) -> None:
    """Whatever ends it: nobody is left who goes on reading for nobody."""
    for end in (hub.leave, hub.revoke, lambda member: hub.refetch(member, "schema")):
        member, errand = _join(hub, Listening()), Mock()
        hub.fall_behind(member, hub.position)
        member.errand = errand
        end(member)
        errand.cancel.assert_called_once_with()
        assert hub._warehouses == {}


def test_the_end_of_the_stream_is_told_to_who_is_behind(hub: Hub) -> None:
    """He would wait for ever for ticks of another history."""
    anna = Listening()
    hub.fall_behind(_join(hub, anna), 7)
    hub.end_all("incarnation")
    assert anna.events() == ["must_refetch", "phx_error"]


def test_a_large_tick_takes_access_away_before_anybody_reads_a_row_of_it(hub: Hub) -> None:
    """As a small one does."""
    anna, bert = Listening(), Listening("bert")
    fallen: list[Member] = []
    hub.fell_behind = fallen.append
    _join(hub, anna)
    his = _join(hub, bert)
    hub.deliver_large(8, AT, [a_grant("anna", NORTH, None, 9, "technician")], [NORTH], "")
    assert anna.events() == ["revoked", "phx_close"]
    assert (fallen, his.since) == ([his], 7)


def test_a_table_that_was_altered_is_read_again_by_who_looks_at_it(hub: Hub) -> None:
    """Live or behind; who looks at others goes on."""
    anna, bert, max_ = Listening(), Listening("bert"), Listening("max")
    _join(hub, anna)
    hub.fall_behind(_join(hub, bert), 7)
    _join(hub, max_, Asked(frozenset({"equipment"})))
    hub.reshape(dict(hub.shapes) | {"work_orders": a_shape("work_orders", due_at="date")})
    for listening in (anna, bert):
        assert listening.events() == ["must_refetch", "phx_error"]
        assert listening.frames[0][4]["reason"] == "schema"
    assert max_.events() == []


def test_a_beginning_knows_nothing_of_the_progress_before_it(hub: Hub) -> None:
    """What was said of another history would call old data fresh."""
    hub.progress(7, AT, 0.0)
    assert hub.progress_at == AT
    hub.end_all("incarnation")
    hub.begin(_start(incarnation="second"))
    assert hub.progress_at == ""
