"""The migration runner against a real server: on migrations of a line or two, then on our own."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from threading import Thread

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.fixtures.shop import CHECK_ITEM, COUNT_ITEMS, Shop
from tests.fixtures.snapshot import dump

from floorcast.database import exclusive, migrate
from floorcast.database.sources import Sources, find_sources
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.errors import DatabaseUnavailable, MigrationFailed, NewerDatabaseError

RUNNER = """
import sys
from pathlib import Path
from floorcast.database.migrate import Migrator, Sources
url, schema, triggers = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
Migrator(url, Sources(Path(schema), Path(triggers))).up()
"""

StartRunner = Callable[[str, Sources], subprocess.Popen[str]]


@pytest.fixture
def start_runner() -> Iterator[StartRunner]:
    """Runners as processes of their own, ready to go at a line of input; none outlives the test."""
    runners: list[subprocess.Popen[str]] = []

    def start(url: str, sources: Sources) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", RUNNER, url, str(sources.schema), str(sources.triggers)]
        pipe = subprocess.PIPE
        runners.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        return runners[-1]

    yield start
    for runner in runners:
        runner.kill()
        runner.communicate()


def _until(condition: Callable[[], bool], *, within: float) -> None:
    """Look again until it holds: Postgres has no signal for what another session does."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {within:g} s"
        time.sleep(0.02)


def test_up_applies_what_is_pending_and_then_has_nothing_to_do(shop: Shop) -> None:
    """The second run must not even touch the functions: each replacement locks out those that call them."""
    first = shop.migrator().up()
    version = shop.ask("select xmin::text from pg_proc where proname = 'count_items'")
    second = shop.migrator().up()
    assert first.migrations == ("0001_shop",)
    assert first.behaviour == ("1_stage/count_items.sql",)
    assert (second.migrations, second.behaviour) == ((), ())
    assert shop.ask("select xmin::text from pg_proc where proname = 'count_items'") == version
    assert shop.ask("select shop.count_items()") == [(0,)]


def test_status_tells_what_up_would_do_and_writes_nothing(shop: Shop) -> None:
    """Also of a database that was never migrated."""
    before = shop.migrator().status()
    assert shop.ask("select 1 from pg_namespace where nspname = 'floorcast_migrations'") == []
    shop.migrator().up()
    shop.write("schema/0002_more.sql", "create table shop.more (id int);")
    shop.write("triggers/1_stage/count_items.sql", COUNT_ITEMS + "-- changed")
    shop.write("triggers/2_later/check_item.sql", CHECK_ITEM)
    after = shop.migrator().status()
    assert (before.applied, before.pending) == ((), ("0001_shop",))
    assert [name for name, _ in after.applied] == ["0001_shop"]
    assert after.pending == ("0002_more",)
    assert after.behaviour.changed == ("1_stage/count_items.sql",)
    assert after.behaviour.added == ("2_later/check_item.sql",)
    assert not after.is_current
    shop.migrator().up()
    assert shop.migrator().status().is_current


def test_a_migration_that_fails_leaves_nothing_and_keeps_what_came_before(shop: Shop) -> None:
    """And says in which file and line, and what Postgres said."""
    shop.write("schema/0002_half.sql", "create table shop.half (id int);\n\ncreate table shop.other (id nothing);")
    with pytest.raises(MigrationFailed, match=r"0002_half\.sql, line 3, failed: type \"nothing\" does not exist"):
        shop.migrator().up()
    assert [name for name, _ in shop.migrator().status().applied] == ["0001_shop"]
    assert shop.ask("select to_regclass('shop.half')") == [(None,)]


def test_a_name_without_its_schema_is_refused_whatever_the_database_prefers(shop: Shop) -> None:
    """Else the same migration would make its table in another place on another server."""
    shop.ask(f"alter database {shop.database.name} set search_path = 'public'")
    shop.write("schema/0002_stray.sql", "create table stray (id int);")
    with pytest.raises(MigrationFailed, match="no schema has been selected to create in"):
        shop.migrator().up()


def test_a_migration_that_commits_by_itself_is_refused(shop: Shop) -> None:
    """A commit inside would part the migration from its record."""
    shop.write("schema/0002_commits.sql", "create table shop.kept (id int); commit; create table shop.x (id int);")
    with pytest.raises(MigrationFailed, match="ends its transaction itself"):
        shop.migrator().up()


def test_down_refuses_before_it_begins_when_a_rollback_is_missing(shop: Shop) -> None:
    """Half-way back would be neither the old version nor the new one."""
    shop.write("schema/0002_more.sql", "create table shop.more (id int);")
    shop.migrator().up()
    with pytest.raises(MigrationFailed, match="no rollback for 0002_more"):
        shop.migrator().down(2)
    assert shop.migrator().status().is_current


def test_a_lock_that_does_not_come_is_given_up_with_a_sentence(shop: Shop) -> None:
    """Waiting on would make everybody queue who wants the table next."""
    shop.migrator().up()
    shop.write("schema/0002_alter.sql", "alter table shop.item add column note text;")
    with psycopg.connect(shop.database.owner_url) as busy:
        busy.execute("lock table shop.item in access share mode")
        with pytest.raises(MigrationFailed, match=r"0002_alter\.sql did not get a lock in time"):
            shop.migrator(table=0.1).up()
    assert shop.migrator().up().migrations == ("0002_alter",)


def test_waiting_for_another_runner_is_said_and_bounded(shop: Shop) -> None:
    """Who it waits for is in the sentence."""
    with exclusive.session(shop.database.owner_url, lock_timeout="1s") as other:
        exclusive.lock(other, wait_seconds=0, say=exclusive.silent)
        with pytest.raises(DatabaseUnavailable, match=rf"kept this database for 0.1 s: pid {other.info.backend_pid}"):
            shop.migrator(runner=0.1).up()
        assert "waiting for it, at most 0.1 s" in shop.said[0]
        waiting = Thread(target=shop.migrator().up)
        waiting.start()
    waiting.join()
    assert shop.migrator().status().is_current


def test_twenty_runners_at_once_migrate_once(empty_database: Database, start_runner: StartRunner) -> None:
    """Real processes, our own migrations."""
    runners = [start_runner(empty_database.owner_url, find_sources()) for _ in range(20)]
    for runner in runners:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
    outputs = [runner.communicate("go\n") for runner in runners]
    assert [runner.returncode for runner in runners] == [0] * 20, outputs
    with psycopg.connect(empty_database.owner_url) as connection:
        applied = connection.execute(
            "select count(*) from floorcast_migrations.migration_log where operation = 'apply'"
        ).fetchone()
    assert applied == (len(migrate.status(empty_database.owner_url).applied),)
    assert migrate.status(empty_database.owner_url).is_current


def test_a_runner_killed_half_way_leaves_nothing_to_clean_up(
    shop: Shop, start_runner: StartRunner, unit: float
) -> None:
    """Transaction and lock end with its session, within seconds, although a statement is running."""
    shop.write("schema/0002_slow.sql", "create table shop.slow (id int); select pg_sleep(600);")
    runner = start_runner(shop.database.owner_url, shop.sources)
    assert runner.stdin is not None
    runner.stdin.write("go\n")
    runner.stdin.flush()
    sleeping = "select 1 from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
    _until(lambda: shop.ask(sleeping) != [], within=20 * unit)
    runner.kill()
    shop.write("schema/0002_slow.sql", "create table shop.slow (id int);")
    began = time.monotonic()
    outcome = shop.migrator(runner=20 * unit).up()
    assert outcome.migrations == ("0002_slow",)
    assert time.monotonic() - began < 10 * unit
    assert shop.migrator().status().is_current


def test_a_database_that_is_newer_is_refused(shop: Shop) -> None:
    """Old code would not know what the new columns mean."""
    shop.write("schema/0002_new.sql", "create table shop.new (id int);")
    shop.migrator().up()
    shop.path("schema/0002_new.sql").unlink()
    shop.write("triggers/1_stage/count_items.sql", COUNT_ITEMS + "-- old")
    for refused in (shop.migrator().up, shop.migrator().down):
        with pytest.raises(NewerDatabaseError, match="0002_new"):
            refused()
    assert shop.migrator().status().unknown == ("0002_new",)
    assert shop.ask("select shop.count_items()") == [(0,)]


def test_a_server_older_than_fifteen_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no such server here, so what counts as old is moved."""
    monkeypatch.setattr(exclusive, "OLDEST_SERVER", 990000)
    with pytest.raises(DatabaseUnavailable, match="Floorcast needs 99 or newer"):
        shop.migrator().up()


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    """Sentences end up in logs."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free_port = taken.getsockname()[1]
    with pytest.raises(DatabaseUnavailable, match="Nothing was changed") as raised:
        migrate.up(f"postgresql://owner:quiet-word@127.0.0.1:{free_port}/nowhere")
    assert "quiet-word" not in str(raised.value)


@pytest.mark.parametrize("what", ["schema/0002_slow.sql", "triggers/2_later/slow.sql"])
def test_a_runner_whose_session_is_ended_leaves_nothing_and_says_so(shop: Shop, unit: float, what: str) -> None:
    """By an administrator, in the middle of a migration or of triggers/; the next run goes on from there."""
    shop.migrator().up()
    shop.write(what, "create function shop.half() returns int return 1; select pg_sleep(600);")
    refused: list[BaseException] = []

    def run() -> None:
        try:
            shop.migrator().up()
        except DatabaseUnavailable as error:
            refused.append(error)

    runner = Thread(target=run)
    runner.start()
    ended = (
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where wait_event = 'PgSleep' and datname = current_database()"
    )
    _until(lambda: shop.ask(ended) != [], within=20 * unit)
    runner.join()
    assert len(refused) == 1
    assert "The connection was lost during" in str(refused[0])
    assert shop.ask("select 1 from pg_proc where proname = 'half'") == []
    shop.write(what, "create function shop.half() returns int return 1;")
    shop.migrator().up()
    assert shop.migrator().status().is_current
    assert shop.ask("select shop.half()") == [(1,)]


def test_up_then_down_to_nothing_then_up_makes_the_same_database(
    empty_database: Database, postgres_server: EmbeddedPostgres
) -> None:
    """With our own migrations: every rollback undoes all of its migration; owners, rights and comments included.

    Also from half way, where what triggers/ set on tables is still on those that stay.
    """
    url = empty_database.owner_url
    with psycopg.connect(url) as connection:
        # The one thing that stays, since a Supabase project has it, too.
        connection.execute("grant usage on schema public to anon, authenticated, service_role")
    nothing = dump(postgres_server, empty_database, owners=True)
    migrate.up(url)
    first = dump(postgres_server, empty_database, owners=True)
    for part in (
        "CREATE VIEW visible.",
        "CREATE POLICY",
        "COMMENT ON POLICY",
        "GRANT SELECT",
        "OWNER TO floorcast_viewer",
    ):
        assert part in first
    migrate.down(url, len(migrate.status(url).applied) // 2)
    migrate.up(url)
    assert dump(postgres_server, empty_database, owners=True) == first
    migrate.down(url, None)
    assert dump(postgres_server, empty_database, owners=True) == nothing
    migrate.up(url)
    assert dump(postgres_server, empty_database, owners=True) == first
