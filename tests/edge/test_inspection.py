"""Gathering facts from real servers, and what `floorcast doctor` then says."""

import subprocess
import sys

from tests.fixtures.postgres import Database
from tests.sql.plant import connect, value

from floorcast.database import migrate
from floorcast.database.inspection import ROLES, inspect_database
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.facts import Guards, Messages
from floorcast.stream.inspection import inspect_stream


def doctor(database: Database | None, redis_url: str | None, **environment: str) -> tuple[int, str]:
    """Run the command; return its exit code and what it says."""
    # A home where nothing runs, so that a `floorcast up` of this machine is not examined instead.
    given = {"FLOORCAST_JWT_SECRET": "x" * 32, "FLOORCAST_HOME": "/nonexistent/floorcast", **environment}
    if database is not None:
        given |= {"DATABASE_URL": database.service_url, "FLOORCAST_OWNER_DATABASE_URL": database.owner_url}
    if redis_url is not None:
        given["REDIS_URL"] = redis_url
    done = subprocess.run(
        [sys.executable, "-m", "floorcast", "doctor"], env=given, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


async def test_a_migrated_database_has_what_it_should_have(database: Database) -> None:
    """Read as the service's login, with the ledger read as the owner."""
    facts = await inspect_database(database.service_url, database.owner_url)
    assert facts.version >= 150_000
    assert facts.login == "floorcast_service"
    assert facts.roles == dict.fromkeys(ROLES, True)
    assert facts.is_direct
    assert facts.hears_notify
    assert facts.migrations is not None
    assert [*facts.migrations.pending, *facts.migrations.unknown, *facts.migrations.changed] == []
    assert facts.tables is not None
    assert {"public.work_orders", "floorcast.grants"} <= {
        table.name if "." in table.name else f"public.{table.name}" for table in facts.tables
    }
    assert all(not (table.missing or table.disabled or table.foreign) for table in facts.tables)
    assert facts.guards == Guards([], [], [], [])
    assert facts.messages is not None
    assert (facts.messages.is_ours, facts.messages.trigger) == (True, "on")
    assert facts.sequence_cache == 1
    assert facts.newest is not None
    assert facts.leader is not None
    assert facts.leader.pid is None


async def test_a_project_whose_messages_are_not_captured_is_told_who_can_change_that(
    migrated_supabase: Database, supabase_server: EmbeddedPostgres
) -> None:
    """The table is Supabase's; once its owner lets us, a migration hangs the trigger, and messages are in the trail."""
    project = migrated_supabase
    facts = await inspect_database(project.service_url, project.owner_url)
    assert facts.messages == Messages("supabase_realtime_admin", False, "postgres", "missing")
    with connect(supabase_server.url_for(project.name)) as superuser:
        superuser.execute("grant trigger on realtime.messages to postgres")
        migrate.up(project.owner_url, reapply=True)
        facts = await inspect_database(project.service_url, project.owner_url)
        assert facts.messages == Messages("supabase_realtime_admin", False, "postgres", "on")
        superuser.execute("create table realtime.messages_of_all_days partition of realtime.messages default")
        superuser.execute("insert into realtime.messages (topic, extension, event) values ('b', 'broadcast', 'e')")
        captured = "select count(*) from floorcast.change where table_name = 'realtime.messages'"
        assert value(superuser, captured) == 1
        superuser.execute("alter table realtime.messages disable trigger _500_capture_insert")
    facts = await inspect_database(project.service_url, project.owner_url)
    assert facts.messages == Messages("supabase_realtime_admin", False, "postgres", "off")


async def test_the_service_login_alone_cannot_judge_migrations(database: Database) -> None:
    """It owns nothing; the rest is still found."""
    facts = await inspect_database(database.service_url, None)
    assert facts.migrations is None
    assert facts.tables


async def test_broken_capture_is_seen(database: Database) -> None:
    """A dropped trigger, one that is not ALWAYS, and a foreign AFTER ROW trigger."""
    async with database.owner() as connection:
        await connection.execute("drop trigger _500_capture_update on public.equipment")
        await connection.execute("alter table public.warehouses enable trigger _500_capture_insert")
        await connection.execute(
            "create function public.bump() returns trigger language plpgsql as $$ begin return null; end $$"
        )
        await connection.execute(
            "create trigger bump after update on public.work_orders for each row execute function public.bump()"
        )
    facts = await inspect_database(database.service_url, database.owner_url)
    assert facts.tables is not None
    found = {table.name.removeprefix("public."): table for table in facts.tables}
    assert list(found["equipment"].missing) == ["_500_capture_update"]
    assert list(found["warehouses"].disabled) == ["_500_capture_insert"]
    assert list(found["work_orders"].foreign) == ["bump"]


async def test_guards_that_are_missing_or_switched_off_are_seen(database: Database) -> None:
    """Each where it is; all of them together do not hide each other."""
    async with database.owner() as connection:
        for statement in (
            "alter table public.work_orders no force row level security",
            "alter table public.equipment disable row level security",
            "alter table floorcast.grants no force row level security",
            "alter table floorcast.change_00000000 disable row level security",
            "alter table floorcast.tick disable trigger _100_refuse_changes",
            "alter table floorcast.incarnation enable trigger _500_refuse_truncate",
            "drop trigger _100_refuse_changes on floorcast.maintenance",
            "alter table floorcast.change_default disable trigger user",
            "create table public.tools (id uuid primary key)",
            "insert into floorcast.table_rule values ('tools', 'select', '{admin}')",
            "grant select on public.warehouses to anon",
            "grant select (email) on public.users to public",
            "grant select on visible.inventory_items to anon",
        ):
            await connection.execute(statement.encode())
    guards = (await inspect_database(database.service_url, database.owner_url)).guards
    assert guards is not None
    assert [list(names) for names in (guards.unforced, guards.changeable, guards.unprotected, guards.open)] == [
        ["equipment", "floorcast.change_00000000", "floorcast.grants", "work_orders"],
        [
            "floorcast.change_default (delete)",
            "floorcast.change_default (truncate)",
            "floorcast.change_default (update)",
            "floorcast.incarnation (truncate)",
            "floorcast.maintenance (delete)",
            "floorcast.maintenance (update)",
            "floorcast.tick (delete)",
            "floorcast.tick (update)",
        ],
        ["tools"],
        ["users", "visible.inventory_items", "warehouses"],
    ]


async def test_an_unmigrated_database_is_said_to_be_one(empty_database: Database, redis_url: str) -> None:
    """And nothing else, since all else follows."""
    code, said = doctor(empty_database, redis_url)
    assert code == 1
    assert [line for line in said.splitlines() if line.startswith("problem")] == [
        line for line in said.splitlines() if "floorcast migrate up" in line
    ]


async def test_redis_is_asked_without_changing_it(redis_url: str) -> None:
    """A fresh one holds no feed."""
    facts = await inspect_stream(redis_url)
    assert facts.policy == "noeviction"
    assert facts.role == "master"
    assert facts.newest is None


def test_a_missing_relay_is_a_problem(database: Database, redis_url: str) -> None:
    """Changes would reach nobody."""
    code, said = doctor(database, redis_url)
    assert code == 1
    assert "problem: No relay leads" in said


def test_servers_that_do_not_answer_are_named(database: Database) -> None:
    """Each with the setting that led there."""
    code, said = doctor(database, "redis://127.0.0.1:9/0")
    assert code == 1
    assert "problem: Redis cannot be reached with REDIS_URL" in said
    code, said = doctor(None, None, DATABASE_URL="postgresql://127.0.0.1:9/none", REDIS_URL="redis://127.0.0.1:9")
    assert "problem: Postgres cannot be reached with DATABASE_URL" in said


def test_wrong_settings_are_told_and_nothing_is_asked() -> None:
    """By name and with what would be right."""
    code, said = doctor(None, None, PORT="eighty")
    assert code == 1
    assert said.startswith("problem: PORT is 'eighty'")


def test_without_urls_there_is_nothing_to_examine() -> None:
    """And it is said what to do instead."""
    code, said = doctor(None, None)
    assert code == 1
    assert "DATABASE_URL is not set" in said
    assert "REDIS_URL is not set" in said
