"""The npm package in Chromium: a view that is kept in IndexedDB, what sleep and networks do to it, and the plug-in."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.fixtures.gateway import NORTH, Open, Stream, a_grant, a_token, an_operation
from tests.fixtures.page import NewScreen, Screen, serve_page
from tests.fixtures.proxy import OpenLink
from tests.fixtures.scripts import SCRIPTS
from tests.fixtures.time import UNIT

AT = "2026-11-23T10:20:00+00:00"

# A view, and what it told. Everything hangs on the window, so that a test can ask for it later.
VIEW = """
    globalThis.module = await import("/page/client/client.js");
    const { IndexedDbStorage } = await import("/page/client/storage.js");
    const { Socket } = await import("/page/vendor/phoenix.js");
    globalThis.told = [];
    globalThis.follow = () => {
        const storage = new IndexedDbStorage("kept");
        globalThis.client = new module.Client(Socket, { url: values[0], token: values[1], storage, random: () => 0 });
        globalThis.view = client.follow(values[2], { tables: ["work_orders"] });
        for (const event of ["picture", "changes", "fresh", "unkept", "ended"])
            view.on(event, (facts) => told.push({ event, ...facts }));
    };
    globalThis.inDatabase = async (mode, ask) => new Promise((resolve, reject) => {
        const opening = indexedDB.open("kept");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
            const transaction = opening.result.transaction("views", mode);
            const request = ask(transaction.objectStore("views"));
            transaction.oncomplete = () => { opening.result.close(); resolve(request.result); };
        };
    });
    await new Promise((ready) => { const opening = indexedDB.open("kept", 1);
        opening.onupgradeneeded = () => opening.result.createObjectStore("views");
        opening.onsuccess = () => { opening.result.close(); ready(); }; opening.onerror = ready; });
"""

# Nobody looks at the tab; and somebody does again.
HIDE = """
    for (const state of ["hidden", "visible"]) {
        Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }
"""


@dataclass
class Tab:
    """A window with a view in it."""

    screen: Screen
    empty: str
    values: list[str] = field(default_factory=list)

    async def follow(self, before: str = "") -> None:
        """Open the empty page, or open it again, and follow the north; `before` is run between the two."""
        await self.screen.page.goto(self.empty)
        await self.run(VIEW + before + "follow();")

    async def run(self, script: str) -> Any:
        """Run the body of an asynchronous function."""
        return await self.screen.page.evaluate(f"async (values) => {{ {script} }}", self.values)

    async def told(self, event: str, **facts: object) -> None:
        """Wait until the view told it."""
        await self.screen.page.wait_for_function(
            "wanted => told.some((each) => Object.entries(wanted).every(([name, value]) => each[name] === value))",
            arg={"event": event, **facts},
            timeout=10 * UNIT * 1000,
        )

    async def rows(self) -> list[Any]:
        """Key and text of each row."""
        rows: list[Any] = await self.run("return [...view.rows('work_orders')].map(([key, { text }]) => [key, text]);")
        return rows

    async def holds(self, key: int) -> None:
        """Wait until a row is there."""
        await self.screen.page.wait_for_function("key => view.rows('work_orders').has(key)", arg=key)

    async def kept(self) -> list[Any]:
        """What the database has."""
        found: list[Any] = await self.run("return await inDatabase('readonly', (views) => views.getAll());")
        return found

    def brought(self) -> list[str]:
        """The events of the frames that brought rows to this window, in their order."""
        return [json.loads(frame)[3] for frame in self.screen.frames if '"snapshot"' in frame or '"changes"' in frame]


@contextlib.asynccontextmanager
async def _signs(stream: Stream) -> AsyncIterator[None]:
    """Progress again and again, of which a gateway passes on what is due."""

    async def tell() -> None:
        while True:
            stream.progress(AT)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(tell())
    try:
        yield
    finally:
        task.cancel()


OpenTab = Callable[..., Awaitable[Tab]]


@pytest.fixture
def stream() -> Stream:
    """Bert is the manager of the north."""
    return Stream().granting(bert={NORTH: "manager"})


@pytest.fixture
async def tab(screens: NewScreen) -> AsyncIterator[OpenTab]:
    """Open a window for the gateway at an address; `beside=` another: in the same profile, with the same storage."""
    async with serve_page() as empty:

        async def open_tab(url: str, beside: Tab | None = None) -> Tab:
            screen = await screens()
            if beside is not None:
                await screen.page.close()
                page = await beside.screen.page.context.new_page()
                screen = Screen(page, screen.faults, screen.frames, screen.sockets)
            address = url.removesuffix("/realtime/v1/websocket")
            return Tab(screen, empty, [address, a_token("bert"), NORTH])

        yield open_tab


async def test_a_reload_goes_on_from_what_is_kept_and_reads_only_what_it_missed(
    open_gateway: Open, tab: OpenTab, stream: Stream
) -> None:
    """Rows and cursor were kept as one when the page went; one picture is enough for both visits."""
    place = await open_gateway(stream)
    place.past.rows = {"work_orders": [{"id": 1, "text": "first"}, {"id": 2, "text": "second"}]}
    here = await tab(place.url)
    await here.follow()
    await here.told("picture", kept=False)
    stream.close_tick(an_operation(3, op="enter", text="seen"))
    await here.holds(3)
    await here.run(HIDE)
    while len((await here.kept())[0]["rows"]["work_orders"]) < 3:
        pass
    await here.screen.page.goto("about:blank")
    await place.delivered(stream.close_tick(an_operation(1, op="leave")))
    stream.close_tick(an_operation(4, op="enter", text="missed"))
    here.screen.frames.clear()
    await here.follow()
    await here.told("picture", kept=True)
    await here.holds(4)
    assert await here.rows() == [[2, "second"], [3, "seen"], [4, "missed"]]
    assert len(place.past.asked) == 1
    assert here.brought() == ["changes", "changes"]


@pytest.mark.parametrize(
    ("how", "before"),
    [
        ("unavailable", "Object.defineProperty(globalThis, 'indexedDB', { get() { throw new Error('denied'); } });"),
        ("blocked", "IDBFactory.prototype.open = () => ({});"),
        ("full", "IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); };"),
    ],
)
async def test_a_storage_that_fails_is_told_of_and_memory_keeps_in_its_place(
    open_gateway: Open, tab: OpenTab, stream: Stream, how: str, before: str
) -> None:
    """A private window, another program's lock, a full disk: the view is as live as any."""
    place = await open_gateway(stream)
    place.past.rows = {"work_orders": [{"id": 1, "text": how}]}
    here = await tab(place.url)
    await here.follow(before)
    await here.told("picture", kept=False)
    await here.run(HIDE)
    await here.told("unkept")
    await here.run(
        "await view.close(); view = client.follow(values[2], { tables: ['work_orders'] }); "
        "view.on('picture', (facts) => told.push({ event: 'again', ...facts }));"
    )
    await here.told("again", kept=True)
    assert await here.rows() == [[1, how]]
    assert await here.run("return told.filter(({ event }) => event === 'unkept').length;") == 1
    assert len(place.past.asked) == 1


async def test_what_is_kept_and_spoilt_costs_a_picture(open_gateway: Open, tab: OpenTab, stream: Stream) -> None:
    """A cursor without its rows is worth nothing, and neither are rows of another shape."""
    place = await open_gateway(stream)
    place.past.rows = {"work_orders": [{"id": 1, "text": "read"}]}
    here = await tab(place.url)
    await here.follow()
    await here.told("picture", kept=False)
    await here.run("await client.close();")
    assert len(await here.kept()) == 1
    spoil = """await inDatabase("readwrite", (views) => views.put(
        { ...values.kept, rows: { work_orders: 7 } }, values.name));"""
    name = await here.run("return (await inDatabase('readonly', (views) => views.getAllKeys()))[0];")
    kept = (await here.kept())[0]
    await here.run(f"values = {{ name: {json.dumps(name)}, kept: {json.dumps(kept)} }}; {spoil}")
    await here.follow()
    await here.told("picture", kept=False)
    assert await here.rows() == [[1, "read"]]
    assert len(place.past.asked) == 2


async def test_a_tab_that_was_offline_or_asleep_says_so_and_comes_back(
    open_gateway: Open, tab: OpenTab, stream: Stream, proxy: OpenLink
) -> None:
    """A line that died unseen shows when the page wakes; what was missed comes once, without another picture."""
    place = await open_gateway(stream, progress_seconds=1)
    place.past.rows = {"work_orders": [{"id": 1, "text": "first"}]}
    link = await proxy(place.url)
    here = await tab(link.url)
    await here.follow()
    async with _signs(stream):
        await here.told("fresh", state="live")

    await here.run("told.length = 0;")
    await here.screen.page.context.set_offline(True)
    await link.cut()
    await here.told("fresh", state="reconnecting")
    await place.delivered(stream.close_tick(an_operation(2, op="enter", text="offline")))
    await link.heal()
    await here.screen.page.context.set_offline(False)
    await here.holds(2)
    async with _signs(stream):
        await here.told("fresh", state="live")

    # Frozen, as a browser does with tabs that nobody looks at: no timer runs and nothing is read.
    await here.run("told.length = 0;")
    control = await here.screen.page.context.new_cdp_session(here.screen.page)
    await control.send("Page.setWebLifecycleState", {"state": "frozen"})
    await link.cut()
    await place.delivered(stream.close_tick(an_operation(3, op="enter", text="asleep")))
    await link.heal()
    await control.send("Page.setWebLifecycleState", {"state": "active"})
    await here.holds(3)
    assert await here.rows() == [[1, "first"], [2, "offline"], [3, "asleep"]]
    assert len(place.past.asked) == 1


async def test_after_a_sleep_nothing_is_live_until_the_server_answers(
    open_gateway: Open, tab: OpenTab, stream: Stream
) -> None:
    """The clock ran on while no timer did; a frame that waited meanwhile proves nothing."""
    place = await open_gateway(stream, progress_seconds=1)
    here = await tab(place.url)
    await here.follow(
        "const send = WebSocket.prototype.send; globalThis.held = [];"
        "WebSocket.prototype.send = function (data) {"
        " if (globalThis.isHeld && data.includes('heartbeat')) held.push(() => send.call(this, data));"
        " else send.call(this, data); };"
    )
    async with _signs(stream):
        await here.told("fresh", state="live")
    await here.run(
        "told.length = 0; globalThis.isHeld = true;const now = Date.now; Date.now = () => now() + 3_600_000;"
    )
    await here.told("fresh", state="stale")
    stream.progress(AT)
    stream.close_tick(an_operation(9, op="enter", text="late"))
    await here.holds(9)
    assert await here.run("return view.freshness.state;") == "stale"
    here.screen.frames.clear()
    await here.run("globalThis.isHeld = false; for (const go of held) go();")
    await here.screen.hears('"phoenix"', "phx_reply")
    async with _signs(stream):
        await here.told("fresh", state="live")


async def test_withdrawn_access_empties_the_view_and_the_device_in_every_tab(
    open_gateway: Open, tab: OpenTab, stream: Stream
) -> None:
    """Two tabs share what is kept, each whole when it writes; neither brings back what is to be forgotten."""
    place = await open_gateway(stream)
    place.past.rows = {"work_orders": [{"id": 1, "text": "first"}]}
    one = await tab(place.url)
    await one.follow()
    await one.told("picture", kept=False)
    two = await tab(place.url, beside=one)
    await two.follow()
    await two.told("picture")
    for number in range(2, 6):
        stream.close_tick(an_operation(number, op="enter", text="x"))
        await one.holds(number)
        await one.run(HIDE)
        await two.holds(number)
        await two.run(HIDE)
    (kept,) = await one.kept()
    # Rows of one moment and its cursor, whoever wrote last.
    assert [row["id"] for row in kept["rows"]["work_orders"]] == [1, 2, 3, 4, 5]
    assert kept["cursor"] == await two.run(
        "await client.close(); return (await inDatabase('readonly', (views) => views.getAll()))[0].cursor;"
    )
    await two.follow()
    await two.told("picture", kept=True)

    stream.close_tick(a_grant("bert", NORTH, None, 1, was="manager"))
    for each in (one, two):
        await each.told("ended", why="revoked")
        assert await each.rows() == []
        await each.run(HIDE)
    assert await one.kept() == []
    await one.follow()
    await one.told("ended", why="forbidden")
    assert await one.run("return told.filter(({ event }) => event === 'picture').length;") == 0


async def test_the_plug_in_resumes_in_a_browser_too(
    open_gateway: Open, screens: NewScreen, stream: Stream, proxy: OpenLink
) -> None:
    """Supabase's client as it comes from npm: after a loss each change comes once, also the one that was missed."""
    if not (SCRIPTS / "node_modules/.floorcast").exists():
        pytest.skip("the JavaScript clients are not installed; tests/install_node.sh does that")
    place = await open_gateway(stream)
    link = await proxy(place.url)
    async with serve_page(SCRIPTS / "node_modules") as empty:
        here = await screens()
        await here.page.goto(empty)
        await here.page.evaluate(
            """async ([url, key]) => {
            const map = document.createElement("script");
            map.type = "importmap";
            map.textContent = JSON.stringify({ imports: {
                "@supabase/phoenix": "/modules/@supabase/phoenix/priv/static/phoenix.mjs" } });
            document.head.append(map);
            const { default: RealtimeClient } =
                await import("/modules/@supabase/realtime-js/dist/module/RealtimeClient.js");
            const { resuming } = await import("/page/client/realtime.js");
            globalThis.told = [];
            const client = new RealtimeClient(url, resuming({ params: { apikey: key }, reconnectAfterMs: () => 50 }));
            globalThis.channel = client.channel("floor")
                .on("postgres_changes", { event: "*", schema: "public", table: "work_orders" },
                    ({ new: row }) => told.push(row.id))
                .subscribe((status) => told.push(status));
            }""",
            [link.url.removesuffix("/websocket"), a_token("bert")],
        )
        await here.page.wait_for_function("told.includes('SUBSCRIBED')")
        stream.close_tick(an_operation(1))
        await here.page.wait_for_function("told.includes(1)")
        await link.cut()
        await place.delivered(stream.close_tick(an_operation(2)))
        await link.heal()
        await here.page.wait_for_function("told.includes(2)")
        stream.close_tick(an_operation(3))
        await here.page.wait_for_function("told.includes(3)")
        assert [each for each in await here.page.evaluate("told") if isinstance(each, int)] == [1, 2, 3]
