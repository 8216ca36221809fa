"""docs/adding-a-table.md, followed to the letter, gives a table whose changes arrive on the page.

The test knows the page's blocks of code, the names above them, and the table's name; what is in them is the recipe's.
"""

import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from tests.contract.documents import ROOT, read
from tests.fixtures.page import Floorcast, NewScreen
from tests.fixtures.postgres import Database
from tests.fixtures.time import UNIT
from tests.sql.plant import build_plant, connect

from floorcast.client import Change, Changes, Snapshot, WarehouseView
from floorcast.database.migrate import Migrator, Outcome
from floorcast.database.sources import Sources, find_sources
from floorcast.errors import MigrationFailed
from floorcast.factory import plant

RECIPE = read("docs/adding-a-table.md")
TABLE = "tool_loans"

# **a/file.sql**, perhaps (add), an empty line, the block.
_BLOCK = re.compile(r"^\*\*(\S+)\*\*( \(add\))?\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# What the recipe has one write at the end, to see it on the page.
_WRITE = re.compile(r"^```sql\n(insert into public\..*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def followed(tmp_path: Path) -> Sources:
    """A copy of schema/ and triggers/ in which somebody has done what the recipe says."""
    here = find_sources()
    shutil.copytree(here.schema, tmp_path / "schema")
    shutil.copytree(here.triggers, tmp_path / "triggers")
    for name, is_added, text in _BLOCK.findall(RECIPE):
        path = tmp_path / name
        assert path.exists() == bool(is_added), f"{name} is {'not ' if is_added else ''}there before the recipe"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text)
    return Sources(tmp_path / "schema", tmp_path / "triggers")


def test_the_recipe_has_every_file_that_it_takes() -> None:
    """Else a block whose heading was spoiled would silently not be followed."""
    names = [name for name, _, _ in _BLOCK.findall(RECIPE)]
    assert len(names) == len(re.findall(r"^\*\*.*/.*\*\*", RECIPE, re.MULTILINE)) == 9
    blocks = re.findall(r"^```(sql|python)$", RECIPE, re.MULTILINE)
    assert len(blocks) == len(names) + len(_WRITE.findall(RECIPE)) == len(names) + 1


def test_the_recipe_migrates_a_database_there_and_back_and_there_again(followed: Sources, database: Database) -> None:
    """An existing one, as everybody has."""
    migrator = Migrator(database.owner_url, followed)
    assert migrator.up().migrations == tuple(_migrations())
    migrator.down(len(_migrations()))
    with psycopg.connect(database.owner_url) as connection:
        assert connection.execute(f"select to_regclass('public.{TABLE}')".encode()).fetchone() == (None,)
        for rules in ("table_rule", "column_rule"):
            left = connection.execute(f"select from floorcast.{rules} where table_name = '{TABLE}'".encode())
            assert left.fetchall() == []
    assert migrator.up().migrations == tuple(_migrations())
    assert migrator.up() == Outcome((), (), ())


def test_the_test_of_the_recipe_passes(followed: Sources, database: Database) -> None:
    """And it is a test: each of them fails without the table."""
    tests = list(_tests_of_the_recipe())
    assert tests
    with connect(database.owner_url) as owner:
        people = build_plant(owner)
        for test in tests:
            with pytest.raises(psycopg.errors.UndefinedTable):
                test(owner, people)
        Migrator(database.owner_url, followed).up()
        for test in tests:
            test(owner, people)


async def test_its_changes_arrive_at_those_who_may_see_them_and_as_they_may(
    followed: Sources, floorcast_up: Floorcast
) -> None:
    """On processes that were running before: a technician gets null where a manager gets the figure."""
    await _migrate_under_load(floorcast_up, followed)
    for person, cost in (("Technician One", None), (plant.MANAGER.name, 480)):
        change = await _a_loan_as_told_to(floorcast_up, person)
        assert change.op == "enter"
        assert change.new is not None
        assert (change.new["name"], change.new["replacement_cost"]) == ("Torque wrench", cost)


async def test_its_changes_arrive_on_the_page(followed: Sources, floorcast_up: Floorcast, screens: NewScreen) -> None:
    """One that was open before, on a wall screen that nobody touches."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    await _migrate_under_load(floorcast_up, followed)
    await screen.hears("phx_reply", TABLE)
    await screen.mark("live")
    await floorcast_up.write(_WRITE.findall(RECIPE)[0])
    await screen.shows(f"#events li:first-child[data-table={TABLE}]", "Tool loans Torque wrench added")
    assert "480" not in await screen.page.inner_text("#board")


def _migrations() -> list[str]:
    names = [Path(name).name for name, _, _ in _BLOCK.findall(RECIPE) if name.startswith("schema/")]
    return sorted(name.removesuffix(".sql") for name in names if not name.endswith(".rollback.sql"))


def _tests_of_the_recipe() -> Iterator[Any]:
    """The functions of its test file, as pytest would find them."""
    for name, _, text in _BLOCK.findall(RECIPE):
        if name.startswith("tests/"):
            module = ModuleType(name)
            exec(compile(text, str(ROOT / name), "exec"), module.__dict__)
            yield from (value for key, value in vars(module).items() if key.startswith("test_"))


async def _migrate_under_load(up: Floorcast, followed: Sources) -> None:
    """Migrate while relay and gateway run, again if a lock did not come, as it says."""
    for tries_left in reversed(range(10)):
        try:
            await asyncio.to_thread(Migrator(up.database.owner_url, followed).up)
        except MigrationFailed as error:
            if "did not get a lock in time" not in str(error) or not tries_left:
                raise
        else:
            return


async def _a_loan_as_told_to(up: Floorcast, person: str) -> Change:
    """Return how a loan is told to somebody who was shown the table before it was made.

    Like everybody else he may be told to read again as long as a gateway has only just heard of a migration. A loan
    made meanwhile is in his picture; then another is made.
    """
    url = up.page_url.replace("http", "ws").rstrip("/")
    async with WarehouseView(url, up.token(person), str(up.warehouse)) as view, asyncio.timeout(20 * UNIT):
        async for event in view:
            if isinstance(event, Snapshot) and TABLE in view.tables:
                await up.write(_WRITE.findall(RECIPE)[0])
            for change in event.changes if isinstance(event, Changes) else ():
                if change.table == TABLE:
                    return change
    raise AssertionError("the topic ended")
