"""Schemas and the OpenAPI document over HTTP: who may ask, what is answered, and what is not sent twice."""

import pytest
from tests.builders import USER, a_token
from tests.unit.http.world import World

TOKEN = {"authorization": f"Bearer {a_token()}"}
VERSION = "0123456789abcdef"
ADDRESS = f"/v1/schemas/lathes/{VERSION}"


async def test_tables_are_listed_with_their_versions() -> None:
    """For whom the token names."""
    world = World()
    async with world.client() as client:
        answer = await client.get("/v1/schemas", headers=TOKEN)
    assert answer.json() == {"tables": [{"table": "lathes", "version": VERSION, "schema": ADDRESS}]}
    assert world.askers == [("authenticated", USER)]
    assert answer.headers["vary"] == "Authorization"


async def test_a_schema_is_found_by_table_and_by_version_as_long_as_it_is_that() -> None:
    """Another version is not told as this one."""
    async with World().client() as client:
        newest = await client.get("/v1/schemas/lathes", headers=TOKEN)
        exact = await client.get(ADDRESS, headers=TOKEN)
        other = await client.get("/v1/schemas/lathes/ffffffffffffffff", headers=TOKEN)
        nowhere = await client.get("/v1/schemas/secrets", headers=TOKEN)
    assert newest.content == exact.content
    assert newest.headers["content-type"] == "application/schema+json"
    assert newest.headers["content-location"] == ADDRESS
    assert (other.status_code, nowhere.status_code) == (404, 404)
    assert VERSION in other.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/schemas", "/v1/schemas/lathes", ADDRESS, "/v1/openapi.json"])
async def test_what_somebody_has_is_not_sent_again(path: str) -> None:
    """304 by its ETag."""
    async with World().client() as client:
        first = await client.get(path, headers=TOKEN)
        again = await client.get(path, headers={**TOKEN, "if-none-match": f'"x", W/{first.headers["etag"]}'})
        other = await client.get(path, headers={**TOKEN, "if-none-match": '"x"'})
    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


async def test_without_a_token_no_schema_is_shown_and_the_document_is() -> None:
    """The document says nothing that is not public."""
    world = World()
    async with world.client() as client:
        assert (await client.get("/v1/schemas")).status_code == 401
        assert (await client.get("/v1/openapi.json")).json()["openapi"] == "3.1.0"
    assert world.askers == []


async def test_before_it_is_known_nobody_is_told_that_there_is_nothing() -> None:
    """503 with a time to come back, as when Postgres is away."""
    for world, code in ((World(unknown=True), "not_ready"), (World(away=True), "unavailable")):
        async with world.client() as client:
            answer = await client.get("/v1/schemas", headers=TOKEN)
        assert (answer.status_code, answer.json()["code"]) == (503, code)
        assert answer.headers["retry-after"]
