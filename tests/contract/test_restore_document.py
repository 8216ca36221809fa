"""What docs/operations.md says about a logical restore is what works."""

import os
import re
import subprocess

import psycopg
import pytest
from tests.contract.documents import read
from tests.fixtures.postgres import SETTINGS, Database, database_on, server_home
from tests.fixtures.tampering import FORGET

from floorcast.database import migrate
from floorcast.database.ticks import newest_tick
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.errors import ForeignTrail

BURN = """
do $$ begin for _ in 1 .. 20000 loop perform pg_current_xact_id(); commit; end loop; end $$
"""
CLOSE = "select tick, table_name, key from floorcast.close_tick(1000, 1000000)"


async def test_a_database_restored_from_a_dump_goes_on_behind_one_cut(own_postgres: EmbeddedPostgres) -> None:
    """Another cluster counts its transactions from its own beginning: without the cut nothing would ever be new."""
    old = database_on(own_postgres, "floorcast")
    migrate.up(old.owner_url)
    with psycopg.connect(old.owner_url, autocommit=True) as connection:
        connection.execute(BURN.encode())
        connection.execute("insert into public.organizations (name) values ('First')")
        connection.execute("insert into public.warehouses (organization_id, name) select id, 'Hall' from organizations")
        assert connection.execute(CLOSE.encode()).fetchall()
    with server_home() as home, EmbeddedPostgres(home, settings=SETTINGS) as server:
        new = database_on(server, "floorcast")
        excluded = re.search(r"(--exclude-table-data=)'(\S+)'", read("docs/operations.md"))
        assert excluded is not None
        _restore(own_postgres, server, excluded[1] + excluded[2])
        with psycopg.connect(new.owner_url, autocommit=True) as connection:
            assert _change(connection) == [], (
                "a new cluster sees the same without the cut: is the document out of date?"
            )
            await _relay_refuses(new)
            connection.execute(FORGET)
            connection.execute(_documented_cut().encode())
            (row,) = _change(connection)
            assert row[:2] == (3, "warehouses")


async def _relay_refuses(database: Database) -> None:
    async with database.service("floorcast_relay") as connection:
        with pytest.raises(ForeignTrail, match="Backup and restore"):
            await newest_tick(connection)


def _documented_cut() -> str:
    (cut,) = re.findall(r"```sql\n(insert into floorcast\.tick .*?)```", read("docs/operations.md"), re.DOTALL)
    return str(cut)


def _change(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    connection.execute("update public.warehouses set name = name || '!'")
    return connection.execute(CLOSE.encode()).fetchall()


def _restore(source: EmbeddedPostgres, target: EmbeddedPostgres, excluded: str) -> None:
    """Dump and restore, as the document has it; the roles are there, since every embedded cluster has them."""
    dumped = _run(source, "pg_dump", excluded)
    _run(target, "psql", "--quiet", "--set=ON_ERROR_STOP=1", feed=dumped)


def _run(server: EmbeddedPostgres, program: str, *options: str, feed: bytes | None = None) -> bytes:
    address = f"--dbname=postgresql://postgres@127.0.0.1:{server.port}/floorcast"
    done = subprocess.run(
        [str(server.bin_directory / program), address, *options],
        env={**os.environ, "PGPASSFILE": str(server.password_file)},
        input=feed,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(done.stderr.decode())
    return done.stdout
