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
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.fixtures.outboxes import Listening
from tests.fixtures.postgres import Connection, Database, temporary_database
from tests.fixtures.spools import a_request, open_spooler, reads_of, rows_in

from floorcast.access.law import Law
from floorcast.change import COLUMN_RULE, TABLE_RULE
from floorcast.database.grants import read_base
from floorcast.database.spool import Spooler
from floorcast.database.ticks import close_tick
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.gateway.audience import Selection
from floorcast.gateway.hub import Hub
from floorcast.gateway.lens import Lens
from floorcast.gateway.sharing import may_be_shared
from floorcast.relay.plan import feed_tick

SERVER = "service_role"
ROLES = ("technician", "inventory_clerk", "manager", "viewer")

LOCAL = {
    "warehouses": ("id", "id"),
    "equipment": ("id", "warehouse_id"),
    "work_orders": ("id", "warehouse_id"),
    "inventory_items": ("id", "warehouse_id"),
    "user_warehouse_access": ("user_id", "warehouse_id"),
    "notifications": ("id", "warehouse_id"),
    "letters": ("id", "warehouse_id"),
}
"""Tables whose rows belong to one warehouse: their key within it, and the column that names it."""

SHARED = ("organizations", "users")
"""Tables whose rows are seen in several."""


def _key(kind: int, number: int) -> UUID:
    return UUID(int=kind << 64 | number)


PEOPLE = [_key(1, n) for n in range(4)]
WAREHOUSES = [_key(2, n) for n in range(3)]
ORGANIZATIONS = [_key(3, n) for n in range(2)]

_BEGINNING = (
    (0, 0, "manager"),
    (0, 1, "technician"),
    (1, 0, "technician"),
    (1, 1, "manager"),
    (3, 0, "viewer"),
    (2, 2, "technician"),
    (3, 1, "inventory_clerk"),
)
"""Who may be where, as what."""

_MAKE = """
create table public.letters (
    id uuid primary key,
    warehouse_id uuid not null,
    user_id uuid,
    text text,
    price numeric(8, 2),
    deleted_at timestamptz
);
insert into floorcast.owner_rule values ('letters', 'user_id', '{select}');
insert into floorcast.column_rule values ('letters', 'price', '{manager}');
select floorcast.protect('public.letters');
select floorcast.track('public.letters');
"""


async def _fill(owner: Connection) -> None:
    await owner.execute(_MAKE.encode())
    for number, organization in enumerate(ORGANIZATIONS):
        await owner.execute("insert into organizations (id, name) values (%s, %s)", [organization, f"O{number}"])
    for number, warehouse in enumerate(WAREHOUSES):
        await owner.execute(
            "insert into warehouses (id, organization_id, name) values (%s, %s, %s)",
            [warehouse, ORGANIZATIONS[number // 2], f"W{number}"],
        )
    for number, person in enumerate(PEOPLE):
        await owner.execute(
            "insert into users (id, display_name, email) values (%s, %s, %s)",
            [person, f"P{number}", f"p{number}@example.com"],
        )
    for person, warehouse, role in _BEGINNING:
        await owner.execute(_GRANT, [PEOPLE[person], WAREHOUSES[warehouse], role])
    for text, kind, *more in (
        ("insert into equipment (id, warehouse_id, name) values (%s, %s, 'M')", 4),
        ("insert into work_orders (id, warehouse_id, title, estimated_cost) values (%s, %s, 'W', 183.0500)", 5),
        ("insert into inventory_items (id, warehouse_id, name, unit_cost) values (%s, %s, 'I', 7)", 6),
        ("insert into letters values (%s, %s, %s, 'Dear', 1.50)", 7, *PEOPLE),
    ):
        for number in range(3):
            await owner.execute(
                text.encode(), [_key(kind, number), WAREHOUSES[number // 2], *more[number : number + 1]]
            )


# What happens: a statement and its parameters. One that a constraint or a trigger refuses has simply not happened.

_GRANT = (
    "insert into user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, %s)"
    " on conflict (user_id, warehouse_id) do update set role = excluded.role"
)

_NOTIFY = "insert into notifications (warehouse_id, user_id, type, title) values (%s, %s, 'announcement', 'Tea')"

Statement = tuple[str, tuple[Any, ...]]

numbers = st.integers(0, 99)
warehouses = st.sampled_from(WAREHOUSES)
people = st.sampled_from(PEOPLE)
few = st.integers(0, 2)
roles = st.lists(st.sampled_from(ROLES), unique=True, max_size=3)


def _does(text: str, *parameters: st.SearchStrategy[Any]) -> st.SearchStrategy[Statement]:
    return st.tuples(st.just(text), st.tuples(*parameters))


def _keys(kind: int) -> st.SearchStrategy[UUID]:
    return few.map(lambda number: _key(kind, number))


def _retiring(table: str, keys: st.SearchStrategy[UUID]) -> st.SearchStrategy[Statement]:
    restoring = _does(f"update {table} set deleted_at = null where id = %s", keys)
    return st.one_of(_does(f"update {table} set deleted_at = now() where id = %s", keys), restoring, restoring)


def _rows_of(table: str, kind: int, insert: st.SearchStrategy[Statement], column: str) -> st.SearchStrategy[Statement]:
    """Make, change, move, retire, restore, delete one of a few rows."""
    keys = _keys(kind)
    change = _does(f"update {table} set {column} = %s where id = %s", numbers, keys)
    return st.one_of(
        insert,
        change,
        change,
        _does(f"update {table} set warehouse_id = %s where id = %s", warehouses, keys),
        _retiring(table, keys),
        _does(f"delete from {table} where id = %s", keys),
    )


writes = st.one_of(
    _rows_of(
        "equipment",
        4,
        _does("insert into equipment (id, warehouse_id, name) values (%s, %s, 'M')", _keys(4), warehouses),
        "location",
    ),
    _rows_of(
        "work_orders",
        5,
        _does(
            "insert into work_orders (id, warehouse_id, title, estimated_cost) values (%s, %s, 'W', 183.0500)",
            _keys(5),
            warehouses,
        ),
        "estimated_cost",
    ),
    _rows_of(
        "inventory_items",
        6,
        _does(
            "insert into inventory_items (id, warehouse_id, name, unit_cost) values (%s, %s, 'I', 7)",
            _keys(6),
            warehouses,
        ),
        "unit_cost",
    ),
    _rows_of(
        "letters",
        7,
        _does("insert into letters values (%s, %s, %s, 'Dear', 1.50)", _keys(7), warehouses, people),
        "price",
    ),
    _does(_NOTIFY, warehouses, people),
    _does("update notifications set read_at = now() where user_id = %s", people),
    _does("update users set email = %s || '@example.com' where id = %s", numbers.map(str), people),
    _does("update organizations set name = 'O' || %s where id = %s", numbers.map(str), st.sampled_from(ORGANIZATIONS)),
    _does("update warehouses set location = %s where id = %s", numbers.map(str), warehouses),
)
grants = st.one_of(
    _does(_GRANT, people, warehouses, st.sampled_from(ROLES)),
    _does(_GRANT, people, warehouses, st.sampled_from(ROLES)),
    _does("delete from user_warehouse_access where user_id = %s and warehouse_id = %s", people, warehouses),
)
upheaval = st.one_of(
    _retiring("users", people),
    _retiring("warehouses", warehouses),
    _retiring("organizations", st.sampled_from(ORGANIZATIONS)),
    _does("update warehouses set organization_id = %s where id = %s", st.sampled_from(ORGANIZATIONS), warehouses),
)
# Not users: a role that reads a column there and not the row would, by the view, unveil it of people whom the same
# person sees by another role elsewhere. No topic does.
ruled = st.sampled_from(["equipment", "work_orders", "user_warehouse_access", "letters", "organizations"])
hidden = st.sampled_from([("equipment", "location"), ("work_orders", "title"), ("letters", "text"), ("users", "email")])
_READ = (
    "insert into floorcast.table_rule values (%s, 'select', %s)"
    " on conflict (table_name, action) do update set roles = excluded.roles"
)
_HIDE = (
    "insert into floorcast.column_rule values (%s, %s, %s)"
    " on conflict (table_name, column_name) do update set roles = excluded.roles"
)
rules = st.one_of(
    _does(_READ, ruled, roles),
    st.tuples(hidden, roles).map(lambda drawn: (_HIDE, (*drawn[0], drawn[1]))),
    hidden.map(lambda drawn: ("delete from floorcast.column_rule where table_name = %s and column_name = %s", drawn)),
    _does("delete from floorcast.owner_rule where table_name = %s", st.sampled_from(["letters", "users"])),
    _does("insert into floorcast.owner_rule values (%s, 'user_id')", st.just("letters")),
)

statements = st.one_of(*[writes] * 7, grants, grants, upheaval, rules)
transactions = st.lists(statements, min_size=1, max_size=4)
held = st.lists(st.one_of(writes, grants), min_size=1, max_size=2)
"""A transaction that stays open over a tick. No rules in it: they lock tables, and the readers would wait for ever."""

State = dict[str, dict[Any, dict[str, Any]]]


@dataclass
class Seat:
    """Somebody who has joined one warehouse, and what he holds of it."""

    user: str
    warehouse: str
    listening: Listening
    state: State
    read: int = 0

    def fold(self) -> str:
        """Apply what came; return how it ended, empty when it goes on."""
        frames = self.listening.frames[self.read :]
        self.read += len(frames)
        ended = ""
        for frame in frames:
            if frame[3] != "changes":
                ended = ended or frame[3]
                continue
            assert not ended, "changes behind the end"
            for change in frame[4]["changes"]:
                self._apply(change)
        return ended

    def _apply(self, change: dict[str, Any]) -> None:
        rows = self.state[change["table"]]
        name = change["key"][LOCAL[change["table"]][0] if change["table"] in LOCAL else "id"]
        if change["op"] == "leave":
            rows.pop(name, None)
        else:
            rows[name] = change["new"]


class World:
    """A database, a hub that follows it, and everybody who listens."""

    def __init__(
        self, owner: Connection, relay: Connection, gateway: Connection, reader: Connection, spooler: Spooler
    ) -> None:
        """Use `open_world`."""
        self.owner, self.relay, self.gateway, self.reader = owner, relay, gateway, reader
        self.spooler = spooler
        self.hub = Hub(5.0)
        self.seats: dict[tuple[str, str], Seat] = {}

    async def begin(self) -> None:
        """Begin at the newest tick."""
        while await close_tick(self.relay):
            pass
        self.hub.begin(await read_base(self.gateway))
        await self.seat_everybody()

    async def tick(self) -> None:
        """Close a tick, deliver it and compare everything."""
        closed = await close_tick(self.relay)
        if closed is None:
            return
        tick = feed_tick("first", closed.header, closed.changes)
        self.hub.deliver(tick.tick, tick.at, tick.operations, tick.seal)
        self.hub.hand_out()
        for name, seat in tuple(self.seats.items()):
            if seat.fold():
                del self.seats[name]
        await self.compare_law()
        await self.seat_everybody()
        for user in (*map(str, PEOPLE), SERVER):
            await self.compare(user)
        for seat in tuple(self.seats.values())[tick.tick % 3 :: 3]:
            await self.compare_picture(seat)

    async def compare_picture(self, seat: Seat) -> None:
        """A first picture is what somebody holds who has followed the stream, and by the law of its own snapshot."""
        base = await read_base(self.gateway)
        role = SERVER if seat.user == SERVER else "authenticated"
        view = self.hub.view(self.hub.role(seat.listening, seat.warehouse) or "")
        request = a_request(
            *reads_of(view, base.shapes),
            user=seat.user,
            role=role,
            warehouse=seat.warehouse,
            organization=base.warehouses[seat.warehouse],
        )
        with await self.spooler.read(request) as spool:
            shown = rows_in(spool)
            assert (spool.tick, spool.incarnation, spool.clean) == (base.tick, base.incarnation, True)
            assert may_be_shared(request, spool.law)
        for table in (*LOCAL, *SHARED):
            key = LOCAL[table][0] if table in LOCAL else "id"
            found = {row[key]: row for row in shown.get(table, ())}
            assert found == seat.state[table], (seat.user, seat.warehouse, table)

    async def compare_law(self) -> None:
        """What the hub followed is what a gateway that begins now reads."""
        followed, read = self.hub.law, Law(await read_base(self.gateway))
        assert followed.tables == read.tables
        assert followed._persons == read._persons
        assert followed._grants._grants == read._grants._grants
        assert followed._grants._organizations == read._grants._organizations
        for role in ROLES:
            assert followed.view(role) == read.view(role)

    # Joining

    async def seat_everybody(self) -> None:
        """Let everybody join what he may and has not joined."""
        for user in (*map(str, PEOPLE), SERVER):
            for warehouse in map(str, WAREHOUSES):
                claimed = SERVER if user == SERVER else "authenticated"
                listening = Listening(user, claimed, limit=10_000_000)
                role = self.hub.role(listening, warehouse)
                if role is not None and (user, warehouse) not in self.seats:
                    view = self.hub.view(role)
                    selection = Selection(f"warehouse:{warehouse}", warehouse, 2, Lens(view))
                    self.hub.join(listening, selection, b'"1"')
                    state = await self.picture(user, warehouse, role)
                    self.seats[user, warehouse] = Seat(user, warehouse, listening, state)

    async def picture(self, user: str, warehouse: str, role: str) -> State:
        """What somebody sees of a warehouse: what belongs to it as the views say, what is shared by the rules."""
        seen = await self.seen(user)
        state: State = defaultdict(dict)
        for table, (key, place) in LOCAL.items():
            state[table] = {row[key]: row for row in seen[table] if row[place] == warehouse}
        texts = {
            "organizations": "select row_to_json(o) from organizations as o join warehouses as w"
            " on w.organization_id = o.id where w.id = %s and o.deleted_at is null",
            "users": "select row_to_json(u) from users as u join floorcast.grants as g"
            " on g.user_id = u.id::text where g.warehouse = %s and u.deleted_at is null",
        }
        for table, text in texts.items():
            cursor = await self.owner.execute(text.encode(), [warehouse])
            rows = [row for (row,) in await cursor.fetchall()]
            state[table] = {row["id"]: shown for row in rows if (shown := await self._by_rule(table, row, user, role))}
        return state

    async def _by_rule(self, table: str, row: dict[str, Any], user: str, role: str) -> dict[str, Any] | None:
        """A row of a shared table as a role sees it; None when it does not."""
        owns = table == "users" and row["id"] == user and await self._rows("owner_rule", table)
        if role == SERVER or owns:
            return row
        reading = await self._rows(TABLE_RULE.partition(".")[2], table, "action = 'select'")
        if not any(role in rule["roles"] for rule in reading):
            return None
        columns = await self._rows(COLUMN_RULE.partition(".")[2], table)
        return row | {rule["column_name"]: None for rule in columns if role not in rule["roles"]}

    async def _rows(self, name: str, table: str, also: str = "true") -> list[dict[str, Any]]:
        text = f"select row_to_json(r) from floorcast.{name} as r where table_name = %s and {also}"
        cursor = await self.owner.execute(text.encode(), [table])
        return [row for (row,) in await cursor.fetchall()]

    # Comparing

    async def seen(self, user: str) -> dict[str, list[dict[str, Any]]]:
        """What somebody is shown now; a trusted server by the tables, since to it no view says more."""
        async with self.reader.transaction():
            await self.reader.execute("set transaction isolation level repeatable read, read only")
            if user == SERVER:
                await self.reader.execute("set local role service_role")
                source = "(select * from public.{0} as t where to_jsonb(t) ->> 'deleted_at' is null)"
            else:
                claims = orjson.dumps({"sub": user, "role": "authenticated"}).decode()
                await self.reader.execute("select set_config('request.jwt.claims', %s, true)", [claims])
                await self.reader.execute("set local role authenticated")
                source = "visible.{0}"
            parts = ", ".join(
                f"'{table}', (select coalesce(json_agg(row_to_json(r)), '[]') from {source.format(table)} as r)"
                for table in (*LOCAL, *SHARED)
            )
            cursor = await self.reader.execute(f"select json_build_object({parts})".encode())
            ((found,),) = await cursor.fetchall()
        return dict(found)

    async def compare(self, user: str) -> None:
        """What somebody holds is what he is shown, no row more and none less."""
        seen = await self.seen(user)
        seats = {seat.warehouse: seat for seat in self.seats.values() if seat.user == user}
        for table, (key, place) in LOCAL.items():
            shown = {(row[place], row[key]): row for row in seen[table]}
            if user == SERVER:
                shown = {name: row for name, row in shown.items() if name[0] in seats}
            held_rows = {(at, name): row for at, seat in seats.items() for name, row in seat.state[table].items()}
            assert held_rows == shown, (user, table)
        for table in SHARED:
            shown_rows = {row["id"]: row for row in seen[table] if user != SERVER and seats}
            self._compare_shared(user, table, shown_rows, seats)

    def _compare_shared(self, user: str, table: str, shown: dict[str, Any], seats: dict[str, Seat]) -> None:
        merged: dict[str, dict[str, Any]] = {}
        for seat in seats.values():
            for name, row in seat.state[table].items():
                told = {column: value for column, value in row.items() if value is not None}
                merged[name] = row | merged.get(name, {}) | told
        if user == SERVER:
            return
        assert merged == shown, (user, table)


@asynccontextmanager
async def open_world(database: Database) -> AsyncIterator[World]:
    """A database with a few people and warehouses, and a hub at its newest tick."""
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(database.owner())
        relay = await stack.enter_async_context(database.service("floorcast_relay"))
        gateway = await stack.enter_async_context(database.service("floorcast_gateway"))
        reader = await stack.enter_async_context(database.owner())
        for connection in (owner, reader):
            await connection.execute("set timezone = 'UTC'")
        await _fill(owner)
        spooler = await stack.enter_async_context(open_spooler(database))
        world = World(owner, relay, gateway, reader, spooler)
        await world.begin()
        yield world


async def _run(connection: Connection, statement: Statement) -> None:
    """Try one statement; refused, it has not happened."""
    with suppress(psycopg.Error):
        async with connection.transaction():
            await connection.execute(statement[0].encode(), statement[1])


async def play(database: Database, ticks: list[tuple[list[list[Statement]], list[Statement]]]) -> None:
    """Play ticks: of each some transactions, and one that is begun before it and committed after it."""
    async with open_world(database) as world, database.owner() as other:
        for connection in (world.owner, other):
            await connection.execute("set lock_timeout = '40ms'")
        for whole, late in ticks:
            async with other.transaction():
                for statement in late:
                    await _run(other, statement)
                for transaction in whole:
                    async with world.owner.transaction():
                        for statement in transaction:
                            await _run(world.owner, statement)
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
        await _run(world.owner, (statement, (key,)))
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
            await _run(world.owner, (f"update equipment set {change} where id = %s", (_key(4, 0),)))
            await world.tick()
        told = _changes(seat)
        assert [(table, op) for table, op, _ in told] == [("equipment", "leave"), ("equipment", "enter")]
        assert told[1][2]["location"] == "cellar"


async def test_a_notification_is_told_to_its_person_alone(database: Database) -> None:
    """Not to his manager, who sees everything else; to a trusted server."""
    async with open_world(database) as world:
        await _run(world.owner, (_NOTIFY, (WAREHOUSES[0], PEOPLE[1])))
        await world.tick()
        heard = {name[0] for name, seat in world.seats.items() if _changes(seat)}
        assert heard == {str(PEOPLE[1]), SERVER}
        ((table, op, row),) = _changes(world.seats[str(PEOPLE[1]), str(WAREHOUSES[0])])
        assert (table, op, row["title"]) == ("notifications", "enter", "Tea")
