"""Where a gateway begins: grants and rules exactly as one tick sees them, whoever changes them meanwhile."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest
from tests.fixtures.postgres import Connection, Database
from tests.fixtures.time import UNIT

from floorcast.change import COLUMN_RULE, GRANTS, OWNER_RULE, POLICY, TABLE_RULE
from floorcast.database.grants import Base, read_base
from floorcast.database.ticks import close_tick, read_headers, read_pages
from floorcast.operation import PersonTable

SOAK = "FLOORCAST_SOAK" in os.environ
ROLES = ("technician", "manager", "viewer")

Grants = dict[str, dict[str, str]]


class Access:
    """People, warehouses, and who may be where."""

    def __init__(self, database: Database, stack: AsyncExitStack) -> None:
        """Use the fixture."""
        self.database = database
        self._stack = stack
        self.people = [uuid4() for _ in range(5)]
        self.warehouses: list[UUID] = []
        self.owner: Connection
        self.gateway: Connection
        self.relay: Connection

    async def create(self) -> None:
        """Make people and warehouses; nobody may be anywhere."""
        self.owner = await self.session()
        self.gateway = await self._stack.enter_async_context(self.database.service("floorcast_gateway"))
        self.relay = await self._stack.enter_async_context(self.database.service("floorcast_relay"))
        await self.owner.execute("insert into organizations (name) values ('Quarry')")
        cursor = await self.owner.execute(
            "insert into warehouses (organization_id, name) select id, n from organizations,"
            " unnest(array['North', 'South', 'East']) as n returning id"
        )
        self.warehouses = [key for (key,) in await cursor.fetchall()]
        for person in self.people:
            await self.owner.execute("insert into users (id, display_name) values (%s, 'Technician One')", [person])

    async def session(self) -> Connection:
        """Another session of the owner's."""
        connection = await self._stack.enter_async_context(self.database.owner())
        await connection.execute("set deadlock_timeout = '5ms'")
        return connection

    async def grant(self, person: UUID, warehouse: UUID, role: str, connection: Connection | None = None) -> None:
        """Give access, or another role."""
        await (connection or self.owner).execute(
            "insert into user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, %s)"
            " on conflict (user_id, warehouse_id) do update set role = excluded.role",
            [person, warehouse, role],
        )

    async def law(self) -> Grants:
        """What user_warehouse_access says."""
        cursor = await self.owner.execute("select user_id::text, warehouse_id::text, role from user_warehouse_access")
        return as_grants(await cursor.fetchall())

    async def kept(self) -> Grants:
        """What floorcast.grants says."""
        cursor = await self.owner.execute("select user_id, warehouse, role from floorcast.grants")
        return as_grants(await cursor.fetchall())

    async def effective(self) -> Grants:
        """What user_warehouse_access says of active people in places that are in use."""
        cursor = await self.owner.execute(
            "select a.user_id::text, a.warehouse_id::text, a.role from user_warehouse_access as a"
            " join users as u on u.id = a.user_id join warehouses as w on w.id = a.warehouse_id"
            " join organizations as o on o.id = w.organization_id"
            " where coalesce(u.deleted_at, w.deleted_at, o.deleted_at) is null"
        )
        return as_grants(await cursor.fetchall())

    async def wait_until_blocked(self, session: Connection) -> None:
        """Return when a session waits for a lock of another's."""
        async with asyncio.timeout(5 * UNIT):
            while True:
                cursor = await self.owner.execute("select pg_blocking_pids(%s)", [session.info.backend_pid])
                if await cursor.fetchone() != ([],):
                    return

    async def replayed(self, upto: int) -> Grants:
        """Grants from tick 0, which had none, with all ticks up to one applied; row for row."""
        grants: dict[tuple[str, str], str] = {}
        for header in await read_headers(self.owner, 0, limit=upto):
            async for page in read_pages(self.owner, header):
                for change in page:
                    if change.table != GRANTS:
                        continue
                    key = orjson.loads(change.key)
                    name = (key["user_id"], key["warehouse"])
                    assert (name in grants) == (change.old is not None)
                    if change.new is None:
                        del grants[name]
                    else:
                        grants[name] = orjson.loads(change.new)["role"]
        return as_grants((user, warehouse, role) for (user, warehouse), role in grants.items())

    async def trail(self) -> list[tuple[str, str | None, str | None]]:
        """Operation, old role and new role of each change of a grant."""
        cursor = await self.owner.execute(
            "select op, old ->> 'role', new ->> 'role' from floorcast.change where table_name = %s order by seq",
            [GRANTS],
        )
        return [(op, old, new) for op, old, new in await cursor.fetchall()]


def as_grants(rows: object) -> Grants:
    """User → warehouse → role."""
    grants: Grants = {}
    for user, warehouse, role in rows:  # type: ignore[attr-defined]
        grants.setdefault(user, {})[warehouse] = role
    return grants


@pytest.fixture
async def access(database: Database) -> AsyncIterator[Access]:
    """People and warehouses."""
    async with AsyncExitStack() as stack:
        made = Access(database, stack)
        await made.create()
        yield made


async def meddle(access: Access, connection: Connection, chance: random.Random, transactions: int) -> None:
    """Grant, change, withdraw, hand over: at random, sometimes several times in one transaction, sometimes in vain."""
    for _ in range(transactions):
        try:
            async with connection.transaction(force_rollback=chance.random() < 0.2):
                for _ in range(chance.randint(1, 3)):
                    person, warehouse = chance.choice(access.people), chance.choice(access.warehouses)
                    match chance.randrange(5):
                        case 0 | 1:
                            await access.grant(person, warehouse, chance.choice(ROLES), connection)
                        case 2:
                            await connection.execute(
                                "delete from user_warehouse_access where user_id = %s and warehouse_id = %s",
                                [person, warehouse],
                            )
                        case 3:
                            await connection.execute(
                                "update user_warehouse_access set role = %s where warehouse_id = %s",
                                [chance.choice(ROLES), warehouse],
                            )
                        case _:
                            await connection.execute(
                                "update user_warehouse_access set user_id = %s"
                                " where user_id = %s and warehouse_id = %s",
                                [chance.choice(access.people), person, warehouse],
                            )
        except (psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation):
            continue


@pytest.mark.parametrize("seed", range(20 if SOAK else 2))
async def test_grants_are_exactly_those_of_the_tick(access: Access, seed: int) -> None:
    """Some were granted since and no tick has them yet; the tick that brings them must not find them there already."""
    chance = random.Random(seed)
    bases: list[Base] = []
    long = await access.session()
    async with long.transaction():
        person = uuid4()
        await long.execute("insert into users (id) values (%s)", [person])
        await access.grant(person, access.warehouses[0], "viewer", long)
        writers = [
            asyncio.create_task(meddle(access, await access.session(), random.Random(f"{seed}/{i}"), 60))
            for i in range(4)
        ]
        while not all(writer.done() for writer in writers):
            if chance.random() < 0.5:
                await close_tick(access.relay)
            bases.append(await read_base(access.gateway))
    for writer in writers:
        writer.result()
    await close_tick(access.relay)
    bases.append(await read_base(access.gateway))
    assert len(bases) > 10
    assert len({base.tick for base in bases}) > 5
    for base in bases[:: max(1, len(bases) // 40)] + bases[-1:]:
        assert base.grants == await access.replayed(base.tick)
    assert bases[-1].grants == await access.kept() == await access.law()


async def test_a_base_names_its_tick_and_what_there_is(access: Access) -> None:
    """Tables that may be sent, and warehouses; ours are not among the tables."""
    await close_tick(access.relay)
    base = await read_base(access.gateway)
    (header,) = await read_headers(access.owner, 0, limit=5)
    assert (base.tick, base.seal) == (1, header.seal)
    cursor = await access.owner.execute("select id::text from organizations")
    ((organization,),) = await cursor.fetchall()
    assert base.warehouses == {str(key): organization for key in access.warehouses}
    assert "equipment" in base.tables
    assert not any(table.startswith("floorcast.") for table in base.tables)
    assert base.persons == {"users": PersonTable("id", is_key=True)}
    assert dict(base.policy).keys() == POLICY
    UUID(base.incarnation)


async def test_the_rules_are_exactly_those_of_the_tick(access: Access) -> None:
    """What no tick has yet is not there, what was taken away since still is: each comes at its place in the stream."""
    rule = {"table_name": "lathes", "action": "select", "roles": ["viewer"]}
    other = {"table_name": "users", "column_name": "id", "actions": ["select"]}
    await access.owner.execute("insert into floorcast.table_rule values ('lathes', 'select', '{viewer}')")
    await close_tick(access.relay)
    before = await read_base(access.gateway)
    assert (TABLE_RULE, rule) in before.policy
    assert (OWNER_RULE, other) in before.policy
    await access.owner.execute("update floorcast.table_rule set roles = '{admin}' where table_name = 'lathes'")
    await access.owner.execute("delete from floorcast.table_rule where table_name = 'lathes'")
    await access.owner.execute("delete from floorcast.owner_rule where table_name = 'users'")
    await access.owner.execute("insert into floorcast.column_rule values ('equipment', 'location', '{viewer}')")
    assert _as_set(await read_base(access.gateway)) == _as_set(before)
    await close_tick(access.relay)
    after = await read_base(access.gateway)
    new = {"table_name": "equipment", "column_name": "location", "roles": ["viewer"]}
    assert _as_set(after) - _as_set(before) == {(COLUMN_RULE, orjson.dumps(new))}
    assert _as_set(before) - _as_set(after) == {(TABLE_RULE, orjson.dumps(rule)), (OWNER_RULE, orjson.dumps(other))}


async def test_warehouses_and_tables_are_exactly_those_of_the_tick(access: Access) -> None:
    """Retired, made, brought back, handed to another organization, tracked: at the tick that says so."""
    north, south, east = access.warehouses
    await access.owner.execute("update warehouses set deleted_at = now() where id = %s", [south])
    await access.owner.execute("update warehouses set location = 'Quay' where id = %s", [east])
    await close_tick(access.relay)
    before = await read_base(access.gateway)
    assert set(before.warehouses) == {str(north), str(east)}
    await access.owner.execute("insert into organizations (name) values ('Port')")
    for statement in (
        "update warehouses set deleted_at = null where name = 'South'",
        "update warehouses set deleted_at = now() where name = 'North'",
        "update warehouses set organization_id = o.id from organizations as o where o.name = 'Port' and location > ''",
        "insert into warehouses (name, organization_id) select 'West', id from organizations limit 1",
        "create table lathes (id int primary key, warehouse_id uuid)",
        "select floorcast.track('lathes')",
        "select floorcast.untrack('equipment')",
    ):
        await access.owner.execute(statement)  # type: ignore[arg-type]
    again = await read_base(access.gateway)
    assert (again.warehouses, again.tables) == (before.warehouses, before.tables)
    await close_tick(access.relay)
    after = await read_base(access.gateway)
    assert after.tables == before.tables - {"equipment"} | {"lathes"}
    assert str(north) not in after.warehouses
    assert len(after.warehouses) == 3
    assert after.warehouses[str(east)] != before.warehouses[str(east)]


def _as_set(base: Base) -> set[tuple[str, bytes]]:
    return {(table, orjson.dumps(row)) for table, row in base.policy}


async def test_reading_a_base_leaves_the_session_as_it_was(access: Access) -> None:
    """The same session reads ticks afterwards, each in its own moment."""
    await read_base(access.gateway)
    await access.grant(access.people[0], access.warehouses[0], "viewer")
    await close_tick(access.relay)
    assert (await read_base(access.gateway)).grants == {str(access.people[0]): {str(access.warehouses[0]): "viewer"}}


async def test_each_change_of_access_is_one_change_of_a_grant(access: Access) -> None:
    """Given, changed, given again in vain, withdrawn."""
    person, warehouse = access.people[0], access.warehouses[0]
    await access.grant(person, warehouse, "viewer")
    await access.grant(person, warehouse, "manager")
    await access.grant(person, warehouse, "manager")
    await access.owner.execute("update user_warehouse_access set granted_at = now()")
    await access.owner.execute("delete from user_warehouse_access")
    assert await access.trail() == [
        ("insert", None, "viewer"),
        ("update", "viewer", "manager"),
        ("delete", "manager", None),
    ]


async def test_access_that_is_handed_over_moves_the_grant(access: Access) -> None:
    """Another person, another warehouse: the key changed."""
    north, south, _ = access.warehouses
    first, second, *_ = access.people
    await access.grant(first, north, "viewer")
    await access.owner.execute("update user_warehouse_access set user_id = %s", [second])
    await access.owner.execute("update user_warehouse_access set warehouse_id = %s", [south])
    assert await access.kept() == await access.law() == {str(second): {str(south): "viewer"}}


async def test_people_who_swap_places_keep_what_they_have_then(access: Access) -> None:
    """Each old row has a new one in its place; deleting by old rows alone would take what was just given."""
    north, south, _ = access.warehouses
    person = access.people[0]
    await access.grant(person, north, "viewer")
    await access.grant(person, south, "manager")
    await access.owner.execute("alter table user_warehouse_access drop constraint user_warehouse_access_pkey")
    await access.owner.execute("alter table user_warehouse_access add primary key (user_id, warehouse_id) deferrable")
    await access.owner.execute(
        "update user_warehouse_access set warehouse_id = case warehouse_id when %(n)s then %(s)s else %(n)s end",
        {"n": north, "s": south},
    )
    assert await access.kept() == await access.law() == {str(person): {str(north): "manager", str(south): "viewer"}}


async def test_grants_go_with_the_person_and_with_the_warehouse(access: Access) -> None:
    """By cascade, from wherever it comes."""
    north, south, east = access.warehouses
    for person in access.people[:2]:
        for warehouse in (north, south, east):
            await access.grant(person, warehouse, "viewer")
    await access.owner.execute("delete from users where id = %s", [access.people[0]])
    assert set(await access.kept()) == {str(access.people[1])}
    await access.owner.execute("delete from warehouses where id = %s", [south])
    assert await access.kept() == {str(access.people[1]): {str(north): "viewer", str(east): "viewer"}}
    assert await access.kept() == await access.law()


async def test_many_at_once_are_kept_by_one_statement(access: Access) -> None:
    """An import of people; each grant is one change."""
    await access.owner.execute(
        "insert into user_warehouse_access (user_id, warehouse_id, role)"
        " select u.id, w.id, 'viewer' from users as u, warehouses as w"
    )
    assert await access.kept() == await access.law()
    assert await access.trail() == [("insert", None, "viewer")] * 15


async def test_access_that_is_rolled_back_was_never_granted(access: Access) -> None:
    """Not in the table, not in the trail."""
    async with access.owner.transaction(force_rollback=True):
        await access.grant(access.people[0], access.warehouses[0], "viewer")
    assert await access.kept() == {}
    assert await access.trail() == []


GIVEN = (
    "insert into user_warehouse_access (user_id, warehouse_id, role) select u.id, w.id, 'viewer'"
    " from users as u, warehouses as w where w.name = 'South'"
)
WITHDRAWN = "delete from user_warehouse_access"


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("about_access", "about_place"),
    [
        (GIVEN, "update warehouses set deleted_at = now() where name = 'South'"),
        (GIVEN, "update users set deleted_at = now()"),
        (GIVEN, "update organizations set deleted_at = now()"),
        (WITHDRAWN, "update warehouses set deleted_at = null where name = 'North'"),
    ],
)
async def test_who_is_given_access_while_the_place_is_retired_has_no_grant(
    access: Access, about_access: str, about_place: str, first: int
) -> None:
    """Nor who loses it while the place comes back: two transactions at once, each of which could miss the other."""
    await access.grant(access.people[0], access.warehouses[0], "viewer")
    await access.owner.execute("update warehouses set deleted_at = now() where name = 'North'")
    statements = (about_access, about_place)
    one, other = await access.session(), await access.session()
    async with one.transaction():
        await one.execute(statements[first])  # type: ignore[arg-type]
        behind = asyncio.create_task(other.execute(statements[1 - first]))  # type: ignore[arg-type]
        await access.wait_until_blocked(other)
    await behind
    assert await access.kept() == await access.effective()


async def test_grants_are_kept_under_any_replication_role(access: Access) -> None:
    """Who switches triggers off to load faster must not open a door for good."""
    await access.grant(access.people[0], access.warehouses[0], "viewer")
    await access.owner.execute("set session_replication_role = replica")
    await access.owner.execute("delete from user_warehouse_access")
    assert await access.kept() == {}
    assert (await access.trail())[-1] == ("delete", "viewer", None)


async def test_whoever_may_manage_access_needs_no_right_on_grants(access: Access) -> None:
    """And has none."""
    manager = access.people[0]
    await access.grant(manager, access.warehouses[0], "admin")
    async with access.database.person(manager) as person:
        await person.execute(
            "insert into user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, 'viewer')",
            [access.people[1], access.warehouses[0]],
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await person.execute("insert into floorcast.grants values ('x', 'y', 'z')")
    assert await access.kept() == await access.law()
