"""What a migration does to a tracked table reaches those who look at it, while the gateway runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import pytest
from tests.fixtures.gateway import SECRET, Phone, a_fact, a_token, free_port
from tests.fixtures.observed import Observed
from tests.fixtures.relay import Stream, running
from tests.flow.test_channels import a_binding, data, hear
from tests.flow.test_channels import join as channel
from websockets.asyncio.client import connect

from floorcast.assembly import serve_gateway
from floorcast.change import GRANTS, TRACKED
from floorcast.errors import DatabaseUnavailable
from floorcast.gateway import schema_watch
from floorcast.gateway.schema_watch import Schema, SchemaWatch
from floorcast.http.metrics import Metrics
from floorcast.observe import GatewayReady, SchemaChanged
from floorcast.operation import EVERYWHERE
from floorcast.settings import Settings
from floorcast.shape import TableShape

PLACE = """
with quarry as (insert into public.organizations (name) values ('Quarry') returning id)
insert into public.warehouses (organization_id, name) select id, 'North' from quarry returning id::text
"""


async def test_who_looks_at_a_table_reads_again_when_it_gets_a_column(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No change of a row says so: the next rows would have a column that he has never heard of."""
    monkeypatch.setattr(schema_watch, "EVERY_SECONDS", 0.1)
    cursor = await stream.cells.owner.execute(PLACE)
    (place,) = await cursor.fetchone() or ("",)
    await stream.cells.owner.execute("select floorcast.protect('cells')")
    settings = _settings(stream)
    async with running(stream.relay()):
        # A tick that was published may be an earlier one than that which has the place.
        await stream.drained(await stream.receiver())
        async with serving(settings):
            await observed.wait_for(GatewayReady)
            url = (
                f"ws://127.0.0.1:{settings.port}/realtime/v1/websocket?vsn=2.0.0&apikey={a_token(role='service_role')}"
            )
            async with connect(url, compression=None) as socket:
                phone = Phone(socket)
                await joined(phone, place)
                await stream.cells.owner.execute("alter table cells add column note text")
                assert (await phone.until("must_refetch"))["reason"] == "schema"
                await phone.until("phx_error")
                await joined(phone, place)
                observed.forget()
                # A table that is not looked at is nobody's business.
                await stream.cells.owner.execute("alter table public.users add column shoe_size int")
                await observed.wait_for(SchemaChanged, lambda event: event.tables == ("users",))
                await stream.cells.owner.execute("alter table cells drop column note")
                assert (await phone.until("must_refetch"))["reason"] == "schema"


async def test_a_publication_says_of_which_tables_channels_are_told(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the gateway's beginning, and whenever it changes; without one they are told of all, in the same channel."""
    monkeypatch.setattr(schema_watch, "EVERY_SECONDS", 0.1)
    owner = stream.cells.owner
    cursor = await owner.execute(PLACE)
    (place,) = await cursor.fetchone() or ("",)
    await owner.execute("create publication supabase_realtime for table public.users")
    settings = _settings(stream)
    async with running(stream.relay()):
        # A tick that was published may be an earlier one than that which has the place.
        await stream.drained(await stream.receiver())
        async with serving(settings):
            await observed.wait_for(GatewayReady)
            url = (
                f"ws://127.0.0.1:{settings.port}/realtime/v1/websocket?vsn=2.0.0&apikey={a_token(role='service_role')}"
            )
            async with connect(url, compression=None) as socket:
                phone = Phone(socket)
                await channel(phone, a_binding(table="equipment"))
                assert (await hear(phone))[1]["status"] == "error"
                await owner.execute("alter publication supabase_realtime add table public.equipment")
                assert (await hear(phone))[1]["status"] == "ok"
                await owner.execute("insert into equipment (warehouse_id, name) values (%s, 'Press')", [place])
                assert (await data(phone))["record"]["name"] == "Press"
                await owner.execute("alter publication supabase_realtime drop table public.equipment")
                assert (await hear(phone))[1]["status"] == "error"
                await owner.execute("drop publication supabase_realtime")
                assert (await hear(phone))[1]["status"] == "ok"


async def test_a_table_that_nothing_protects_is_told_to_nobody_until_it_is_protected(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither live nor behind a cursor, though it is tracked and a rule lets people read it; pictures go without it."""
    monkeypatch.setattr(schema_watch, "EVERY_SECONDS", 0.1)
    owner = stream.cells.owner
    cursor = await owner.execute(PLACE)
    (place,) = await cursor.fetchone() or ("",)
    cursor = await owner.execute(_PERSON, [place])
    (person,) = await cursor.fetchone() or ("",)
    for statement in _UNPROTECTED:
        await owner.execute(statement)  # type: ignore[arg-type]
    settings = _settings(stream)
    async with running(stream.relay()):
        # A tick that was published may be an earlier one than that which has the place.
        await stream.drained(await stream.receiver())
        async with serving(settings):
            await observed.wait_for(GatewayReady)
            url = f"ws://127.0.0.1:{settings.port}/realtime/v1/websocket?vsn=2.0.0&apikey={a_token(person)}"
            async with connect(url, compression=None) as socket:
                reply = await Phone(socket).join(place, **{"from": "snapshot"})
                assert reply["status"] == "ok", reply
                assert "trays" not in reply["response"]["tables"]
            async with connect(url, compression=None) as socket:
                phone = Phone(socket)
                reply = await phone.join(place)
                assert reply["status"] == "ok", reply
                behind = reply["response"]["cursor"]
                await owner.execute("insert into trays values (1, %s)", [place])
                await owner.execute("update warehouses set location = 'Quay' where id = %s", [place])
                changes = (await phone.until("changes"))["changes"]
                assert {change["table"] for change in changes} == {"warehouses"}
            async with connect(url, compression=None) as socket:
                phone = Phone(socket)
                reply = await phone.join(place, **{"from": behind})
                assert reply["status"] == "ok", reply
                changes = (await phone.until("changes"))["changes"]
                assert {change["table"] for change in changes} == {"warehouses"}
                await owner.execute("select floorcast.protect('trays')")
                assert (await phone.until("must_refetch"))["reason"] == "schema"
                await phone.until("phx_error")
                reply = await phone.join(place)
                assert "trays" in reply["response"]["tables"]
                await owner.execute("insert into trays values (2, %s)", [place])
                changes = (await phone.until("changes"))["changes"]
                assert [(change["table"], change["key"]) for change in changes] == [("trays", {"id": 2})]


_PERSON = """
with anna as (insert into public.users (display_name, email) values ('Anna', 'anna@example.com') returning id)
insert into public.user_warehouse_access (user_id, warehouse_id, role) select id, %s, 'technician' from anna
returning user_id::text
"""

_UNPROTECTED = (
    "create table trays (id int primary key, warehouse_id uuid)",
    "insert into floorcast.table_rule values ('trays', 'select', '{technician}')",
    "select floorcast.track('trays')",
)


def _settings(stream: Stream) -> Settings:
    return Settings(
        database_url=stream.cells.database.service_url,
        redis_url=stream.redis_url,
        jwt_secret=SECRET,
        port=free_port(),
        drain_seconds=0,
    )


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[None]:
    """A whole gateway, as the process has it."""
    stop = asyncio.Event()
    task = asyncio.create_task(serve_gateway(settings, Metrics(), stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def joined(phone: Phone, place: str) -> None:
    """Join and look at the cells only."""
    reply = await phone.join(place, tables=["cells"])
    assert reply["status"] == "ok", reply


class Catalogue:
    """What a look finds, in the test's hands."""

    def __init__(self) -> None:
        """One table."""
        self.shapes: Mapping[str, TableShape] = {"cells": shape("id")}
        self.published: frozenset[str] | None = None
        self.away = False
        self.looks = 0
        self.looked = asyncio.Event()

    async def look(self) -> Schema:
        """See `SchemaWatch`."""
        self.looks += 1
        self.looked.set()
        if self.away:
            raise DatabaseUnavailable("Postgres was taken away by the test")
        return self.shapes, self.published

    async def next_look(self) -> None:
        """Wait for one."""
        self.looked.clear()
        async with asyncio.timeout(5):
            await self.looked.wait()


def shape(*columns: str) -> TableShape:
    """A table with these columns."""
    return TableShape("cells", dict.fromkeys(columns, "int4"), ("id",), "warehouse", "id")


async def test_it_looks_at_once_when_a_table_is_tracked_and_goes_on_when_postgres_is_back(observed: Observed) -> None:
    """Not at any other fact; and an answer that does not come is no answer."""
    catalogue, told = Catalogue(), list[Schema]()
    watch, stop = SchemaWatch(catalogue.look, lambda *schema: told.append(schema)), asyncio.Event()
    task = asyncio.create_task(watch.run(stop))
    watch.begin()
    await catalogue.next_look()
    watch.notice([a_fact(GRANTS, "north", {})])
    await asyncio.sleep(0.05)
    assert catalogue.looks == 1
    catalogue.away = True
    watch.notice([a_fact(TRACKED, EVERYWHERE, {})])
    await catalogue.next_look()
    catalogue.away, catalogue.shapes = False, {"cells": shape("id", "value")}
    catalogue.published = frozenset()
    watch.notice([a_fact(TRACKED, EVERYWHERE, {})])
    await catalogue.next_look()
    assert (await observed.wait_for(SchemaChanged)).tables == ("cells",)
    stop.set()
    await task
    assert told == [({"cells": shape("id")}, None), ({"cells": shape("id", "value")}, frozenset())]
