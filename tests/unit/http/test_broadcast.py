"""What is said in rooms by HTTP: who may, what arrives, and in which form refusals come."""

import contextlib
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import USER, a_token
from tests.unit.http.world import World

from floorcast.broadcast import Broadcast, Room
from floorcast.http.announcement import MOST_BYTES, Unsayable, read_batch
from floorcast.http.pace import Pace

_BATCH = "/realtime/v1/api/broadcast"
_SINGLE = "/api/broadcast/line%201/a/events/stop"
_MESSAGE = {"topic": "line 1", "event": "stop", "payload": {}}


async def _post(world: World, path: str = _BATCH, *, content: bytes = b"", **headers: str) -> httpx.Response:
    given = {"authorization": f"Bearer {a_token()}", "content-type": "application/json"}
    async with world.client() as client:
        sent = given | {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.post(path, content=content, headers=sent)


def _body(*messages: object) -> bytes:
    return json.dumps({"messages": messages}).encode()


@pytest.mark.parametrize("path", [_BATCH, "/api/broadcast"])
async def test_a_batch_is_said_in_its_order_with_every_digit(path: str) -> None:
    """A payload is told as it was written; 202 without a word says so."""
    world = World()
    content = (
        b' {"x":[{"messages":1}], "messages" : [{"payload": {"n": 1.50, "big":123456789012345678901, "t":"\\u00e9,]}"}'
        b',"topic":"line 1","event":"stop"},{"topic":"b","private":true,"event":"e","payload":{}}]}\n'
    )
    answer = await _post(world, path, content=content)
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    first = b'{"n": 1.50, "big":123456789012345678901, "t":"\\u00e9,]}"}'
    assert world.said == [
        (
            USER,
            [
                Broadcast(Room("line 1", private=False), "stop", first, text=True),
                Broadcast(Room("b", private=True), "e", b"{}", text=True),
            ],
        )
    ]


async def test_one_message_is_the_body_itself() -> None:
    """JSON as it was written, or any bytes; topics may have slashes."""
    world = World()
    assert (await _post(world, _SINGLE, content=b' {"n":1.0} ')).status_code == 202
    answer = await _post(world, _SINGLE + "?private=true", content=b"\0\xff", content_type="application/octet-stream")
    assert answer.status_code == 202
    assert [messages for _, messages in world.said] == [
        [Broadcast(Room("line 1/a", private=False), "stop", b'{"n":1.0}', text=True)],
        [Broadcast(Room("line 1/a", private=True), "stop", b"\0\xff", binary=True)],
    ]


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"authorization": f"Bearer {a_token()}"}, "", 202),
        ({"apikey": a_token()}, "", 202),
        ({"authorization": "", "apikey": a_token()}, "?vsn=2.0.0", 202),
        ({}, f"?apikey={a_token()}&vsn=1.0.0", 202),
        ({}, "", 401),
        ({"authorization": "Bearer nonsense", "apikey": a_token()}, "", 401),
    ],
)
async def test_a_token_is_found_where_clients_put_it(headers: dict[str, str], query: str, status: int) -> None:
    """A wrong one is not made good by another."""
    world = World()
    async with world.client() as client:
        kind = {"content-type": "application/json"}
        answer = await client.post(_BATCH + query, content=_body(_MESSAGE), headers=kind | headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.json() == {"message": "Unauthorized"}
        assert answer.headers["access-control-allow-origin"] == "*"
    assert len(world.said) == (status == 202)


_TOO_LONG = {"topic": ["should be at most 255 byte(s)"]}


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        (b"", {"body": ["is invalid"]}),
        (b"[]", {"body": ["is invalid"]}),
        (b'{"messages":[{]}', {"body": ["is invalid"]}),
        (b'{"messages":[]} x', {"body": ["is invalid"]}),
        (b'{"messages":[{"topic":"\xff"}]}', {"body": ["is invalid"]}),
        (b'{"messages":[{"payload":NaN}]}', {"body": ["is invalid"]}),
        (b'{"messages":' + b"[" * 100_000, {"body": ["is invalid"]}),
        (b'{"1":2,3:4}', {"body": ["is invalid"]}),
        (b"{}", {"messages": ["can't be blank"]}),
        (b'{"messages":{}}', {"messages": ["is invalid"]}),
        (_body(1), {"messages": [{"message": ["is invalid"]}]}),
        (_body(_MESSAGE, {}), {"messages": [{}, {f: ["can't be blank"] for f in ("topic", "event", "payload")}]}),
        (_body(_MESSAGE | {"payload": [1]}), {"messages": [{"payload": ["is invalid"]}]}),
        (_body(_MESSAGE | {"private": "yes"}), {"messages": [{"private": ["is invalid"]}]}),
        (_body(_MESSAGE | {"event": "\ud800"}), {"messages": [{"event": ["is invalid"]}]}),
        (_body(_MESSAGE | {"topic": "é" * 128}), {"messages": [_TOO_LONG]}),
        (
            _body(_MESSAGE | {"payload": {"x": "y" * MOST_BYTES}}),
            {"messages": [{"payload": [f"should be at most {MOST_BYTES} byte(s)"]}]},
        ),
    ],
)
async def test_what_cannot_be_said_is_named_field_by_field(content: bytes, errors: object) -> None:
    """And nothing of the batch is said."""
    world = World()
    answer = await _post(world, content=content)
    assert (answer.status_code, answer.json()) == (422, {"errors": errors})
    assert not world.said


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"[1]", "application/json"),
        (b"{} {}", "application/json"),
        (b"x" * (MOST_BYTES + 1), "application/octet-stream"),
    ],
)
async def test_one_message_has_the_same_limits(content: bytes, kind: str) -> None:
    """An object, and no larger than others."""
    answer = await _post(World(), _SINGLE, content=content, content_type=kind)
    assert answer.status_code == 422
    assert "payload" in answer.json()["errors"]


@pytest.mark.parametrize(("path", "kind"), [(_BATCH, "application/octet-stream"), (_SINGLE, "text/plain")])
async def test_another_kind_of_body_is_refused(path: str, kind: str) -> None:
    """415."""
    answer = await _post(World(), path, content=b"{}", content_type=kind)
    assert (answer.status_code, list(answer.json())) == (415, ["error"])


async def test_too_many_at_once_are_refused() -> None:
    """In Supabase's words."""
    world = World()
    assert (await _post(world, content=_body(*[_MESSAGE] * 100))).status_code == 202
    answer = await _post(world, content=_body(*[_MESSAGE] * 101))
    assert answer.status_code == 429
    assert answer.json() == {"message": "Too many messages to broadcast, please reduce the batch size"}


async def test_each_caller_has_his_pace() -> None:
    """One who says too much is told to wait; others are not."""
    world = World()
    kind = {"content-type": "application/json"}
    async with world.client(user_broadcasts_per_second=1.0) as client:
        mine = kind | {"authorization": f"Bearer {a_token()}"}
        assert (await client.post(_BATCH, content=_body(*[_MESSAGE] * 50), headers=mine)).status_code == 202
        answer = await client.post(_BATCH, content=_body(_MESSAGE), headers=mine)
        assert (answer.status_code, answer.json()) == (429, {"message": "You have exceeded your rate limit"})
        assert 40 <= int(answer.headers["retry-after"]) <= 50
        other = kind | {"authorization": f"Bearer {a_token(sub='00000000-0000-4000-8000-00000000000b')}"}
        assert (await client.post(_BATCH, content=_body(_MESSAGE), headers=other)).status_code == 202


async def test_nothing_is_taken_that_cannot_be_judged() -> None:
    """503: it was not said, and may be said again."""
    answer = await _post(World(away=True), content=_body(_MESSAGE))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize("path", [_BATCH, _SINGLE])
async def test_pages_of_other_places_may_ask(path: str) -> None:
    """A browser asks first, without a token."""
    async with World().client() as client:
        answer = await client.options(path, headers={"access-control-request-headers": "apikey,x-thing"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == "apikey,x-thing"
    assert "POST" in answer.headers["access-control-allow-methods"]


async def test_supabases_addresses_of_health_answer() -> None:
    """Load balancers that were set up for it ask there."""
    async with World().client() as client:
        assert (await client.get("/realtime/v1/api/ping")).json() == {"message": "Success"}
        assert (await client.get("/api/ping")).status_code == 200
        assert (await client.get("/healthcheck")).status_code == 200


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.text(max_size=4), _JSON, max_size=3), max_size=4), st.sampled_from([None, 1]))
def test_payloads_are_cut_where_they_stand(payloads: list[object], indent: int | None) -> None:
    """Whatever is in them."""
    messages = [{"payload": payload, "topic": "t", "event": "e"} for payload in payloads]
    said = read_batch(json.dumps({"messages": messages}, indent=indent).encode())
    assert [json.loads(each.payload) for each in said] == payloads


@given(st.text(alphabet='{}[]",:1 messagnull', max_size=60))
def test_no_text_is_a_fault_of_ours(text: str) -> None:
    """It says something, or is refused."""
    with contextlib.suppress(Unsayable):
        read_batch(text.encode())


def test_a_pace_forgets_those_who_are_quiet() -> None:
    """However many strangers there are."""
    pace = Pace(1.0)
    for number in range(30_000):
        pace.take(str(number), 1, 0.0)
    assert len(pace._full_at) <= 20_000
    assert pace.wait("29999", 0.0) == 0.0
    pace.take("29999", 10, 0.0)
    assert pace.wait("29999", 0.0) == 7.0
    for number in range(20_000):
        pace.take("x", 0, 1_000.0 + number)
    assert len(pace._full_at) <= 1
