"""database/spool.py on a real server: complete, as capture writes it, exact, bounded, and held by nobody."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.fixtures.postgres import Connection, Database
from tests.fixtures.spools import a_request, open_spooler, reads_of, rows_in, texts_in, whole

from floorcast.access.law import Law
from floorcast.database.grants import read_base
from floorcast.database.picture_request import TableRead
from floorcast.database.queries import load_queries
from floorcast.database.rows import Catalogue, rows_of
from floorcast.database.shapes import read_shapes
from floorcast.database.ticks import close_tick
from floorcast.errors import PictureUnreadable
from floorcast.factory import demo, plant

NORTH, SOUTH = str(plant.NORTH.id), str(plant.SOUTH.id)


async def newest_texts(owner: Connection, place: str) -> dict[str, set[str]]:
    """Table → rows of a place as the trail has them: of each the newest state, unless it is gone or retired."""
    cursor = await owner.execute(
        """select distinct on (table_name, key::text) table_name, op, new::text, retired, warehouse
           from floorcast.change order by table_name, key::text, xid desc, seq desc"""
    )
    found: dict[str, set[str]] = {}
    for table, op, new, retired, warehouse in await cursor.fetchall():
        if op != "delete" and not retired and warehouse == place and not table.startswith("floorcast."):
            found.setdefault(table, set()).add(new)
    return found


async def test_every_row_of_every_table_is_as_the_trail_has_it(database: Database) -> None:
    """Letter for letter: a screen must not be able to tell which of the two ways a row came."""
    await asyncio.to_thread(demo.load, database.owner_url)
    request = await whole(database, NORTH)
    async with database.owner() as owner, open_spooler(database) as spooler:
        expected = await newest_texts(owner, NORTH)
        here = await (await owner.execute("select user_id, warehouse from floorcast.grants")).fetchall()
        with await spooler.read(request) as spool:
            found = texts_in(spool)
    local = {read.table for read in request.tables if read.shape.scope == "warehouse"}
    assert {table: set(texts) for table, texts in found.items() if table in local} == expected
    people = {user for user, warehouse in here if warehouse == NORTH}
    assert people < {user for user, _ in here}
    assert {json.loads(text)["id"] for text in found["users"]} == people, "of people, those who may be there"


ODD = """
create schema "odd.schema";
create type "odd.schema".mood as enum ('on', 'o''ff');
create type "odd.schema".pair as (a numeric, b text);
create domain "odd.schema".price as numeric(12, 4);
create table "odd.schema"."50% ""t"".x" (
    gone int,
    "warehouse id" text not null,
    id int not null,
    t text,
    "r" text,
    row_to_json int,
    "50%" text,
    exact numeric,
    price "odd.schema".price,
    wide float8,
    narrow float4,
    raw json,
    sorted jsonb,
    bytes bytea,
    at timestamptz,
    plain timestamp,
    span interval,
    mood "odd.schema".mood,
    pair "odd.schema".pair,
    many numeric[],
    padded char(5),
    net inet,
    between_ tstzrange,
    own regclass,
    primary key ("warehouse id", id)
);
alter table "odd.schema"."50% ""t"".x" drop column gone;
select floorcast.track('"odd.schema"."50% ""t"".x"', 'warehouse id');
grant usage on schema "odd.schema" to service_role;
grant select on "odd.schema"."50% ""t"".x" to service_role;
"""
ODD_TABLE = '"odd.schema"."50% ""t"".x"'


async def test_any_type_under_any_name_is_as_capture_writes_it(database: Database) -> None:
    """Whatever the sessions are set to: digits, zones, spaces inside of JSON, and what COPY would have escaped."""
    values: list[list[Any]] = [
        ["a 'b\" \\ %s {}", 1, 'say "hi"\n\t\\n {}%', "ß😀", 7, "%%", "183.0500", "1.5", "0.1", "0.1"],
        ["a 'b\" \\ %s {}", 2, None, None, None, None, "NaN", None, "1e300", "1e-7"],
        ["elsewhere", 3, "x", "x", 1, "x", "1", "1", "1", "1"],
    ]
    more = [
        '{ "a" :\n [1.50, "\\u00e4\\\\"] }',
        '{"b": 1.50, "a": null}',
        b"\x00\xff\\",
        "2026-07-01 12:00:00.5+05:30",
        "2026-07-01 12:00",
        "1 year 2 days 03:04:05.6",
        "o'ff",
        '(1.50,"x,y")',
        ["1.50", None],
        "ab",
        "10.0.0.1/8",
        "[2026-01-01,2026-02-01)",
        "public.users",
    ]
    async with database.owner() as owner:
        await owner.execute(ODD.encode())
        await owner.execute("set timezone = 'Asia/Tokyo'; set datestyle = 'German'; set bytea_output = 'escape'")
        await owner.execute("set extra_float_digits = -3; set intervalstyle = 'postgres_verbose'")
        for row in values:
            marks = ", ".join(["%s"] * (len(row) + len(more)))
            await owner.execute(f"insert into {ODD_TABLE.replace('%', '%%')} values ({marks})".encode(), row + more)
        expected = await newest_texts(owner, values[0][0])
        for setting in ("timezone = 'Asia/Tokyo'", "datestyle = 'German'", "extra_float_digits = -3"):
            await owner.execute(f"alter database {database.name} set {setting}".encode())
    request = await whole(database, values[0][0], ODD_TABLE)
    async with open_spooler(database) as spooler:
        with await spooler.read(request) as spool:
            found = texts_in(spool)
    assert len(expected[ODD_TABLE]) == 2
    assert {table: set(texts) for table, texts in found.items()} == expected


async def test_who_may_not_read_a_table_here_has_his_own_row_of_it(database: Database) -> None:
    """Not those that another role shows him elsewhere: a topic goes by the role in its own warehouse."""
    await asyncio.to_thread(demo.load, database.owner_url)
    person = str(plant.demo_id("person", "Supervisor One"))
    async with database.owner() as owner, database.service("floorcast_gateway") as gateway:
        await owner.execute(
            "update floorcast.table_rule set roles = '{supervisor}' where table_name = 'users' and action = 'select'"
        )
        await owner.execute("update users set email = display_name")
        async with database.service("floorcast_relay") as relay:
            await close_tick(relay)
        # Supervisor in the north, viewer in the south.
        law = Law(await read_base(gateway))
        shapes = {"users": (await read_shapes(gateway))["users"]}
    async with open_spooler(database) as spooler:
        shown = {}
        for warehouse in (NORTH, SOUTH):
            role = law.role("authenticated", person, warehouse)
            assert role is not None
            reads = reads_of(law.view(role), shapes)
            request = a_request(*reads, user=person, role="authenticated", warehouse=warehouse)
            with await spooler.read(request) as spool:
                shown[warehouse] = {row["id"]: row["email"] for row in rows_in(spool)["users"]}
                assert spool.law.role == role
    assert shown[SOUTH].keys() == {person}
    assert None not in shown[SOUTH].values()
    assert len(shown[NORTH]) > 5
    assert {email for who, email in shown[NORTH].items() if who != person} == {None}


async def test_only_some_columns_and_the_newest_rows(database: Database) -> None:
    """With the key, in the order of the table; rows without a value are not the newest."""
    async with database.owner() as owner:
        await owner.execute("create table events (at int, id int primary key, what text, warehouse_id text)")
        await owner.execute("select floorcast.track('events')")
        await owner.execute("grant select on events to service_role")
        await owner.execute(
            "insert into events select nullif(i / 2, 10), i, 'x' || i, 'w' from generate_series(1, 20) as i"
        )
    async with open_spooler(database) as spooler:
        for fields, expected in (
            ({"columns": ("what",), "recent": ("at", 3)}, ['{"id":18,"what":"x18"}', '{"id":19,"what":"x19"}']),
            ({"recent": ("at", 0)}, []),
            (
                {"columns": ("what", "id"), "where": 'at.gt.8,what.not.in.(x3,"it\'s 100%")', "recent": ("id", 1)},
                ['{"id":19,"what":"x19"}'],
            ),
            ({"columns": (), "where": "at.is.null"}, ['{"id":20}']),
        ):
            with await spooler.read(await whole(database, "w", "events", **fields)) as spool:
                assert texts_in(spool).get("events", [])[: len(expected) or None] == expected


async def test_the_newest_rows_are_found_without_reading_all(database: Database) -> None:
    """Years of history in a warehouse must not make every join slower."""
    await asyncio.to_thread(demo.load, database.owner_url)
    person = str(plant.demo_id("person", "Technician One"))
    async with database.owner() as owner:
        await owner.execute(
            """insert into public.work_order_timeline (work_order_id, event_type, "timestamp")
               select id, 'commented', now() - make_interval(days => n)
               from public.work_orders cross join generate_series(1, 400) as n where warehouse_id = %s""",
            [NORTH],
        )
        await owner.execute("analyze")
        cursor = await owner.execute("select count(*) from public.work_order_timeline")
        ((count,),) = await cursor.fetchall()
    async with database.service("floorcast_gateway") as gateway:
        shape = (await read_shapes(gateway))["work_order_timeline"]
        cursor = await gateway.execute(load_queries("spool.sql")["catalogue"], {"tables": [shape.table]})
        ((_, readable, filled),) = await cursor.fetchall()
    assert count > 2000
    for role in ("authenticated", "service_role"):
        read = TableRead(shape.table, shape, recent=("timestamp", 50))
        request = a_request(read, user=person, role=role, warehouse=NORTH)
        statement = rows_of(read, request, (), Catalogue(frozenset(readable), frozenset(filled)))
        async with database.person(person, role=role) as reader:
            cursor = await reader.execute(sql.SQL("explain (analyze, format json) {}").format(statement))
            ((plans,),) = await cursor.fetchall()
        most = [
            node["Actual Rows"] for node in every_node(plans[0]["Plan"]) if node.get("Relation Name") == shape.table
        ]
        assert most
        assert max(most) <= 60


def every_node(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan, from the top."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from every_node(child)


async def test_a_connection_keeps_nothing_of_the_caller_before(database: Database) -> None:
    """Role, claims and limits end with the transaction."""
    await asyncio.to_thread(demo.load, database.owner_url)
    people = {name: str(plant.demo_id("person", name)) for name in ("Admin One", "Wall Screen South")}
    everything = await whole(database, NORTH, "equipment")
    async with open_spooler(database, connections=1) as spooler:
        for user, role, sees in (
            ("erp", "service_role", True),
            (people["Wall Screen South"], "authenticated", False),
            (people["Admin One"], "authenticated", True),
            (str(plant.ORGANIZATION), "authenticated", False),
        ):
            request = a_request(*everything.tables, user=user, role=role, warehouse=NORTH)
            with await spooler.read(request) as spool:
                assert bool(rows_in(spool)) == sees
                assert (spool.law.role is not None) == sees


async def test_a_table_that_is_not_what_was_thought_is_said(database: Database) -> None:
    """Its columns changed since the gateway looked, or no rule ever reached it: asking again would not help."""
    async with database.owner() as owner:
        await owner.execute("create table lists (id int primary key, warehouse_id text, gone text)")
        await owner.execute("select floorcast.track('lists')")
        request = await whole(database, "w", "lists")
        async with open_spooler(database) as spooler:
            with pytest.raises(PictureUnreadable, match="permission denied"):
                await spooler.read(request)
            await owner.execute("grant select on lists to service_role")
            (await spooler.read(request)).close()
            person = a_request(*request.tables, user=str(plant.ORGANIZATION), role="authenticated", warehouse="w")
            with pytest.raises(PictureUnreadable, match=r"visible\.lists"):
                await spooler.read(person)
            await owner.execute("alter table lists drop column gone")
            with pytest.raises(PictureUnreadable, match="gone"):
                await spooler.read(request)
            async with spooler._pool.connection() as connection:
                assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


async def test_a_picture_of_nothing_has_a_position(database: Database) -> None:
    """A role that reads no table may still join, and hears of progress."""
    async with open_spooler(database) as spooler:
        with await spooler.read(a_request(warehouse=NORTH)) as spool:
            assert (spool.tick, spool.size, list(spool.chunks(1))) == (0, 0, [])
            assert spool.law.role is None
