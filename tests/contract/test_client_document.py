"""docs/client.md says what the client has, and its examples do what is written beside them."""

import asyncio
import inspect
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.contract.documents import read, table_after
from tests.fixtures.page import Floorcast
from tests.fixtures.time import UNIT
from typer.main import get_command

from floorcast.cli import app
from floorcast.client import ViewEvent, WarehouseView
from floorcast.factory import plant

CLIENT = read("docs/client.md")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", CLIENT, re.MULTILINE | re.DOTALL)
NEW_ORDER = """
    insert into public.work_orders (warehouse_id, title, equipment_id)
    select warehouse_id, %s, id from public.equipment where warehouse_id = %s order by id limit 1
"""


def test_every_option_of_a_view_is_explained_with_its_default() -> None:
    """And none that is not there."""
    parameters = inspect.signature(WarehouseView.__init__).parameters.values()
    options = [each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
    listed = table_after(CLIENT, "## Options")
    assert [name for name, *_ in listed] == [f"`{option.name}`" for option in options]
    for option, (_, _, default) in zip(options, listed, strict=True):
        if isinstance(option.default, str | float) and not isinstance(option.default, bool):
            assert default.strip("`") == f"{option.default:g}" if isinstance(option.default, float) else option.default


def test_every_event_is_explained() -> None:
    """A program that matches on them can know that it has them all."""
    listed = [name for names, _ in table_after(CLIENT, "## Events") for name in re.findall(r"\w+", names)]
    assert listed == [kind.__name__ for kind in get_args(ViewEvent)]


def test_every_option_of_tail_is_explained() -> None:
    """Beside those that every command has."""
    command = get_command(app).get_command(None, "tail")  # type: ignore[arg-type,attr-defined]
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    listed = {re.findall(r"--[a-z-]+", name)[0] for name, _ in table_after(CLIENT, "## In a terminal")}
    assert listed == options - {"--url", "--token", "--help"}


class Said:
    """What an example prints, line by line."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.lines: list[str] = []
        self._news = asyncio.Event()

    def print(self, *parts: object) -> None:
        """Take the place of the example's `print`."""
        self.lines.append(" ".join(map(str, parts)))
        self._news.set()

    async def wait_for(self, pattern: str) -> str:
        """Wait for a line that matches, among those that no one waited for yet."""
        async with asyncio.timeout(15 * UNIT):
            while True:
                while self.lines:
                    line = self.lines.pop(0)
                    if re.search(pattern, line):
                        return line
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def running(name: str, *arguments: object) -> AsyncIterator[Said]:
    """Run the example that defines a function of this name, until the end of the block."""
    (text,) = [example for example in EXAMPLES if f"async def {name}(" in example]
    said = Said()
    namespace: dict[str, Any] = {"print": said.print}
    exec(compile(text, f"docs/client.md: {name}", "exec"), namespace)
    task = asyncio.create_task(namespace[name](*arguments))
    ended: Callable[[asyncio.Task[None]], None] = lambda _: said.print("ended")  # noqa: E731 — one line of glue
    task.add_done_callback(ended)
    try:
        yield said
    finally:
        if task.done():
            task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def address(up: Floorcast) -> str:
    """Where sockets are."""
    return up.page_url.replace("http", "ws")


async def test_the_view_of_the_document_follows_its_filter(floorcast_up: Floorcast) -> None:
    """Orders that are to be done, and nothing else of that table."""
    up = floorcast_up
    async with running("watch", address(up), up.token(), str(up.warehouse)) as said:
        before = int((await said.wait_for("^at first: ")).split()[2])
        await up.write(NEW_ORDER, "Leak", up.warehouse)
        await said.wait_for("^enter work_orders")
        assert await said.wait_for("^now: ") == f"now: {before + 1} orders to do"
        await up.write("update public.work_orders set status = 'cancelled' where title = 'Leak'")
        await said.wait_for("^leave work_orders")
        assert await said.wait_for("^now: ") == f"now: {before} orders to do"


async def test_the_program_that_forwards_is_told_what_happened_while_it_was_away(
    floorcast_up: Floorcast, tmp_path: Path
) -> None:
    """The last change before its end it may be told again, never is one left out."""
    up, path = floorcast_up, tmp_path / "cursor"
    arguments = (address(up), up.token(), str(up.warehouse), path)
    async with running("forward", *arguments) as said:
        while not path.exists():  # noqa: ASYNC110 — saved once it is joined
            await asyncio.sleep(0.01)
        await up.write(NEW_ORDER, "One", up.warehouse)
        first = await said.wait_for("^forwarded")
    await up.write(NEW_ORDER, "Two", up.warehouse)
    async with running("forward", *arguments) as said:
        second = await said.wait_for("forwarded|could not")
        if second == first:
            second = await said.wait_for("forwarded|could not")
    assert second.startswith("forwarded")
    assert second != first


async def test_the_mirror_of_the_document_is_the_database(floorcast_up: Floorcast, tmp_path: Path) -> None:
    """Across an end in the middle."""
    up, path = floorcast_up, tmp_path / "mirror"
    arguments = (address(up), up.token(), str(up.warehouse), path)

    async def mirrored(title: str) -> None:
        async with asyncio.timeout(15 * UNIT):
            while True:
                with sqlite3.connect(path) as store:
                    query = "select count(*) from sqlite_master where name = 'mirrored'"
                    if store.execute(query).fetchone()[0]:
                        rows = store.execute("select row from mirrored where name = 'work_orders'").fetchall()
                        if any(f'"title": "{title}"' in row for (row,) in rows):
                            break
                store.close()
                await asyncio.sleep(0.02)
            store.close()

    for title in ("One", "Two"):
        async with running("mirror", *arguments):
            await up.write(NEW_ORDER, title, up.warehouse)
            await mirrored(title)
        await up.write(NEW_ORDER, f"{title} away", up.warehouse)
    async with running("mirror", *arguments):
        await mirrored("Two away")
    async with up.database.owner() as connection:
        query = b"select count(*) from public.work_orders where warehouse_id = %s and deleted_at is null"
        cursor = await connection.execute(query, (up.warehouse,))
        (expected,) = await cursor.fetchone() or (None,)
    with sqlite3.connect(path) as store:
        assert store.execute("select count(*) from mirrored where name = 'work_orders'").fetchone() == (expected,)
    store.close()


async def test_the_other_examples_run(floorcast_up: Floorcast) -> None:
    """Freshness, presence, and the plain protocol."""
    up = floorcast_up
    async with running("stay", address(up), up.token, str(up.warehouse)) as said:
        await said.wait_for("^fresh: 20")
    order = str(plant.demo_id("order", "any"))
    async with running("look", address(up), up.token(), str(up.warehouse), order) as said:
        assert order in await said.wait_for(rf"^[0-9a-f-]{{36}} \[.*{order}")
    async with running("listen", address(up), up.token(), str(up.warehouse)) as said:
        await said.wait_for("^progress ")


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_imports_what_it_uses_and_uses_what_it_imports(example: str) -> None:
    """It can be copied as it stands."""
    for line in re.findall(r"^from floorcast.client import (.*)$", example, re.MULTILINE):
        for name in line.split(", "):
            assert len(re.findall(rf"\b{name}\b", example)) > 1, name
