"""What a consumer cannot take: parked with its row, told again, dropped; and how far the trail is kept for it."""

import json
from typing import Any
from uuid import UUID

import psycopg
import pytest
from tests.fixtures.tampering import by_force
from tests.sql.plant import Connection, Plant, acting_as, add_part, value

CLOSE = b"select floorcast.close_tick(2000, 1048576)"
DUE = "update floorcast.parked set due_at = clock_timestamp()"

Row = dict[str, Any]


@pytest.fixture
def parts(owner: Connection, plant: Plant) -> list[UUID]:
    """Two parts that the consumer erp knows."""
    owner.execute(CLOSE)
    call = "select floorcast.put_consumer('erp', %s, array['inventory_items'], attempts => 3)"
    owner.execute(call.encode(), [[str(plant.north)]])
    parts = [add_part(owner, plant.north, quantity) for quantity in (1, 2)]
    tick(owner)
    ack(owner, batch(owner))
    return parts


def tick(owner: Connection) -> None:
    """Close one."""
    owner.execute(CLOSE)


def name(owner: Connection, part: UUID, *names: str) -> None:
    """Call a part that, one after the other; all in one tick."""
    for each in names:
        owner.execute("update public.inventory_items set name = %s where id = %s", [each, part])
    tick(owner)


def batch(connection: Connection) -> list[Row]:
    """The next batch of erp."""
    return connection.execute("select * from floorcast.next_batch('erp')").fetchall()


def names(rows: list[Row]) -> list[str]:
    """Of parts, in the order of the batch."""
    return [row["new"]["name"] for row in rows]


def ack(connection: Connection, rows: list[Row], *rejected: str) -> None:
    """Acknowledge a batch, without the changes that brought these names."""
    refused = [{"id": row["id"], "reason": "no account"} for row in rows if row["new"]["name"] in rejected]
    assert len(refused) == len(rejected)
    connection.execute("select floorcast.ack('erp', %s, %s)", [rows[0]["batch"], json.dumps(refused)])


def states(owner: Connection) -> list[tuple[str, str, int]]:
    """What is parked, in order."""
    rows = owner.execute("select new, state, attempts from floorcast.parked_changes('erp')").fetchall()
    return [(row["new"]["name"], row["state"], row["attempts"]) for row in rows]


def test_a_rejected_change_parks_its_row_and_nothing_else(owner: Connection, parts: list[UUID]) -> None:
    """What follows of it, in the batch and in later ones, waits behind it; others go on."""
    a, b = parts
    name(owner, a, "a1", "a2")
    name(owner, b, "b1")
    ack(owner, batch(owner), "a1")
    name(owner, a, "a3")
    name(owner, b, "b2")
    others = batch(owner)
    assert names(others) == ["b2"]
    ack(owner, others)
    assert states(owner) == [("a1", "waiting", 1), ("a2", "waiting", 0), ("a3", "waiting", 0)]
    assert batch(owner) == [], "not due yet"
    owner.execute(DUE.encode())
    again = batch(owner)
    assert names(again) == ["a1", "a2", "a3"]
    assert [row["attempts"] for row in again] == [1, 0, 0]
    ack(owner, again)
    name(owner, a, "a4")
    assert names(batch(owner)) == ["a4"]
    assert value(owner, "select count(*) from floorcast.parked") == 0


def test_what_is_rejected_too_often_is_dead_until_it_is_replayed_or_dropped(
    owner: Connection, parts: list[UUID]
) -> None:
    """Each time it waits for longer. What follows of its row is not told before."""
    name(owner, parts[0], "a1", "a2")
    ack(owner, batch(owner), "a1")
    waits = []
    for _ in range(2):
        owner.execute(DUE.encode())
        ack(owner, batch(owner), "a1")
        waits.append(
            value(owner, "select extract(epoch from max(due_at) - clock_timestamp())::int from floorcast.parked")
        )
    assert waits == [2, 4]
    assert states(owner) == [("a1", "dead", 3), ("a2", "waiting", 0)]
    owner.execute(DUE.encode())
    assert batch(owner) == []
    assert value(owner, "select dead from floorcast.consumer_figures()") == 1
    assert value(owner, "select floorcast.replay_parked('erp')") == 2
    replayed = batch(owner)
    assert names(replayed) == ["a1", "a2"]
    ack(owner, replayed, "a1")
    first = value(owner, "select min(id) from floorcast.parked")
    assert value(owner, "select floorcast.drop_parked('erp', %s)", first) is True
    assert value(owner, "select floorcast.drop_parked('erp', %s)", first) is False
    assert names(batch(owner)) == ["a2"]


def test_what_was_settled_does_not_come_again_with_the_batch_that_parked_it(
    owner: Connection, parts: list[UUID]
) -> None:
    """A worker dies with a batch in which a parked row goes on; meanwhile somebody drops what is parked of it."""
    a, b = parts
    name(owner, a, "a1")
    ack(owner, batch(owner), "a1")
    name(owner, a, "a2")
    name(owner, b, "b1")
    assert names(batch(owner)) == ["b1"]
    for row in owner.execute("select id from floorcast.parked_changes('erp')").fetchall():
        owner.execute("select floorcast.drop_parked('erp', %s)", [row["id"]])
    owner.execute("update floorcast.consumer_share set leased_until = clock_timestamp()")
    rest = batch(owner)
    assert names(rest) == ["b1"]
    ack(owner, rest)
    assert value(owner, "select count(*) from floorcast.parked") == 0


def test_an_id_that_is_not_of_the_batch_acknowledges_nothing(owner: Connection, parts: list[UUID]) -> None:
    """Else a slip of the pen would lose what was meant."""
    name(owner, parts[0], "a1")
    rows = batch(owner)
    for wrong in ('[{"id": "x:1-1"}]', '[{"id": "1"}]', '{"id": 1}', "[7]"):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            owner.execute("select floorcast.ack('erp', %s, %s)", [rows[0]["batch"], wrong])
    ack(owner, rows)


def test_what_is_parked_is_told_under_the_access_of_now(owner: Connection, service: Connection, plant: Plant) -> None:
    """It is a copy of the trail, and guarded like it."""
    owner.execute(CLOSE)
    manager = plant.people["manager"]
    with acting_as(service, manager):
        service.execute("select floorcast.put_consumer('erp', array[%s], array['inventory_items'])", [str(plant.north)])
    part = add_part(owner, plant.north, 1)
    owner.execute("update public.inventory_items set unit_cost = 5, name = 'a1' where id = %s", [part])
    tick(owner)
    with acting_as(service, manager):
        rows = batch(service)
        assert rows[-1]["new"]["unit_cost"] == 5
        ack(service, rows, "a1")
    owner.execute("update public.user_warehouse_access set role = 'technician' where user_id = %s", [manager])
    owner.execute(DUE.encode())
    tick(owner)
    with acting_as(service, manager):
        (parked,) = service.execute("select new from floorcast.parked_changes('erp')").fetchall()
        (again,) = batch(service)
    assert parked["new"]["unit_cost"] is None
    assert again["new"] == parked["new"]


def test_a_consumer_keeps_the_trail_up_to_its_limit(owner: Connection, parts: list[UUID]) -> None:
    """As its owner was told; then what it needs may go, and it is told that it went."""
    name(owner, parts[0], "a1")
    name(owner, parts[0], "a2")
    stands = value(owner, "select tick from floorcast.consumer_share")
    assert value(owner, "select floorcast.needed_tick()") == stands
    assert value(owner, "select is_abandoned from floorcast.consumer_figures()") is False
    long_ago = "update floorcast.tick set closed_at = closed_at - interval '8 days' where tick <= {}"
    owner.execute(by_force(long_ago.format(stands + 1)))
    assert value(owner, "select floorcast.needed_tick()") == stands + 1
    assert value(owner, "select is_abandoned from floorcast.consumer_figures()") is True
    owner.execute(by_force(f"delete from floorcast.tick where tick <= {stands}"))
    with pytest.raises(psycopg.Error, match="cannot go on from tick") as gone:
        batch(owner)
    assert (gone.value.sqlstate, gone.value.diag.message_detail) == ("PT410", "trimmed")
    with pytest.raises(psycopg.Error, match="cannot be moved there"):
        owner.execute("select floorcast.move_consumer('erp', 0)")
    assert value(owner, "select floorcast.move_consumer('erp', %s)", stands + 1) == stands + 1
    assert names(batch(owner)) == ["a2"]


def test_a_consumer_does_not_go_on_in_another_history(owner: Connection, parts: list[UUID]) -> None:
    """Its tick has the same number and another seal."""
    name(owner, parts[0], "a1")
    owner.execute("update floorcast.consumer_share set seal = sha256('another')")
    with pytest.raises(psycopg.Error) as gone:
        batch(owner)
    assert gone.value.diag.message_detail == "incarnation"


def test_a_consumer_is_moved_to_a_tick_a_time_and_now(owner: Connection, parts: list[UUID]) -> None:
    """What was out cannot be acknowledged any more."""
    before = value(owner, "select tick from floorcast.consumer_share")
    moment = value(owner, "select closed_at from floorcast.tick where tick = %s", before)
    name(owner, parts[0], "a1")
    out = batch(owner)
    assert value(owner, "select floorcast.move_consumer('erp')") == before + 1
    assert batch(owner) == []
    with pytest.raises(psycopg.Error, match="not out any more"):
        ack(owner, out)
    assert value(owner, "select floorcast.move_consumer('erp', at => %s)", moment) == before
    assert [row["id"] for row in batch(owner)] == [row["id"] for row in out]
