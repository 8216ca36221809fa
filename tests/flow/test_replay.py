"""Replay: history in a file becomes completed orders, played by people, one step a transaction."""

import asyncio
import csv
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid5

import pytest
from tests.fixtures.observed import Observed
from tests.fixtures.postgres import Database
from typer.testing import CliRunner

from floorcast.cli import app
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.factory import demo
from floorcast.factory.history import TYPES
from floorcast.factory.replay import Outcome, read_plan, replay
from floorcast.observe import DatabaseLost

ORDERS = Path(__file__).parent / "data" / "orders.csv"
REFUSED = (8, 20, 31, 45, 53)


@pytest.fixture
def factory(database: Database) -> Database:
    """A database with the demo factory in it."""
    demo.load(database.owner_url)
    return database


async def play(database: Database, **options: Any) -> Outcome:
    """Play the file of this folder as fast as it goes."""
    plan = read_plan(ORDERS, options.pop("known", None), options.pop("limit", None))
    return await replay(database.service_url, plan, **{"assets": {}, "days_per_second": None, "workers": 4, **options})


async def rows(database: Database, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Return what the owner sees."""
    async with database.owner() as connection:
        return await (await connection.execute(query, parameters)).fetchall()  # type: ignore[arg-type]


async def test_every_accepted_line_becomes_a_completed_order_equal_to_it(factory: Database) -> None:
    """Text to the blank, cost to the cent, its day, its type."""
    outcome = await play(factory)
    with ORDERS.open(newline="") as lines:
        expected = {
            uuid5(outcome.run, f"order/{number}"): (
                line["OriginalShorttext"],
                line["OriginalShorttext"],
                Decimal(line["Cost"]),
                TYPES[line["PMType"]],
                datetime.fromisoformat(f"{line['BscStartDate']}T00:00+00:00"),
                "completed",
            )
            for number, line in enumerate(csv.DictReader(lines), start=2)
            if number not in REFUSED
        }
    actual = {
        row[0]: row[1:]
        for row in await rows(
            factory,
            "select id, title, completion_notes, actual_cost, type, actual_end, status from public.work_orders"
            " where scheduled_start is not null",
        )
    }
    assert actual == expected
    assert outcome.completed == len(expected) == 58


async def test_refused_lines_are_named_with_their_reason(factory: Database) -> None:
    """And the others are played."""
    outcome = await play(factory)
    assert tuple(refusal.line for refusal in outcome.refusals) == REFUSED
    reasons = [refusal.reason for refusal in outcome.refusals]
    for reason, word in zip(reasons, ("date", "empty text", "number", "no asset", "PMType"), strict=True):
        assert word in reason


async def test_the_people_of_the_warehouse_did_it(factory: Database) -> None:
    """Nobody acts where he has no role, and nothing is done by the system."""
    await play(factory)
    strangers = await rows(
        factory,
        "select distinct c.actor, c.warehouse from floorcast.change as c where c.warehouse is not null and not exists"
        " (select from floorcast.grants as g where g.user_id = c.actor and g.warehouse = c.warehouse)"
        " and c.table_name in ('work_orders', 'work_order_timeline', 'inventory_transactions')",
    )
    assert strangers == []


async def test_each_asset_is_played_in_its_order(factory: Database) -> None:
    """Although several are played at once."""
    outcome = await play(factory)
    with ORDERS.open(newline="") as lines:
        numbered = [(n, line) for n, line in enumerate(csv.DictReader(lines), start=2) if n not in REFUSED]
    for asset in sorted({line["Asset"] for _, line in numbered}):
        expected = [uuid5(outcome.run, f"order/{n}") for n, line in numbered if line["Asset"] == asset]
        played = await rows(
            factory,
            "select w.id from public.work_orders as w join public.equipment as e on e.id = w.equipment_id"
            " where e.asset_tag = %s order by w.status_changed_at",
            asset,
        )
        assert [row[0] for row in played] == expected


async def test_each_replacement_took_one_part(factory: Database) -> None:
    """And stock is what was received less what was issued."""
    await play(factory)
    (taken,) = await rows(
        factory,
        "select count(*), count(distinct t.work_order_id), sum(t.quantity) from public.inventory_transactions as t"
        " join public.work_orders as w on w.id = t.work_order_id where t.transaction_type = 'issue'"
        " and w.type = 'preventive'",
    )
    with ORDERS.open(newline="") as lines:
        replacements = sum(line["PMType"] == "PM02" for line in csv.DictReader(lines))
    assert taken == (replacements, replacements, replacements)


async def test_a_second_replay_uses_the_same_machines(factory: Database) -> None:
    """And adds orders of its own."""
    await play(factory, limit=10)
    machines = await rows(factory, "select count(*) from public.equipment")
    await play(factory, limit=10, workers=1)
    assert await rows(factory, "select count(*) from public.equipment") == machines
    assert await rows(factory, "select count(*) from public.work_orders where scheduled_start is not null") == [(20,)]


async def test_assets_can_be_put_where_one_likes(factory: Database) -> None:
    """By name or id; an asset that is not named is unknown then."""
    outcome = await play(factory, assets={"V": "south plant"}, known=frozenset({"V"}))
    assert {site.name for site in outcome.warehouses.values()} == {"South Plant"}
    assert any("unknown asset 'W'" in refusal.reason for refusal in outcome.refusals)


async def test_history_is_played_at_the_speed_that_was_asked_for(factory: Database) -> None:
    """Days of history a second: the orders of a few months at many thousand days a second take no time."""
    outcome = await play(factory, days_per_second=100_000.0, limit=15)
    assert outcome.completed == 15


async def test_a_database_that_restarts_meanwhile_costs_no_order_and_doubles_none(
    own_postgres: EmbeddedPostgres, own_database: Database, observed: Observed
) -> None:
    """A step whose commit was not answered is done again, and finds it done."""
    demo.load(own_database.owner_url)
    begun = asyncio.Event()
    plan = read_plan(ORDERS, None, None)
    playing = asyncio.create_task(
        replay(own_database.service_url, plan, assets={}, days_per_second=None, workers=1, completed=begun.set)
    )
    await begun.wait()
    await asyncio.to_thread(own_postgres.restart)
    await observed.wait_for(DatabaseLost)
    outcome = await playing
    assert outcome.completed == 58
    counted = await rows(
        own_database,
        "select event_type, count(*) from public.work_order_timeline as t join public.work_orders as w"
        " on w.id = t.work_order_id where w.scheduled_start is not null group by 1 order by 1",
    )
    with ORDERS.open(newline="") as lines:
        parts = sum(line["PMType"] == "PM02" for line in csv.DictReader(lines))
    # Assigned and started are two changes of status.
    assert dict(counted) == {"created": 58, "assigned": 58, "status_changed": 116, "part_used": parts, "completed": 58}


def test_the_command_ends_with_1_when_a_line_was_refused(factory: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says which, and how many orders were completed."""
    monkeypatch.setenv("DATABASE_URL", factory.service_url)
    monkeypatch.setenv("FLOORCAST_JWT_SECRET", "x" * 32)
    result = CliRunner().invoke(app, ["replay", str(ORDERS), "--limit", "12"])
    assert result.exit_code == 1
    assert "12 work orders completed" in result.stdout
    assert "line 8: bad date '2009-02-30'" in result.stderr


def test_a_file_that_is_not_there_is_a_sentence(factory: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a traceback."""
    monkeypatch.setenv("DATABASE_URL", factory.service_url)
    monkeypatch.setenv("FLOORCAST_JWT_SECRET", "x" * 32)
    result = CliRunner().invoke(app, ["replay", "nowhere.csv"])
    assert result.exit_code == 2
    assert "nowhere.csv cannot be read" in result.stderr
