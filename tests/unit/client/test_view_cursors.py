"""Where a view begins, and when it keeps the cursor that it was given."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.client.peer import Peer, Script
from tests.unit.client.scripted import Server, everything, next_of, picture, serving, tick

from floorcast.client import (
    Changes,
    FileCursor,
    Joined,
    MemoryCursor,
    Snapshot,
    WarehouseView,
)


async def test_a_cursor_is_saved_when_the_next_event_is_asked_for(tmp_path: Path) -> None:
    """Whoever dies while processing is told that tick again."""

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            await server.accept(peer, cursor="c5")
            await tick(peer, 6)
            await tick(peer, 7)

        return (script,)

    path = tmp_path / "cursor"
    options: dict[str, Any] = {"keep_rows": False, "start": "now"}
    async with serving(make) as server:
        async with server.view(cursor=FileCursor(path), **options) as view:
            await next_of(view, Changes)
            assert json.loads(path.read_text())["cursor"] == "c5"
            await next_of(view, Changes)
            assert json.loads(path.read_text())["cursor"] == "c6"
        async with server.view(cursor=FileCursor(path), **options) as view:
            await next_of(view, Changes)
            await view.save()
        async with server.view(cursor=FileCursor(path), where={"work_orders": "status=eq.open"}, **options) as view:
            await next_of(view, Joined)
    assert [join["from"] for join in server.joins] == ["now", "c6", "now"]


@pytest.mark.parametrize("kept", [False, True])
async def test_beginning_now_happens_once(kept: bool) -> None:  # noqa: FBT001 — pytest's way
    """After that there is something to miss: without a cursor that holds it goes on with the picture."""

    def make(server: Server) -> tuple[Script, ...]:
        async def without(peer: Peer) -> None:
            await server.accept(peer)
            await peer.socket.close()

        async def refusing(peer: Peer) -> None:
            await server.refuse(peer, code="must_refetch", reason="trimmed")
            await peer.socket.close()

        return (refusing if kept else without), without

    store = MemoryCursor()
    async with serving(make) as server, server.view(keep_rows=False, start="now", cursor=store) as view:
        if kept:
            await store.save(view._asked.binding, "c5")
            await view.__aenter__()
        await next_of(view, Joined)
        if not kept:
            await next_of(view, Joined)
    assert [join["from"] for join in server.joins] == ["c5" if kept else "now", "snapshot"]


async def test_a_cursor_is_forgotten_with_the_access(tmp_path: Path) -> None:
    """Also by a process that was not there when it was withdrawn."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer)

        async def second(peer: Peer) -> None:
            await server.refuse(peer, code="forbidden", reason="forbidden: no")

        return first, second

    path = tmp_path / "cursor"
    async with serving(make) as server:
        async with server.view(cursor=FileCursor(path), keep_rows=False) as view:
            await next_of(view, Snapshot)
            await view.save()
        async with server.view(cursor=FileCursor(path), keep_rows=False) as view:
            assert await everything(view) == ["Forgotten"]
        assert not path.exists()
    assert [join["from"] for join in server.joins] == ["snapshot", "c5"]


async def test_a_cursor_of_ones_own_is_a_place_to_start() -> None:
    """For a program that keeps it beside its data, in the same transaction."""

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            await server.accept(peer)
            await tick(peer, 42)

        return (script,)

    async with serving(make) as server, server.view(keep_rows=False, start="c41") as view:
        assert (await next_of(view, Changes)).cursor == "c42"
        with pytest.raises(KeyError):
            view.rows("work_orders")
    assert [join["from"] for join in server.joins] == ["c41"]


def test_options_that_contradict_each_other_are_refused() -> None:
    """Rows that began in the middle would be wrong."""
    for options in ({"start": "now"}, {"start": "f1.abc"}, {"cursor": FileCursor("cursor")}):
        with pytest.raises(ValueError, match="keep_rows=False"):
            WarehouseView("ws://plant", "token", "north", **options)  # type: ignore[arg-type]
    WarehouseView("ws://plant", "token", "north", cursor=MemoryCursor())
