"""How the page follows a gateway: its follower alone, in the browser, against a server that says what a test wants."""

import pytest
from tests.fixtures.page import Screen

pytestmark = pytest.mark.asyncio(loop_scope="module")


# A server behind WebSocket, told by the test what to say; and a follower that writes down what it hears.
FOLLOWER = """
    const sockets = [];
    globalThis.WebSocket = class {
        static OPEN = 1;
        readyState = 1;
        sent = [];
        constructor() { sockets.push(this); setTimeout(() => this.onopen()); }
        send(text) { const [joinRef, ref, topic, event, payload] = JSON.parse(text);
            if (event === "phx_join") this.sent.push({ ref, topic, payload }); }
        close() {}
        say(event, payload, joinRef = null, ref = null, topic = "warehouse:w") {
            this.onmessage({ data: JSON.stringify([joinRef, ref, topic, event, payload]) }); }
        answer(status, response) { const { ref } = this.sent.at(-1);
            this.say("phx_reply", { status, response }, ref, ref); }
    };
    const until = async (condition) => { while (!condition()) await new Promise((next) => setTimeout(next, 1)); };
    const asked = async (socket, joins) => {
        await until(() => sockets[socket]?.sent.length >= joins);
        return sockets[socket].sent[joins - 1].payload.from ?? "now"; };
    const ok = { role: "viewer", keys: { users: ["id"] } };
    Math.random = () => 0.001;
    const heard = [];
    const follower = new module.Follower({ token: "t", warehouse: "w", progressSeconds: 5, on: {
        picture: ({ rows, role }) => heard.push([role, rows]), changes: ({ changes }) => heard.push(changes),
        moved: () => {}, ended: (why, hint) => heard.push([why, hint]),
    } });
    const mark = () => follower.mark.state;
    const showPicture = async () => {
        await asked(sockets.length - 1, sockets.at(-1).sent.length);
        sockets.at(-1).say("snapshot", { part: 1, end: true, rows: { users: [] }, cursor: "c1" });
    };
    const begin = async () => {
        follower.start();
        await asked(0, 1);
        sockets[0].answer("ok", ok);
        await asked(0, 2);
        sockets[0].answer("ok", ok);
        await until(() => true);
        await showPicture();
    };
"""


async def test_after_a_loss_the_follower_goes_on_from_the_cursor_of_what_was_handed_on_whole(screen: Screen) -> None:
    """Half a tick is forgotten with its socket, and so is what a joining says after its end."""
    found = await screen.call(
        "follower.js",
        FOLLOWER
        + """
        await begin();
        sockets[0].say("changes", { tick: 2, changes: ["two"], cursor: "c2" });
        sockets[0].say("changes", { tick: 3, part: 1, end: false, changes: ["half"] });
        sockets[0].onclose({ code: 1006, reason: "" });
        const marks = [mark()];
        const from = await asked(1, 1);
        sockets[1].say("changes", { tick: 1, changes: ["early"], cursor: "wrong" });
        sockets[1].answer("ok", ok);
        await until(() => true);
        marks.push(mark());
        sockets[1].say("progress", { cursor: "c9" });
        marks.push(mark());
        sockets[1].say("draining", { after_ms: 1 }, null, null, "phoenix");
        return { heard, from, later: await asked(2, 1), marks };
        """,
    )
    assert found == {
        "heard": [["viewer", {"users": []}], ["two"]],
        "from": "c2",
        "later": "c9",
        "marks": ["reconnecting", "reconnecting", "live"],
    }


async def test_what_cannot_be_continued_begins_with_a_picture_on_the_same_socket(screen: Screen) -> None:
    """Said later, or in answer to a join; meanwhile what is shown stays."""
    found = await screen.call(
        "follower.js",
        FOLLOWER
        + """
        await begin();
        const froms = [];
        sockets[0].say("must_refetch", { reason: "policy", code: "must_refetch" });
        sockets[0].say("phx_error", {}, sockets[0].sent.at(-1).ref, sockets[0].sent.at(-1).ref);
        froms.push(await asked(0, 3));
        sockets[0].answer("ok", ok);
        froms.push(await asked(0, 4));
        sockets[0].answer("error", { code: "too_many_joins", retry_after_ms: 2 });
        froms.push("again", await asked(0, 5));
        sockets[0].answer("ok", ok);
        await until(() => true);
        sockets[0].say("snapshot", { part: 1, end: true, rows: { users: [1] }, cursor: "c4" });
        sockets[0].onclose({ code: 1006, reason: "" });
        froms.push(await asked(1, 1));
        sockets[1].answer("error", { code: "must_refetch", reason: "trimmed" });
        froms.push(await asked(1, 2));
        return { heard, froms, sockets: sockets.length };
        """,
    )
    assert found == {
        "heard": [["viewer", {"users": []}], ["viewer", {"users": [1]}]],
        "froms": ["now", "snapshot", "again", "snapshot", "c4", "now"],
        "sockets": 2,
    }


async def test_a_tick_that_is_too_large_for_a_page_is_answered_by_asking_for_a_picture(screen: Screen) -> None:
    """What is shown stays until that is there, and nothing of the tick is handed on."""
    script = """
        await begin();
        sockets[0].say("changes", { tick: 2, part: 1, end: false, changes: new Array(20001).fill(0) });
        const froms = [await asked(0, 3)];
        sockets[0].answer("ok", ok);
        froms.push(await asked(0, 4));
        return [heard.length, froms, sockets.length];
    """
    assert await screen.call("follower.js", FOLLOWER + script) == [1, ["now", "snapshot"], 1]


@pytest.mark.parametrize(
    ("code", "why"),
    [("forbidden", "forbidden"), ("picture_too_large", "refused"), ("token_expired", "token")],
)
async def test_what_only_a_person_can_change_ends_it(screen: Screen, code: str, why: str) -> None:
    """And is handed on to be said."""
    script = """
        follower.start();
        await asked(0, 1);
        sockets[0].answer("error", { code: values[0], reason: "R", hint: "H" });
        await until(() => heard.length);
        return heard[0][0];
    """
    assert await screen.call("follower.js", FOLLOWER + script, code) == why


async def test_withdrawn_access_ends_it_and_so_does_a_closed_topic(screen: Screen) -> None:
    """Nothing is asked for again: the server said that this would be in vain."""
    script = """
        await begin();
        sockets[0].say("revoked", { hint: "Forget." });
        sockets[0].onclose?.({ code: 1006, reason: "" });
        return [heard.at(-1), mark(), sockets.length];
    """
    assert await screen.call("follower.js", FOLLOWER + script) == [["revoked", "Forget."], "reconnecting", 1]
