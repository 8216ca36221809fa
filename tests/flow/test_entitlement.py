"""What a socket receives is what row level security and the views would show its person, tick by tick.

Random ticks of random transactions are played on a real database, and each is given to a hub as the relay would publish
it. Everybody has joined every warehouse that he may; what he received is folded into a state, beginning with a picture,
and compared with what `visible.<table>` shows him at that very tick. So is a first picture that is read at that tick.

A topic shows a colleague as its warehouse's role lets one see him. Who manages one warehouse and works in another, with
the same colleague in both, sees the colleague's address in the one topic and not in the other; the view knows no topics
and shows it. So of people and organizations the topics are compared together.
"""

import asyncio
import os
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.fixtures.postgres import Database, temporary_database
from tests.fixtures.world import ORGANIZATIONS, PEOPLE, SERVER, WAREHOUSES, Seat, Statement, key_of, open_world, run
from tests.fixtures.writes import NOTIFY, held, transactions

from floorcast.embedded.postgres import EmbeddedPostgres


async def play(database: Database, ticks: list[tuple[list[list[Statement]], list[Statement]]]) -> None:
    """Play ticks: of each some transactions, and one that is begun before it and committed after it."""
    async with open_world(database) as world, database.owner() as other:
        for connection in (world.owner, other):
            await connection.execute("set lock_timeout = '40ms'")
        for whole, late in ticks:
            async with other.transaction():
                for statement in late:
                    await run(other, statement)
                for transaction in whole:
                    async with world.owner.transaction():
                        for statement in transaction:
                            await run(world.owner, statement)
                await world.tick()
        await world.tick()


_databases = count(1)
EXAMPLES = 150 if "FLOORCAST_SOAK" in os.environ else 12


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(ticks=st.lists(st.tuples(st.lists(transactions, min_size=2, max_size=4), held), min_size=6, max_size=9))
def test_everybody_holds_what_he_would_be_shown(
    postgres_server: EmbeddedPostgres, template: str, ticks: list[tuple[list[list[Statement]], list[Statement]]]
) -> None:
    """The database is the oracle, at each tick's snapshot."""
    name = f"entitled_{next(_databases)}"
    with temporary_database(postgres_server, name, template=template) as database:
        asyncio.run(play(database, ticks))


def _changes(seat: Seat) -> list[tuple[str, str, Any]]:
    """Table, operation and new row of everything that a seat has heard."""
    frames = [frame[4]["changes"] for frame in seat.listening.frames if frame[3] == "changes"]
    return [(change["table"], change["op"], change.get("new")) for frame in frames for change in frame]


@pytest.mark.parametrize(
    ("statement", "key", "stays"),
    [
        ("update users set deleted_at = now() where id = %s", PEOPLE[1], {(0, 0), (3, 0), (0, 1), (3, 1)}),
        ("update warehouses set deleted_at = now() where id = %s", WAREHOUSES[0], {(0, 1), (1, 1), (3, 1)}),
        ("update organizations set deleted_at = now() where id = %s", ORGANIZATIONS[0], set()),
    ],
)
async def test_whoever_or_whatever_is_retired_ends_its_topics(
    database: Database, statement: str, key: UUID, stays: set[tuple[int, int]]
) -> None:
    """A person everywhere, a warehouse and an organization for everybody who is in it; others go on."""
    async with open_world(database) as world:
        seats = dict(world.seats)
        await run(world.owner, (statement, (key,)))
        await world.tick()
        left = {
            (who, where)
            for who, person in enumerate(PEOPLE)
            for where, warehouse in enumerate(WAREHOUSES[:2])
            if (str(person), str(warehouse)) in world.seats
        }
        assert left == stays
        ended = [seat for name, seat in seats.items() if name not in world.seats and seat.user != SERVER]
        assert {tuple(seat.listening.events()[-2:]) for seat in ended} == {("revoked", "phx_close")}


async def test_a_retired_row_leaves_and_comes_back(database: Database) -> None:
    """What happens to it meanwhile is told to nobody."""
    async with open_world(database) as world:
        seat = world.seats[str(PEOPLE[1]), str(WAREHOUSES[0])]
        for change in ("deleted_at = now()", "location = 'cellar'", "deleted_at = null"):
            await run(world.owner, (f"update equipment set {change} where id = %s", (key_of(4, 0),)))
            await world.tick()
        told = _changes(seat)
        assert [(table, op) for table, op, _ in told] == [("equipment", "leave"), ("equipment", "enter")]
        assert told[1][2]["location"] == "cellar"


async def test_a_notification_is_told_to_its_person_alone(database: Database) -> None:
    """Not to his manager, who sees everything else; to a trusted server."""
    async with open_world(database) as world:
        await run(world.owner, (NOTIFY, (WAREHOUSES[0], PEOPLE[1])))
        await world.tick()
        heard = {name[0] for name, seat in world.seats.items() if _changes(seat)}
        assert heard == {str(PEOPLE[1]), SERVER}
        ((table, op, row),) = _changes(world.seats[str(PEOPLE[1]), str(WAREHOUSES[0])])
        assert (table, op, row["title"]) == ("notifications", "enter", "Tea")
