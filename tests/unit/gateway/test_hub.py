"""Fan-out: audiences, the order in which a tick takes effect, and what nobody may get."""

from typing import Any
from unittest.mock import Mock

import pytest
from tests.fixtures.gateway import (
    AT,
    NORTH,
    SOUTH,
    TABLES,
    a_base,
    a_fact,
    a_grant,
    a_rule,
    a_shape,
    an_operation,
    readable,
)
from tests.fixtures.observed import Observed
from tests.fixtures.outboxes import Listening

from floorcast.change import MESSAGES, TRACKED
from floorcast.database.grants import Base
from floorcast.gateway.audience import Member, Selection
from floorcast.gateway.hub import Hub
from floorcast.gateway.lens import Asked, look
from floorcast.observe import TopicsEnded
from floorcast.operation import EVERYWHERE, Operation


def _start(**vary: Any) -> Base:
    """Anna and Bert may be in both warehouses."""
    grants = {user: {NORTH: "technician", SOUTH: "technician"} for user in ("anna", "bert")}
    return a_base(**{"tick": 7, "grants": grants, **vary})


@pytest.fixture
def hub() -> Hub:
    """A hub at tick 7."""
    hub = Hub(progress_seconds=5.0)
    hub.begin(_start())
    return hub


def _join(
    hub: Hub, listening: Listening, warehouse: str = NORTH, tables: frozenset[str] | None = None, version: int = 2
) -> Member:
    lens = look(hub.view(hub.role(listening, warehouse) or ""), Asked(tables))
    selection = Selection(f"warehouse:{warehouse}", warehouse, version, lens)  # type: ignore[arg-type]
    return hub.join(listening, selection, b'"1"')


def _deliver(hub: Hub, *operations: Operation) -> int:
    deliveries = hub.deliver(hub.position + 1, AT, operations, "")
    hub.hand_out()
    return deliveries


def test_an_audience_shares_the_very_same_bytes(hub: Hub) -> None:
    """Encoded once, whoever listens; another selection is another audience."""
    anna, bert, other = Listening(), Listening("bert"), Listening("bert")
    for listening in (anna, bert):
        _join(hub, listening)
    _join(hub, other, version=1)
    assert _deliver(hub, an_operation()) == 3
    assert anna.transport.written[0] is bert.transport.written[0]
    assert other.frames[0]["event"] == "changes"


def test_many_ticks_of_one_turn_are_one_write(hub: Hub) -> None:
    """And still one frame each."""
    anna = Listening()
    _join(hub, anna)
    for n in range(3):
        hub.deliver(hub.position + 1, AT, [an_operation(n)], "")
    hub.hand_out()
    assert len(anna.transport.written) == 1
    assert [frame[4]["tick"] for frame in anna.frames] == [8, 9, 10]


def test_a_withdrawal_takes_back_what_waits(hub: Hub) -> None:
    """Frames of earlier ticks that the kernel does not have yet included; another topic's stay."""
    anna = Listening()
    _join(hub, anna, NORTH)
    _join(hub, anna, SOUTH)
    anna.outbox.gather(several=True)
    anna.outbox.pause()
    _deliver(hub, an_operation(1, NORTH), an_operation(2, SOUTH))
    hub.deliver(hub.position + 1, AT, [an_operation(3, NORTH)], "")
    hub.deliver(
        hub.position + 1, AT, [an_operation(4, NORTH), a_grant("anna", NORTH, None), an_operation(5, SOUTH)], ""
    )
    hub.hand_out()
    anna.outbox.resume()
    assert [(frame[2], frame[3]) for frame in anna.frames] == [
        ("warehouse:south", "changes"),
        ("warehouse:north", "revoked"),
        ("warehouse:north", "phx_close"),
        ("warehouse:south", "changes"),
    ]


def test_withdrawn_and_granted_again_in_one_tick_disturbs_nobody(hub: Hub) -> None:
    """Entitled before and after: the tick is theirs."""
    anna = Listening()
    _join(hub, anna)
    _deliver(hub, a_grant("anna", NORTH, None, 1), an_operation(2), a_grant("anna", NORTH, "technician", 3))
    assert anna.events() == ["changes"]


def test_another_role_has_to_read_again(hub: Hub) -> None:
    """It may see other columns; the topic ends so that the client joins under the new role."""
    anna, bert = Listening(), Listening("bert")
    for listening in (anna, bert):
        _join(hub, listening)
    _deliver(hub, a_grant("anna", NORTH, "manager"), an_operation())
    assert anna.events() == ["must_refetch", "phx_error"]
    assert anna.frames[0][4]["reason"] == "policy"
    assert bert.events() == ["changes"]
    assert hub.role(anna, NORTH) == "manager"


def test_a_warehouse_that_is_deleted_ends_for_trusted_servers_too(hub: Hub) -> None:
    """Its people lose it with their grants."""
    robot = Listening("robot", "service_role")
    _join(hub, robot)
    _deliver(hub, an_operation(1, NORTH, "warehouses", "leave"))
    assert robot.events() == ["revoked", "phx_close"]


def test_grants_are_never_sent(hub: Hub) -> None:
    """Not even as an empty frame."""
    anna = Listening()
    _join(hub, anna)
    _deliver(hub, a_grant("bert", NORTH, None))
    assert anna.frames == []
    assert hub.position == 8


def test_who_leaves_hears_no_more_and_leaves_nothing_behind(hub: Hub) -> None:
    """Not even an audience."""
    anna = Listening()
    hub.leave(_join(hub, anna))
    _deliver(hub, an_operation())
    assert anna.frames == []
    assert hub._warehouses == {}


def test_progress_comes_in_its_rhythm_and_only_at_its_tick(hub: Hub) -> None:
    """Once at once, then about every five seconds; never of a tick that was not delivered."""
    anna = Listening()
    member = _join(hub, anna)
    for now in (0.0, 1.0, 3.9, 5.1, 6.0):
        hub.progress(7, f"at {now}", 100.0 + now)
    hub.progress(6, "old", 200.0)
    hub.progress(8, "new", 200.0)
    cursor = member.audience.cursor(7)
    assert [frame[4] for frame in anna.frames] == [
        {"position": "7-0", "at": "at 0.0", "cursor": cursor},
        {"position": "7-0", "at": "at 5.1", "cursor": cursor},
    ]


def test_a_large_tick_is_read_by_those_whom_it_concerns(hub: Hub) -> None:
    """Each at his own pace: they are not live until they have it; whom it does not concern goes on."""
    anna, late, other = Listening(), Listening("bert"), Listening("bert")
    behind: list[Member] = []
    hub.fell_behind = behind.append
    member = _join(hub, anna)
    _join(hub, other, SOUTH)
    hub.deliver(8, AT, [an_operation()], "")
    hub.deliver_large(9, AT, [a_grant("carl", NORTH, "manager")], [NORTH], "")
    assert behind == [member]
    assert (member.live, member.since) == (False, 8)
    assert anna.events() == ["changes"], "what came before is handed out"
    assert _join(hub, late).since == 9
    _deliver(hub, an_operation(), an_operation(2, SOUTH))
    assert (len(anna.frames), late.events(), other.events()) == (1, ["changes"], ["changes"])
    assert not hub.go_live(member), "it was sent nothing after tick 8"
    member.since = 10
    assert hub.go_live(member)
    _deliver(hub, an_operation())
    assert [frame[4]["tick"] for frame in anna.frames] == [8, 11]


def test_who_is_behind_loses_his_topic_as_others_do(hub: Hub) -> None:
    """By a withdrawal, another role or the end of everything; whoever brings him to the present is told to stop."""
    ends = (
        ([a_grant("anna", NORTH, None)], ["revoked", "phx_close"]),
        ([a_grant("anna", NORTH, "manager")], ["must_refetch", "phx_error"]),
    )
    for operations, events in ends:
        hub.begin(_start())
        anna, errand = Listening(), Mock()
        member = _join(hub, anna)
        hub.fall_behind(member, 7)
        member.errand = errand
        _deliver(hub, *operations)
        assert anna.events() == events
        assert member.over
        errand.cancel.assert_called_once_with()
        assert hub._warehouses == {}


def test_the_end_of_all_topics_has_a_reason_and_a_beginning_after_it(hub: Hub, observed: Observed) -> None:
    """phx_error makes clients join again; until the next beginning they are told to wait."""
    anna = Listening()
    member = _join(hub, anna)
    hub.deliver(8, AT, [an_operation()], "")
    hub.end_all("incarnation")
    hub.hand_out()
    assert anna.events() == ["must_refetch", "phx_error"]
    assert anna.frames[1][:2] == ["1", "1"]
    assert anna.forgotten == [member]
    assert not hub.ready
    assert observed.of(TopicsEnded) == [TopicsEnded("incarnation", 1)]
    hub.begin(_start(incarnation="second", tick=3))
    assert (hub.ready, hub.position, hub.incarnation) == (True, 3, "second")


def test_who_joins_between_a_tick_and_its_handing_out_gets_none_of_it(hub: Hub) -> None:
    """He is live after it: the tick that granted him access is not his, nor anything before."""
    anna, carl = Listening(), Listening("carl")
    _join(hub, anna)
    hub.deliver(8, AT, [an_operation(), a_grant("carl", NORTH, "technician", 2)], "")
    assert _join(hub, carl).since == 8
    hub.hand_out()
    assert anna.events() == ["changes"]
    assert carl.events() == []


def test_a_table_that_begins_or_ceases_to_be_tracked_is_read_again(hub: Hub) -> None:
    """By those who look at it: what it held before is in nobody's hands. Our own tables are sent by nobody."""
    hub.deliver(8, AT, [a_rule(*readable("lathes"))], "")
    anna, bert = Listening(), Listening("bert")
    _join(hub, anna)
    _join(hub, bert, tables=frozenset({"equipment"}))

    def tracked(table: str, *, on: bool) -> Operation:
        return a_fact(TRACKED, EVERYWHERE, {"table": table, "tracked": on, "person": None})

    assert _deliver(hub, an_operation(table="lathes")) == 0
    _deliver(hub, tracked("lathes", on=True), an_operation(2, table="lathes"))
    assert "lathes" not in hub.tables_for(hub.view("technician"))
    assert anna.frames == []
    hub.reshape({**hub.shapes, "lathes": a_shape("lathes")})
    assert anna.events() == ["must_refetch", "phx_error"]
    assert anna.frames[0][4]["reason"] == "schema"
    assert "lathes" in hub.tables_for(hub.view("technician"))
    _join(hub, anna)
    hub.reshape(dict(hub.shapes))
    assert len(anna.frames) == 2
    assert _deliver(hub, an_operation(2, table="lathes")) == 1
    _deliver(hub, tracked("lathes", on=False), an_operation(2, table="lathes"))
    assert anna.events()[-2:] == ["must_refetch", "phx_error"]
    assert bert.frames == []
    assert _deliver(hub, an_operation(table="floorcast.policies")) == 0


def test_frames_that_are_large_together_are_written_one_by_one(hub: Hub) -> None:
    """So that what the kernel does not take at once can still be taken back."""
    anna = Listening()
    _join(hub, anna)
    for tick in (8, 9, 10):
        hub.deliver(tick, AT, [an_operation(text="x" * 10_000)], "")
    anna.transport.room = 100
    hub.hand_out()
    assert anna.outbox.waiting_bytes > 20_000
    anna.outbox.drop(f"warehouse:{NORTH}")
    anna.transport.take()
    assert len(anna.frames) == 1


def test_channels_begin_with_what_is_published() -> None:
    """Else a gateway that begins would tell, until its first look, what nobody published."""
    hub = Hub(60)
    hub.begin(a_base(published=frozenset()))
    assert hub.channels.catalogue.tables == frozenset()
    hub.channels.reshape(hub.shapes, None)
    assert hub.channels.catalogue.tables == TABLES


@pytest.mark.parametrize("place", ["channel:private:board", "channel:public:north"])
def test_what_is_said_in_a_room_is_told_to_no_warehouse(place: str) -> None:
    """Not to a trusted server either, whatever the room is called, and were its table one that is sent."""
    hub = Hub(60)
    hub.begin(_start(tables=TABLES | {MESSAGES}, policy=(readable(MESSAGES), readable("work_orders"))))
    anna, server = Listening(), Listening("", "service_role")
    _join(hub, anna)
    _join(hub, server)
    assert _deliver(hub, an_operation(1, place, MESSAGES, "enter")) == 0
    assert (anna.frames, server.frames) == ([], [])
    assert _deliver(hub, an_operation(1, NORTH, MESSAGES, "enter")) == 2
