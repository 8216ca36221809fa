"""The addresses of consumers: what a request may say, and what is answered to one that says something else."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route
from tests.builders import SECRET, a_token
from tests.unit.http.pigeonholes import Pigeonholes, a_page, a_row

from floorcast.access.claims import TokenVerifier
from floorcast.database.batches import LeaseGone, OwnerRefused
from floorcast.database.caller import Caller
from floorcast.database.consumers import ConsumerWish
from floorcast.envelope.row import ENVELOPES
from floorcast.errors import DatabaseUnavailable
from floorcast.http.application import _consumers
from floorcast.http.consumers import told_batch
from floorcast.http.problem import Refused, refuse

AT = "/v1/consumers/erp"


@pytest.fixture
def keeper() -> Pigeonholes:
    """One that answers."""
    return Pigeonholes()


@pytest.fixture
async def client(keeper: Pigeonholes) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with a token."""
    routes: list[Route] = _consumers(keeper, TokenVerifier(secret=SECRET, audience="authenticated"))
    application = Starlette(routes=routes, exception_handlers={Refused: refuse})
    headers = {"authorization": f"Bearer {a_token(sub=str(uuid4()))}"}
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://floorcast", headers=headers) as client:
        yield client


async def test_each_address_asks_for_what_it_says(client: httpx.AsyncClient, keeper: Pigeonholes) -> None:
    """In the caller's name; nothing is kept in a cache."""
    wish = {
        "warehouses": ["w"],
        "tables": ["lathes"],
        "columns": {"lathes": ["id"]},
        "shares": 3,
        "keep_seconds": 3600,
        "attempts": 2,
        "envelope": "debezium",
    }
    keeper.pages = [[a_row()]]
    answers = [
        await client.put(AT, json=wish),
        await client.get("/v1/consumers"),
        await client.get(AT),
        await client.post(f"{AT}/pull", json={"changes": 5, "worker": "me", "seconds": 9, "share": 0}),
        await client.post(f"{AT}/ack", json={"batch": "b", "rejected": [{"id": "i:7-1", "reason": "no"}]}),
        await client.post(f"{AT}/hold", json={"batch": "b", "seconds": 9}),
        await client.post(f"{AT}/move", json={"tick": 5}),
        await client.post(f"{AT}/move", json={"at": "2026-01-01T00:00:00Z"}),
        await client.post(f"{AT}/move"),
        await client.post(f"{AT}/move", json={"cursor": "c"}),
        await client.get(f"{AT}/parked", params={"after": 2, "changes": 10}),
        await client.post(f"{AT}/parked/replay", json={"id": 3}),
        await client.post(f"{AT}/parked/replay"),
        await client.delete(f"{AT}/parked/3"),
        await client.delete(AT),
    ]
    assert [answer.status_code for answer in answers] == [200] * 13 + [204] * 2
    assert all(answer.headers["cache-control"] == "no-store" for answer in answers)
    role = "authenticated"
    assert keeper.asked == [
        ("put", role, "erp", ConsumerWish(["w"], ["lathes"], {"lathes": ["id"]}, 3, 3600.0, 2, "debezium")),
        ("listed", role, "erp"),
        ("listed", role, None),
        ("listed", role, "erp"),
        ("listed", role, "erp"),
        ("next_batch", role, "erp", 0, 5, "me", 9),
        ("ack", role, "erp", "b", {"i:7-1": "no"}),
        ("hold", role, "erp", "b", 9),
        ("move", role, "erp", 5, None),
        ("move", role, "erp", None, "2026-01-01T00:00:00Z"),
        ("move", role, "erp", None, None),
        ("move_to_cursor", role, "erp", "c"),
        ("parked", role, "erp", 2, 10),
        ("replay", role, "erp", 3),
        ("replay", role, "erp", None),
        ("drop", role, "erp", 3),
        ("remove", role, "erp"),
    ]
    assert '"new":{"weight":183.0500}' in answers[10].text, "digit for digit"


async def test_a_batch_is_told_digit_for_digit_and_a_large_one_in_pages(
    client: httpx.AsyncClient, keeper: Pigeonholes
) -> None:
    """As one object, whatever its size; what it was read from is closed."""
    keeper.pages = [a_page(), [a_row(2_000)]]
    answer = await client.post(f"{AT}/pull")
    said = answer.json()
    assert (said["batch"], said["share"], len(said["changes"])) == ("b", 0, 1_001)
    assert [said["changes"][at]["id"] for at in (0, 999, 1_000)] == ["i:7-1", "i:7-1000", "i:7-2000"]
    assert '"weight":183.0500' in answer.text
    assert keeper.closed == 1


async def test_a_batch_that_breaks_off_is_no_json(keeper: Pigeonholes) -> None:
    """Nobody can take the first page for all of it."""
    keeper.pages = [a_page(), psycopg.OperationalError("gone")]
    sent: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message.get("body", b""))

    batch = await keeper.next_batch(Caller("service_role", "{}"), "erp", None, most=1, worker="", seconds=1)
    assert batch is not None
    scope = {"type": "http", "method": "POST", "asgi": {"spec_version": "2.4"}}
    with pytest.raises(DatabaseUnavailable):
        await StreamingResponse(told_batch(batch, ENVELOPES["native"]))(scope, receive, send)
    assert len(sent) > 1
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(b"".join(sent))
    assert keeper.closed == 1


async def test_nothing_due_is_an_empty_answer(client: httpx.AsyncClient) -> None:
    """And no empty batch that would have to be acknowledged."""
    answer = await client.post(f"{AT}/pull")
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    ("method", "path", "body", "named"),
    [
        ("PUT", "", {}, "warehouses"),
        ("PUT", "", {"warehouses": []}, "warehouses"),
        ("PUT", "", {"warehouses": ["w"], "tables": "lathes"}, "tables"),
        ("PUT", "", {"warehouses": ["w"], "columns": ["id"]}, "columns"),
        ("PUT", "", {"warehouses": ["w"], "envelope": "avro"}, "envelope"),
        ("PUT", "", {"warehouses": ["w"], "envelope": ["native"]}, "envelope"),
        ("PUT", "", {"warehouses": ["w"], "shares": 65}, "shares"),
        ("PUT", "", {"warehouses": ["w"], "keep_seconds": 1e9}, "keep_seconds"),
        ("PUT", "", {"warehouses": ["w"], "where": {}}, "where"),
        ("PUT", "", ["w"], "body"),
        ("POST", "/pull", {"changes": 0}, "changes"),
        ("POST", "/pull", {"changes": True}, "changes"),
        ("POST", "/pull", {"seconds": 4_000}, "seconds"),
        ("POST", "/pull", {"share": "0"}, "share"),
        ("POST", "/pull", {"worker": 5}, "worker"),
        ("POST", "/ack", {}, "batch"),
        ("POST", "/ack", {"batch": "b", "rejected": {"id": "x"}}, "rejected"),
        ("POST", "/ack", {"batch": "b", "rejected": [{"id": 5}]}, "rejected"),
        ("POST", "/ack", {"batch": "b", "rejected": [{"id": "x", "reason": 5}]}, "reason"),
        ("POST", "/hold", {"batch": 5}, "batch"),
        ("POST", "/move", {"tick": 5, "at": "2026-01-01"}, "tick, at, cursor"),
        ("POST", "/move", {"tick": 2**63}, "tick"),
        ("POST", "/move", {"at": 5}, "at"),
        ("POST", "/move", {"cursor": 5}, "cursor"),
        ("POST", "/move", {"cursor": "c", "tick": 5}, "tick, at, cursor"),
        ("GET", "/parked?after=x", None, "after"),
        ("GET", "/parked?changes=0", None, "changes"),
        ("POST", "/parked/replay", {"id": -1}, "id"),
        ("DELETE", "/parked/x", None, "id"),
        ("DELETE", f"/parked/{'9' * 400}", None, "id"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(  # noqa: PLR0917 — a row of the table
    client: httpx.AsyncClient, keeper: Pigeonholes, method: str, path: str, body: Any, named: str
) -> None:
    """And nothing is changed."""
    answer = await client.request(method, AT + path, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "bad_request"
    assert named in answer.json()["detail"]
    assert [what[0] for what in keeper.asked if what[0] != "listed"] == []


@pytest.mark.parametrize(
    ("refusal", "status", "code", "reason"),
    [
        (OwnerRefused("there is no consumer erp", "42501"), 403, "forbidden", None),
        (OwnerRefused("too old", "PT410", "trimmed"), 410, "must_refetch", "trimmed"),
        (OwnerRefused("invalid", "22023", "some detail"), 400, "bad_request", None),
        (LeaseGone(), 409, "batch_gone", None),
        (DatabaseUnavailable("Postgres is away."), 503, "unavailable", None),
    ],
)
async def test_refusals_have_their_codes(  # noqa: PLR0917 — a row of the table
    client: httpx.AsyncClient, keeper: Pigeonholes, refusal: Exception, status: int, code: str, reason: str | None
) -> None:
    """A position that is gone says why: loss cannot be overlooked."""
    keeper.refusal = refusal
    for path, body in (("/pull", {}), ("/ack", {"batch": "b"}), ("/move", {})):
        answer = await client.post(AT + path, json=body)
        assert (answer.status_code, answer.json()["code"], answer.json().get("reason")) == (status, code, reason)


async def test_what_is_not_there_is_refused(client: httpx.AsyncClient, keeper: Pigeonholes) -> None:
    """Whether it is somebody else's is not told."""
    keeper.there = False
    assert (await client.get(AT)).json()["code"] == "forbidden"
    assert (await client.delete(f"{AT}/parked/3")).json()["code"] == "not_found"


async def test_nobody_without_a_token_is_heard(client: httpx.AsyncClient, keeper: Pigeonholes) -> None:
    """Whatever the address."""
    for method, path in (
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/pull"),
        ("POST", "/ack"),
        ("POST", "/move"),
    ):
        answer = await client.request(method, AT + path, headers={"authorization": ""})
        assert answer.status_code == 401
    assert keeper.asked == []
