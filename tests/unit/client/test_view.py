"""A view on a real socket, against a server that says exactly what a test wants it to say."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.fixtures.time import UNIT
from tests.unit.client.peer import TOPIC, Peer, Script, a_server
from websockets.asyncio.server import Request, Response, ServerConnection

from floorcast.client import (
    Changes,
    ClientError,
    FileCursor,
    Forgotten,
    Joined,
    MemoryCursor,
    PresenceState,
    Progress,
    Refused,
    Snapshot,
    ViewEvent,
    Waiting,
    WarehouseView,
)

AT = "2026-11-23T10:11:12.345678+00:00"
KEYS = {"work_orders": ["id"]}


class AtOnce(Random):
    """Draws the shortest wait, always."""

    def random(self) -> float:
        """Return the smallest share."""
        return 0.0


class Server:
    """Plays one script for each connection in turn, and keeps every join."""

    def __init__(self, *scripts: Script) -> None:
        """Hold the scripts ready; the last one is played again and again."""
        self.scripts = list(scripts)
        self.joins: list[dict[str, Any]] = []
        # Where nobody is, until it serves.
        self.url = "ws://127.0.0.1:9"

    async def play(self, peer: Peer) -> None:
        """Play the next script, then wait for the client to go."""
        await (self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0])(peer)
        await peer.socket.wait_closed()

    async def accept(self, peer: Peer, cursor: str | None = None) -> list[Any]:
        """Take a join."""
        asked = await peer.accept_join(tables=["work_orders"], keys=KEYS, cursor=cursor, incarnation="first")
        self.joins.append(asked[4])
        return asked

    async def refuse(self, peer: Peer, **response: object) -> None:
        """Refuse a join."""
        asked = await peer.receive()
        self.joins.append(asked[4])
        await peer.reply(asked, "error", **response)

    def view(self, **options: Any) -> WarehouseView:
        """Return a view of it that never waits long."""
        token = options.pop("token", "token")
        usual: dict[str, Any] = {"random": AtOnce(), "reply_seconds": 5 * UNIT}
        return WarehouseView(self.url, token, "north", **(usual | options))


@asynccontextmanager
async def serving(make: Callable[[Server], tuple[Script, ...]], check: Any = None) -> AsyncIterator[Server]:
    """Serve the scripts that `make` returns."""
    server = Server()
    server.scripts = list(make(server))
    async with a_server(server.play, check) as url:
        server.url = url
        yield server


async def picture(peer: Peer, tick: int = 5, *ids: int) -> None:
    """Send a picture of work orders, whole."""
    rows = {"work_orders": [{"id": each} for each in ids]}
    await peer.push("snapshot", tick=tick, at=AT, part=1, end=True, rows=rows, cursor=f"c{tick}")


async def tick(peer: Peer, number: int, **more: object) -> None:
    """Send a tick in which the work order of that number enters."""
    change = {"position": f"{number}-1", "op": "enter", "by": "insert", "table": "work_orders", "at": AT}
    change |= {"actor": "anna", "key": {"id": number}, "new": {"id": number}}
    await peer.push("changes", **({"tick": number, "at": AT, "changes": [change], "cursor": f"c{number}"} | more))


async def next_of(view: WarehouseView, kind: type[ViewEvent]) -> Any:
    """Return the next event of a kind."""
    async with asyncio.timeout(5 * UNIT):
        async for event in view:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"the view ended before a {kind.__name__}")


async def everything(view: WarehouseView) -> list[str]:
    """Return the kinds of all events up to the end."""
    async with asyncio.timeout(5 * UNIT):
        return [type(event).__name__ async for event in view]


async def test_a_view_begins_with_the_picture_and_follows() -> None:
    """Rows are those of the last event that was given out, not of the last that arrived."""

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer, 5, 1)
            await tick(peer, 6)
            await tick(peer, 7)
            await peer.push("progress", position="7-0", at=AT, cursor="c7")

        return (script,)

    async with serving(make) as server, server.view(tables=["work_orders"]) as view:
        events = [await anext(view) for _ in range(3)]
        assert list(view.rows("work_orders")) == [1, 6]
        assert view.cursor == "c6"
        await next_of(view, Progress)
        assert list(view.rows("work_orders")) == [1, 6, 7]
    assert server.joins == [{"from": "snapshot", "tables": ["work_orders"]}]
    assert [type(event) for event in events] == [Joined, Snapshot, Changes]
    assert view.tables == ("work_orders",)


async def test_after_a_loss_it_goes_on_with_its_cursor() -> None:
    """From the last whole tick, and it says what happened."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer)
            await tick(peer, 6)
            await tick(peer, 7, part=1, end=False)
            await peer.socket.close(1012)

        async def second(peer: Peer) -> None:
            await server.accept(peer)
            await tick(peer, 7)

        return first, second

    async with serving(make) as server, server.view() as view:
        waiting = await next_of(view, Waiting)
        assert (waiting.error.code, waiting.seconds) == ("shutting_down", 0)
        joined = await next_of(view, Joined)
        assert (joined.origin, joined.after) == ("cursor", waiting.error)
        assert (await next_of(view, Changes)).tick == 7
        assert list(view.rows("work_orders")) == [6, 7]
    assert [join["from"] for join in server.joins] == ["snapshot", "c6"]


async def test_a_loss_during_the_picture_begins_with_a_new_one() -> None:
    """There is no cursor before its end."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await peer.push("snapshot", tick=5, at=AT, part=1, end=False, rows={"work_orders": [{"id": 1}]})
            await peer.socket.close(4400)

        async def second(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer, 6, 2)

        return first, second

    async with serving(make) as server, server.view() as view:
        await next_of(view, Snapshot)
        assert list(view.rows("work_orders")) == [2]
    assert [join["from"] for join in server.joins] == ["snapshot", "snapshot"]


@pytest.mark.parametrize("reason", ["trimmed", "policy", "a reason of a newer server"])
async def test_told_to_refetch_it_forgets_and_joins_again_on_the_same_socket(reason: str) -> None:
    """A thousand screens that are told so do not all connect again."""

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            asked = await server.accept(peer)
            await picture(peer, 5, 1)
            await peer.push("must_refetch", reason=reason, code="must_refetch", hint="Join again.")
            await peer.end_topic(asked, "phx_error")
            await server.accept(peer)
            await picture(peer, 3, 2)

        return (script,)

    async with serving(make) as server, server.view() as view:
        forgotten = await next_of(view, Forgotten)
        assert (forgotten.reason, forgotten.error.code, forgotten.final) == (reason, "must_refetch", False)
        assert dict(view.rows("work_orders")) == {}
        assert (await next_of(view, Snapshot)).tick == 3
        assert list(view.rows("work_orders")) == [2]
    assert [join["from"] for join in server.joins] == ["snapshot", "snapshot"]


async def test_a_cursor_that_is_refused_at_the_join_is_forgotten() -> None:
    """Away for too long: the same step as live."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer, 5, 1)
            await peer.socket.close(4400)

        async def second(peer: Peer) -> None:
            await server.refuse(peer, code="must_refetch", reason="trimmed")
            await server.accept(peer)
            await picture(peer, 50, 2)

        return first, second

    async with serving(make) as server, server.view() as view:
        assert (await next_of(view, Forgotten)).reason == "trimmed"
        await next_of(view, Snapshot)
    assert [join["from"] for join in server.joins] == ["snapshot", "c5", "snapshot"]


async def test_withdrawn_access_is_told_and_then_it_is_over() -> None:
    """Nothing is left, and the iteration ends as one that is complete."""

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            asked = await server.accept(peer)
            await picture(peer, 5, 1)
            await peer.push("revoked", code="revoked", reason="revoked: Withdrawn.")
            await peer.end_topic(asked, "phx_close")

        return (script,)

    async with serving(make) as server, server.view() as view:
        assert await everything(view) == ["Joined", "Snapshot", "Forgotten"]
        assert dict(view.rows("work_orders")) == {}
        assert await everything(view) == []


async def test_access_withdrawn_while_away_ends_in_the_same_way() -> None:
    """The join is refused, to one who was in."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer, 5, 1)
            await peer.socket.close(4402)

        async def second(peer: Peer) -> None:
            await server.refuse(peer, code="forbidden", reason="forbidden: no")

        return first, second

    async with serving(make) as server, server.view() as view:
        kinds = await everything(view)
    assert kinds == ["Joined", "Snapshot", "Waiting", "Forgotten"]


async def test_who_never_was_in_is_refused() -> None:
    """Trying again would only be noise; and it stays refused."""

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            await server.refuse(peer, code="forbidden", reason="forbidden: no")

        return (script,)

    async with serving(make) as server, server.view() as view:
        for _ in range(2):
            with pytest.raises(ClientError, match="forbidden"):
                await anext(view)
    assert len(server.joins) == 1


async def test_a_refusal_that_passes_is_waited_for_as_long_as_it_says() -> None:
    """On the same socket."""

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            await server.refuse(peer, code="too_many_joins", reason="too_many_joins: Later.", retry_after_ms=5)
            await server.accept(peer)
            await picture(peer)

        return (script,)

    async with serving(make) as server, server.view() as view:
        waiting = await anext(view)
        assert isinstance(waiting, Waiting)
        assert (waiting.error.code, waiting.seconds) == ("too_many_joins", 0.005)
        await next_of(view, Snapshot)


async def test_nobody_at_the_address_is_tried_again() -> None:
    """A gateway that is being restarted is not there for a moment."""
    async with Server().view() as view:
        codes = [(await next_of(view, Waiting)).error.code for _ in range(3)]
    assert codes == ["unreachable"] * 3


async def test_waits_grow_with_each_failure_and_begin_anew_after_a_step() -> None:
    """A server that is down for an hour is not asked ten times a second."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            for _ in range(2):
                await server.refuse(peer, code="not_ready", reason="not_ready: no")
            await server.accept(peer)
            await picture(peer)
            await peer.socket.close()

        async def second(peer: Peer) -> None:
            await server.refuse(peer, code="not_ready", reason="not_ready: no")

        return first, second

    class Little(Random):
        """Draws short waits."""

        def random(self) -> float:
            """Return what makes a thousandth of the longest wait."""
            return 0.001

    waits = []
    async with serving(make) as server, server.view(random=Little()) as view:
        while len(waits) < 4:
            waits.append(round((await next_of(view, Waiting)).seconds * 1000))
    assert waits == [3, 6, 1, 6]


async def test_what_does_not_follow_is_asked_for_again() -> None:
    """A part is missing: rather a new joining than a gap."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer)
            await tick(peer, 6, part=2, end=True)

        async def second(peer: Peer) -> None:
            await server.accept(peer)
            await tick(peer, 6)

        return first, second

    async with serving(make) as server, server.view() as view:
        assert (await next_of(view, Waiting)).error.code == "out_of_step"
        assert (await next_of(view, Changes)).tick == 6
    assert [join["from"] for join in server.joins] == ["snapshot", "c5"]


async def test_a_cancelled_wait_loses_nothing() -> None:
    """Neither while it connects nor while it listens: `asyncio.timeout` around `anext` is safe."""
    may_answer = asyncio.Event()

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            asked = await peer.receive()
            server.joins.append(asked[4])
            await may_answer.wait()
            await peer.reply(asked, position="5-0", tables=["work_orders"], keys=KEYS, cursor=None)
            await peer.receive()  # A second join would arrive here, and end the test.

        return (script,)

    async with serving(make) as server, server.view() as view:
        while not server.joins:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(view)
        may_answer.set()
        assert isinstance(await anext(view), Joined)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(view)
    assert len(server.joins) == 1


async def test_a_consumer_that_stops_reading_slows_the_server() -> None:
    """What waits is bounded; the server sees that nobody reads, and nothing is lost."""
    sent = 0
    full = asyncio.Event()

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            nonlocal sent
            await server.accept(peer)
            await picture(peer)
            for number in range(6, 300):
                try:
                    async with asyncio.timeout(None if full.is_set() else 0.5 * UNIT):
                        await tick(peer, number, filler="x" * 100_000)
                except TimeoutError:
                    full.set()
                sent = number

        return (script,)

    async with serving(make) as server, server.view() as view:
        await next_of(view, Joined)
        async with asyncio.timeout(20 * UNIT):
            await full.wait()
            assert sent < 299
            async for event in view:
                if isinstance(event, Changes) and event.tick == 299:
                    break
        assert list(view.rows("work_orders")) == list(range(6, 300))


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


async def test_a_token_that_expires_is_renewed_where_one_can_be_made() -> None:
    """Once there is a joining to say it on, without a loss; who makes tokens may be away for a moment."""
    made: list[str] = []

    async def make_token() -> str:
        made.append(f"token {len(made)}")
        if len(made) == 2:
            raise ConnectionRefusedError("the sign-in is away")
        return made[-1]

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            await peer.socket.send('[null,null,"phoenix","token_expiring",{"expires_at":0,"in_seconds":30}]')
            await server.accept(peer)
            renewal = await peer.receive()
            assert renewal[2:] == [TOPIC, "access_token", {"access_token": "token 2"}]
            await picture(peer)

        return (script,)

    async with serving(make) as server, server.view(token=make_token) as view:
        await next_of(view, Snapshot)
    assert len(server.joins) == 1


async def test_an_expired_token_that_cannot_be_renewed_is_the_end() -> None:
    """It would be refused for ever."""

    def check(socket: ServerConnection, _: Request) -> Response:
        return socket.respond(HTTPStatus.UNAUTHORIZED, json.dumps({"code": "token_expired", "error": "Expired."}))

    async with serving(lambda _: (Server().play,), check) as server:
        async with server.view() as view:
            with pytest.raises(ClientError, match="token_expired"):
                await anext(view)
        async with server.view(token=lambda: "fresh") as view:
            assert isinstance(await anext(view), Waiting)


async def test_a_fault_in_making_tokens_is_the_callers() -> None:
    """It is not hidden behind endless attempts."""

    def broken() -> str:
        raise LookupError("no such account")

    async with Server().view(token=broken) as view:
        with pytest.raises(LookupError):
            await anext(view)


@pytest.mark.parametrize("after", [20, 100_000])
async def test_a_gateway_that_drains_is_left_when_it_says(after: int) -> None:
    """Or when it closes the socket before; what was sent is told first, the cursor goes along."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer)
            await peer.socket.send(f'[null,null,"phoenix","draining",{{"after_ms":{after}}}]')
            await tick(peer, 6)
            if after > 1000:
                await peer.socket.close(1012)

        async def second(peer: Peer) -> None:
            await server.accept(peer)
            await tick(peer, 7)

        return first, second

    async with serving(make) as server, server.view(random=Random(1)) as view:
        waiting = await next_of(view, Waiting)
        assert (waiting.error.code, waiting.seconds) == ("shutting_down", 0)
        assert (await next_of(view, Changes)).tick == 7
    assert [join["from"] for join in server.joins] == ["snapshot", "c6"]


async def test_a_join_that_leaves_one_unseen_says_so() -> None:
    """The warehouse is full of people; what happens there is told all the same."""

    def make(_: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            await peer.accept_join(
                presence={"tracked": False, "code": "presence_full"}, tables=["work_orders"], keys=KEYS
            )
            await picture(peer)

        return (script,)

    async with serving(make) as server, server.view(presence=True) as view:
        await view.track({"name": "Anna"})
        assert (await next_of(view, Refused)).error.code == "presence_full"
        await next_of(view, Snapshot)


async def test_presence_is_shown_again_after_a_loss() -> None:
    """In the warehouse by the join itself, at work orders behind it; refusals are told."""
    heard: list[Any] = []
    refused = asyncio.Event()

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await peer.push("presence_state", anna={"metas": [{"phx_ref": "1"}]})
            heard.extend([await peer.receive(), await peer.receive()])
            await peer.reply(heard[-1], "error", code="presence_full", reason="presence_full: no room")
            await refused.wait()
            await peer.socket.close(1012)

        async def second(peer: Peer) -> None:
            await server.accept(peer)
            heard.append(await peer.receive())
            await picture(peer)

        return first, second

    async with serving(make) as server, server.view(presence=True) as view:
        assert (await next_of(view, PresenceState)).present == {"anna": ({"phx_ref": "1"},)}
        assert view.present == {"anna": ({"phx_ref": "1"},)}
        await view.track({"name": "Anna"})
        await view.track({"doing": "repair"}, work_order="WO-1")
        assert (await next_of(view, Refused)).error.code == "presence_full"
        refused.set()
        await next_of(view, Snapshot)
        await view.untrack()
    with pytest.raises(ValueError, match="presence=True"):
        await WarehouseView("ws://plant", "token", "north").track()
    at_order = {"type": "presence", "event": "track", "payload": {"doing": "repair", "work_order": "WO-1"}}
    assert [frame[4] for frame in heard][1:] == [at_order, at_order]
    assert heard[0][3:] == ["presence", {"type": "presence", "event": "track", "payload": {"name": "Anna"}}]
    assert [join["presence"] for join in server.joins] == [True, {"meta": {"name": "Anna"}}]
