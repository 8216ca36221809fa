"""Fan-out to people who see different things: roles, columns, owners, and rules that change."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.fixtures.gateway import AT, NORTH, QUARRY, SOUTH, a_base, a_grant, a_rule, an_operation, readable
from tests.fixtures.outboxes import Listening

from floorcast.change import COLUMN_RULE, OWNER_RULE
from floorcast.database.grants import Base
from floorcast.gateway.audience import Member, Selection
from floorcast.gateway.hub import Hub
from floorcast.gateway.lens import Asked, look
from floorcast.operation import Operation, PersonTable

COST = COLUMN_RULE, {"table_name": "work_orders", "column_name": "cost", "roles": ["manager"]}
EMAIL = COLUMN_RULE, {"table_name": "users", "column_name": "email", "roles": ["manager"]}
MINE = OWNER_RULE, {"table_name": "letters", "column_name": "user_id", "actions": ["select"]}
MYSELF = OWNER_RULE, {"table_name": "users", "column_name": "id", "actions": ["select"]}


def _start(**vary: Any) -> Base:
    """Anna and Bert are technicians in north, Vera looks on there, Max manages north and south."""
    grants = {
        "anna": {NORTH: "technician"},
        "bert": {NORTH: "technician"},
        "vera": {NORTH: "viewer"},
        "max": {NORTH: "manager", SOUTH: "manager"},
    }
    tables = frozenset({"work_orders", "equipment", "users", "letters", "access"})
    rules = (readable("work_orders"), readable("equipment"), readable("users"), readable("access", "manager"))
    return a_base(
        **{
            "tick": 7,
            "grants": grants,
            "tables": tables,
            "persons": {"users": PersonTable("id", is_key=True)},
            "policy": (*rules, COST, EMAIL, MINE, MYSELF),
            **vary,
        }
    )


@pytest.fixture
def hub() -> Hub:
    """A hub at tick 7."""
    hub = Hub(progress_seconds=5.0)
    hub.begin(_start())
    return hub


def _join(
    hub: Hub, user: str, *tables: str, warehouse: str = NORTH, role: str = "authenticated", version: Any = 2
) -> Listening:
    listening = Listening(user, role)
    _member(hub, listening, *tables, warehouse=warehouse, version=version)
    return listening


def _member(hub: Hub, listening: Listening, *tables: str, warehouse: str = NORTH, version: Any = 2) -> Member:
    asked = frozenset(tables) or None
    lens = look(hub.view(hub.role(listening, warehouse) or ""), Asked(asked))
    return hub.join(listening, Selection(f"warehouse:{warehouse}", warehouse, version, lens), b'"1"')


def _row(n: int, table: str, place: str = NORTH, **columns: object) -> Operation:
    row = json.dumps({"id": n, **columns}).encode()
    return an_operation(n, place, table, new=row, old=row)


def _letter(n: int, user: str, place: str = NORTH) -> Operation:
    return _row(n, "letters", place, user_id=user)


def _deliver(hub: Hub, *operations: Operation) -> int:
    deliveries = hub.deliver(hub.position + 1, AT, operations, "")
    hub.hand_out()
    return deliveries


def _got(listening: Listening) -> list[list[Any]]:
    """Of each frame with changes, (place in the tick, new row)."""
    return [
        [(int(change["position"][2:]), change.get("new")) for change in frame[4]["changes"]]
        for frame in listening.frames
        if frame[3] == "changes"
    ]


def test_who_may_not_see_a_column_reads_null_in_it(hub: Hub) -> None:
    """And who may, reads it; the same row, the same tick."""
    anna, boss = _join(hub, "anna"), _join(hub, "max")
    _deliver(hub, _row(1, "work_orders", title="x", cost=7.5))
    assert _got(anna) == [[(1, {"id": 1, "title": "x", "cost": None})]]
    assert _got(boss) == [[(1, {"id": 1, "title": "x", "cost": 7.5})]]


def test_roles_that_see_the_same_share_the_very_same_bytes(hub: Hub) -> None:
    """The view makes the audience and not the role; within tables without a difference even managers are in it."""
    people = [_join(hub, "anna"), _join(hub, "vera")]
    asked = [_join(hub, "bert", "equipment"), _join(hub, "max", "equipment")]
    asked.append(_join(hub, "robot", "equipment", role="service_role"))
    _deliver(hub, an_operation(1, table="equipment"))
    assert people[0].transport.written[0] is people[1].transport.written[0]
    assert len({id(listening.transport.written[0]) for listening in asked}) == 1


def test_a_table_is_told_to_the_roles_that_read_it(hub: Hub) -> None:
    """To others not even that something happened; a trusted server is told everything."""
    anna, boss = _join(hub, "anna"), _join(hub, "max")
    robot = _join(hub, "robot", role="service_role")
    _deliver(hub, _row(1, "access", role="viewer"))
    assert anna.frames == []
    assert _got(boss) == _got(robot) == [[(1, {"id": 1, "role": "viewer"})]]


def test_what_is_somebodys_own_comes_in_its_place_in_one_frame(hub: Hub) -> None:
    """One frame per tick and topic, in the order of the tick; others do not notice, and share theirs."""
    anna, bert, vera = (_join(hub, user) for user in ("anna", "bert", "vera"))
    told = _deliver(hub, an_operation(1), _letter(2, "anna"), an_operation(3), _letter(4, "anna"), an_operation(5))
    assert told == 3
    assert [[n for n, _ in frame] for frame in _got(anna)] == [[1, 2, 3, 4, 5]]
    assert [[n for n, _ in frame] for frame in _got(bert)] == [[1, 3, 5]]
    assert bert.transport.written[0] is vera.transport.written[0]


def test_a_tick_of_nothing_but_somebodys_own_is_a_frame_for_him_alone(hub: Hub) -> None:
    """At each of his sockets; the next tick is for everybody again, in the same turn of the loop."""
    anna, again, bert = _join(hub, "anna"), _join(hub, "anna", version=1), _join(hub, "bert")
    assert hub.deliver(8, AT, [_letter(1, "anna")], "") == 2
    assert hub.deliver(9, AT, [an_operation(2)], "") == 3
    assert hub.deliver(10, AT, [_letter(3, "bert")], "") == 1
    hub.hand_out()
    assert [frame[4]["tick"] for frame in anna.frames] == [8, 9]
    assert [frame["payload"]["tick"] for frame in again.frames] == [8, 9]
    assert [frame[4]["tick"] for frame in bert.frames] == [9, 10]
    assert hub.pending_bytes == 0
    _deliver(hub, an_operation(4))
    assert [frame[4]["tick"] for frame in anna.frames] == [8, 9, 11]


def test_a_letter_to_nobody_here_is_no_frame(hub: Hub) -> None:
    """Its reader may be elsewhere, or not listening."""
    anna = _join(hub, "anna")
    assert _deliver(hub, _letter(1, "max"), _letter(2, "")) == 0
    assert anna.frames == []
    assert hub._dispatch._due == []


def test_ones_own_record_is_whole_and_a_colleagues_is_not(hub: Hub) -> None:
    """In every warehouse where that person may be; a manager reads all of it anyway."""
    anna, bert, boss = (_join(hub, user) for user in ("anna", "bert", "max"))
    south = _join(hub, "max", warehouse=SOUTH)
    _deliver(hub, _row(1, "users", "user:anna", id="anna", email="a@x"))
    assert _got(anna) == _got(boss) == [[(1, {"id": "anna", "email": "a@x"})]]
    assert _got(bert) == [[(1, {"id": "anna", "email": None})]]
    assert south.frames == []


def test_a_colleague_who_may_be_here_no_more_leaves_the_screens(hub: Hub) -> None:
    """He himself is told that his access was withdrawn."""
    anna, bert = _join(hub, "anna"), _join(hub, "bert")
    _deliver(hub, a_grant("anna", NORTH, None, 3))
    assert anna.events() == ["revoked", "phx_close"]
    (change,) = bert.frames[0][4]["changes"]
    assert (change["position"], change["op"], change["table"], change["key"]) == (
        "8-3",
        "leave",
        "users",
        {"id": "anna"},
    )


def test_what_an_organization_has_goes_to_its_warehouses(hub: Hub) -> None:
    """Each topic of it."""
    hub.begin(_start(policy=(readable("equipment"),)))
    anna, south = _join(hub, "anna"), _join(hub, "max", warehouse=SOUTH)
    _deliver(hub, an_operation(1, f"organization:{QUARRY}", "equipment"))
    assert (len(_got(anna)), len(_got(south))) == (1, 1)


def test_a_rule_takes_effect_before_the_data_of_its_tick_and_on_those_it_is_about(hub: Hub) -> None:
    """Technicians read again; the manager, and whoever asked for other tables, do not notice."""
    anna, boss, other = _join(hub, "anna"), _join(hub, "max"), _join(hub, "bert", "equipment")
    wider = COST[1] | {"roles": ["manager", "technician"]}
    _deliver(hub, _row(1, "work_orders", cost=1), an_operation(2, table="equipment"), a_rule(COLUMN_RULE, wider, 3))
    assert anna.events() == ["must_refetch", "phx_error"]
    assert anna.frames[0][4]["reason"] == "policy"
    assert boss.events() == other.events() == ["changes"]
    again = _join(hub, "anna")
    _deliver(hub, _row(1, "work_orders", cost=2))
    assert _got(again) == [[(1, {"id": 1, "cost": 2})]]


def test_a_rule_that_changes_nobodys_view_disturbs_nobody(hub: Hub) -> None:
    """Taken away and given back, or about another action."""
    anna = _join(hub, "anna")
    about_writing = "floorcast.table_rule", {"table_name": "equipment", "action": "update", "roles": []}
    _deliver(hub, a_rule(*COST, gone=True), a_rule(*COST), a_rule(*about_writing), an_operation())
    assert anna.events() == ["changes"]


def test_a_warehouse_under_another_organization_is_read_again(hub: Hub) -> None:
    """By trusted servers too: what the organization has is another's now."""
    anna, robot = _join(hub, "anna"), _join(hub, "robot", role="service_role")
    elsewhere = _join(hub, "max", warehouse=SOUTH)
    _deliver(hub, _row(1, "warehouses", organization_id="harbour"))
    assert anna.events() == robot.events() == ["must_refetch", "phx_error"]
    assert elsewhere.events() == []


def test_a_letter_that_changes_hands_leaves_the_one_and_enters_the_other(hub: Hub) -> None:
    """Whose it was is told that it is gone, though it is still there."""
    anna, bert, vera = (_join(hub, user) for user in ("anna", "bert", "vera"))
    changed = _row(1, "letters", user_id="bert", text="x")
    _deliver(hub, replace(changed, old=b'{"id":1,"user_id":"anna"}'))
    assert [change["op"] for change in anna.frames[0][4]["changes"]] == ["leave"]
    assert "new" not in anna.frames[0][4]["changes"][0]
    assert [(change["op"], change["new"]["text"]) for change in bert.frames[0][4]["changes"]] == [("enter", "x")]
    assert vera.frames == []


def test_a_letter_that_moves_away_leaves_its_owner_alone(hub: Hub) -> None:
    """The row that was says whose it was; what became of it is not told."""
    anna, bert = _join(hub, "anna"), _join(hub, "bert")
    gone = an_operation(1, NORTH, "letters", "leave", by="update", old=b'{"id":1,"user_id":"anna"}')
    _deliver(hub, gone)
    assert [(change["op"], change.get("old")) for change in anna.frames[0][4]["changes"]] == [("leave", None)]
    assert bert.frames == []


def test_frames_of_ones_own_count_as_waiting(hub: Hub) -> None:
    """A slow reader among the owners is as bounded as any, and what he lost access to is taken back."""
    anna, bert = _join(hub, "anna"), _join(hub, "bert")
    anna.transport.room = 100
    for tick in range(8, 12):
        hub.deliver(tick, AT, [_row(1, "letters", user_id="anna", text="x" * 9_000)], "")
    assert hub.pending_bytes > 36_000
    hub.hand_out()
    assert anna.outbox.waiting_bytes > 18_000
    _deliver(hub, a_grant("anna", NORTH, None))
    anna.transport.take()
    assert anna.events()[-2:] == ["revoked", "phx_close"]
    assert len(_got(anna)) == 1
    assert bert.events() == ["changes"], "the leave of a colleague"
