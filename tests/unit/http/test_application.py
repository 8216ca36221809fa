"""What holds for every address: bounds, security headers, forms of refusal."""

import pytest
from tests.unit.http.world import World


@pytest.mark.parametrize(
    "path", ["/", "/page/main.js", "/healthz", "/readyz", "/metrics", "/nowhere", "/v1/warehouses"]
)
async def test_every_answer_carries_the_security_headers(path: str) -> None:
    """Refusals too."""
    async with World().client() as client:
        headers = (await client.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


@pytest.mark.parametrize(
    "path", ["/nowhere", "/page/", "/page/../application.py", "/page/%2e%2e%2fguard.py", "/page/x.js"]
)
async def test_what_is_not_there_is_a_problem_with_a_code(path: str) -> None:
    """And nothing of the disk can be reached but the page's files."""
    async with World().client() as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() | {"detail": ""} == {
        "type": "urn:floorcast:error:not_found",
        "title": "There is nothing at this address.",
        "status": 404,
        "detail": "",
        "code": "not_found",
        "hint": "See docs/protocol.md for addresses.",
    }


@pytest.mark.parametrize("path", ["/", "/page/style.css", "/healthz", "/metrics"])
async def test_head_is_get_without_a_body(path: str) -> None:
    """Load balancers ask so."""
    async with World().client() as client:
        got, head = await client.get(path), await client.head(path)
    assert head.status_code == got.status_code == 200
    if path != "/metrics":  # its length is another one each time
        assert head.headers["content-length"] == got.headers["content-length"]


async def test_another_method_is_refused_and_told_which_there_are() -> None:
    """405 with Allow."""
    async with World().client() as client:
        answer = await client.post("/v1/warehouses")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/healthz?" + "x" * 2_049, {}),
        ("/healthz", {f"x-{n}": "1" for n in range(70)}),
        ("/healthz", {"authorization": "Bearer " + "x" * 16_384}),
    ],
)
async def test_what_is_too_large_is_refused_before_anything_is_done(path: str, headers: dict[str, str]) -> None:
    """Bounded, as everything that a stranger decides."""
    async with World().client() as client:
        answer = await client.get(path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (431, "handshake_too_large")


async def test_the_page_is_not_sent_twice() -> None:
    """A screen that reloads each night asks whether anything changed."""
    async with World().client() as client:
        first = await client.get("/")
        assert first.headers["cache-control"] == "no-cache"
        for etag in (first.headers["etag"], f'"other", W/{first.headers["etag"]}'):
            again = await client.get("/", headers={"if-none-match": etag})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
        other = await client.get("/", headers={"if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


async def test_the_page_brings_everything_itself() -> None:
    """No other server is asked for anything, and nothing stands inline that the policy would refuse."""
    async with World().client() as client:
        page = (await client.get("/")).text
        assert "http://" not in page
        assert "https://" not in page
        assert "<style" not in page
        assert " style=" not in page
        assert " on" + "click" not in page
        for name, kind in (("main.js", "text/javascript"), ("board.css", "text/css"), ("icon.svg", "image/svg+xml")):
            asset = await client.get(f"/page/{name}")
            assert asset.status_code == 200
            assert asset.headers["content-type"].startswith(kind)
