"""The read before a join: who may ask, what is answered, in which form refusals come."""

import orjson
import pytest
from tests.builders import SECRET, USER, a_token
from tests.unit.http.world import World


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"authorization": f"Bearer {token}"}


async def test_warehouses_come_as_postgres_wrote_them_with_how_often_progress_is_told() -> None:
    """No digit is lost; and a screen that knows the interval knows when silence is stale."""
    async with World().client() as client:
        answer = await client.get("/v1/warehouses", headers=bearer(a_token()))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert b'"weight":183.0500' in answer.content
    assert orjson.loads(answer.content)["progress_seconds"] == 2.5


async def test_the_database_is_asked_with_the_verified_claims() -> None:
    """What auth.jwt() returns to the policies is the token, whole."""
    world = World()
    async with world.client() as client:
        answer = await client.get("/v1/warehouses", headers=bearer(a_token(tenant="t")))
    assert [warehouse["id"] for warehouse in answer.json()["warehouses"]] == ["w"]
    (caller,) = world.callers
    claims = orjson.loads(caller.claims)
    assert (caller.role, claims["sub"], claims["tenant"]) == ("authenticated", USER, "t")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "token_missing"),
        ({"authorization": "Basic dTpw"}, "token_missing"),
        ({"authorization": "Bearer "}, "token_missing"),
        (bearer("no.token.this"), "token_invalid"),
        (bearer(a_token(exp=1)), "token_expired"),
        (bearer(a_token(aud="others")), "token_invalid"),
        (bearer(a_token(secret=SECRET[::-1])), "token_invalid"),
    ],
)
async def test_without_a_good_token_nothing_is_read(headers: dict[str, str], code: str) -> None:
    """401 names the scheme, and the database is not even asked."""
    world = World()
    async with world.client() as client:
        answer = await client.get("/v1/warehouses", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == code
    assert answer.json()["hint"]
    assert world.callers == []


async def test_two_authorization_headers_are_none() -> None:
    """Which of them counted would depend on who reads."""
    async with World().client() as client:
        headers = [("authorization", f"Bearer {a_token()}")] * 2
        answer = await client.get("/v1/warehouses", headers=headers)
    assert answer.json()["code"] == "token_missing"


@pytest.mark.parametrize("claims", [{"role": "anon"}, {"sub": "not-a-uuid"}])
async def test_who_is_nobody_reads_nothing(claims: dict[str, str]) -> None:
    """`anon` sees no warehouse; people are named by the uuid that policies compare with."""
    world = World()
    async with world.client() as client:
        answer = await client.get("/v1/warehouses", headers=bearer(a_token(**claims)))
    assert (answer.status_code, answer.json()["code"], world.callers) == (403, "forbidden", [])


async def test_a_database_that_is_away_is_503_with_a_time_to_come_back() -> None:
    """The screen goes on trying."""
    async with World(away=True).client() as client:
        answer = await client.get("/v1/warehouses", headers=bearer(a_token()))
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "2")


async def test_a_fault_of_ours_tells_the_caller_nothing_about_us() -> None:
    """500, the same form, and none of the details."""
    async with World(broken=True).client() as client:
        answer = await client.get("/v1/warehouses", headers=bearer(a_token()))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
