"""The addresses of webhooks: what a request may say, and what is answered to one that says something else."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from tests.builders import SECRET, a_token
from tests.unit.http.keeper import Keeper

from floorcast.access.claims import TokenVerifier
from floorcast.database.batches import OwnerRefused
from floorcast.errors import DatabaseUnavailable
from floorcast.http.problem import Refused, refuse
from floorcast.http.webhooks import WebhookEndpoints

AT = "/v1/consumers/erp/webhook"


@pytest.fixture
def keeper() -> Keeper:
    """One that answers."""
    return Keeper()


@pytest.fixture
async def client(keeper: Keeper) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with a token."""
    endpoints = WebhookEndpoints(keeper, TokenVerifier(secret=SECRET, audience="authenticated"))
    application = Starlette(
        routes=[
            Route("/v1/consumers/{name}/webhook", endpoints.webhook, methods=["GET", "PUT", "DELETE"]),
            Route("/v1/consumers/{name}/rotate", endpoints.rotate, methods=["POST"]),
            Route("/v1/consumers/{name}/test", endpoints.ping, methods=["POST"]),
        ],
        exception_handlers={Refused: refuse},
    )
    headers = {"authorization": f"Bearer {a_token(sub=str(uuid4()))}"}
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://floorcast", headers=headers) as client:
        yield client


async def test_each_address_asks_for_what_it_says(client: httpx.AsyncClient, keeper: Keeper) -> None:
    """In the caller's name; nothing is kept in a cache."""
    answers = [
        await client.put(AT, json={"url": "https://erp.example/", "signature": "v1a", "changes": 5}),
        await client.put(AT, json={"url": "https://erp.example/"}),
        await client.get(AT),
        await client.post("/v1/consumers/erp/rotate"),
        await client.post("/v1/consumers/erp/rotate", json={"signature": "v1"}),
        await client.post("/v1/consumers/erp/test"),
        await client.delete(AT),
    ]
    assert [answer.status_code for answer in answers] == [200] * 6 + [204]
    assert all(answer.headers["cache-control"] == "no-store" for answer in answers)
    assert keeper.asked == [
        ("put", "authenticated", "erp", "https://erp.example/", "v1a", 5),
        ("put", "authenticated", "erp", "https://erp.example/", "v1", 100),
        ("show", "authenticated", "erp"),
        ("rotate", "authenticated", "erp", None),
        ("rotate", "authenticated", "erp", "v1"),
        ("ping", "authenticated", "erp"),
        ("remove", "authenticated", "erp"),
    ]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"", "url"),
        (b"{}", "url"),
        (b'{"url": 7}', "url"),
        (b'{"url": "https://erp.example/", "changes": 0}', "changes"),
        (b'{"url": "https://erp.example/", "changes": 1001}', "changes"),
        (b'{"url": "https://erp.example/", "changes": true}', "changes"),
        (b'{"url": "https://erp.example/", "signature": "md5"}', "signature"),
        (b'{"url": "https://erp.example/", "secret": "mine"}', "secret"),
        (b"[]", "object"),
        (b"{", "object"),
        (b"[" * 100_000, "object"),
    ],
)
async def test_a_body_that_is_wrong_is_refused_by_name(
    client: httpx.AsyncClient, keeper: Keeper, body: bytes, names: str
) -> None:
    """Before anybody is asked."""
    answer = await client.put(AT, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert names in answer.json()["detail"]
    assert keeper.asked == []


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (OwnerRefused("there is no consumer erp, or it is not yours", "42501"), 403, "forbidden"),
        (OwnerRefused("this consumer has no webhook", "P0002"), 404, "not_found"),
        (OwnerRefused("url: port 22 is not called", "22023"), 400, "bad_request"),
        (DatabaseUnavailable("Postgres is away."), 503, "unavailable"),
    ],
)
async def test_what_is_refused_has_a_code(
    client: httpx.AsyncClient, keeper: Keeper, refusal: Exception, status: int, code: str
) -> None:
    """From the one table of codes, at every address."""
    keeper.refusal = refusal
    for method, path in (("GET", AT), ("DELETE", AT), ("POST", "/v1/consumers/erp/rotate")):
        answer = await client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_nobody_without_a_token_is_answered(client: httpx.AsyncClient, keeper: Keeper) -> None:
    """Not even that there is such a consumer."""
    del client.headers["authorization"]
    for method, path in (("GET", AT), ("PUT", AT), ("DELETE", AT), ("POST", "/v1/consumers/erp/test")):
        assert (await client.request(method, path)).status_code == 401
    assert keeper.asked == []
