"""What an answer means: taken, taken but for some, not now, nothing more."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.gateway.webhooks.answer import Answer, Failed, Gone, Taken, Unfit, Verdict, judge

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
IDS = ("i:7-1", "i:7-2")


def judged(status: int, body: bytes = b"", *, kind: str = "application/json", **headers: str) -> Verdict:
    """What comes of an answer to a message of two changes."""
    named = {"content-type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    return judge(Answer(status, named, body), IDS, NOW)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"ok", "text/plain"),
        (b"<p>Thank you", "text/html"),
        (b'{"rejected": [{"id": "x"}]}', "text/plain"),
        (b"{}", "application/json"),
        (b'"ok"', "application/json; charset=utf-8"),
        (b"null", "application/json"),
        (b'{"rejected": []}', "application/json"),
    ],
)
@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_success_is_taken(status: int, body: bytes, kind: str) -> None:
    """Most receivers answer with nothing, or with something for people."""
    assert judged(status, body, kind=kind) == Taken({})


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.erp+json; v=1", "APPLICATION/JSON"])
def test_some_may_be_rejected(kind: str) -> None:
    """Each with a reason, which is for people and no longer than they read."""
    body = b'{"rejected": [{"id": "i:7-2", "reason": "no such\\n item"}, {"id": "i:7-1"}]}'
    assert judged(200, body, kind=kind) == Taken({"i:7-2": "no such item", "i:7-1": "rejected"})
    long = b'{"rejected": [{"id": "i:7-2", "reason": "%s"}]}' % (b"x" * 9_000)
    verdict = judged(200, long)
    assert isinstance(verdict, Taken)
    assert len(verdict.rejected["i:7-2"]) == 500


@pytest.mark.parametrize(
    "body",
    [
        b'{"rejected": [{"id": "i:7-2"',
        b'{"rejected": {"id": "i:7-2"}}',
        b'{"rejected": ["i:7-2"]}',
        b'{"rejected": [{"id": 7}]}',
        b'{"rejected": null}',
        # It was not in this message; what was meant?
        b'{"rejected": [{"id": "7-2"}]}',
        b"[" * 100_000,
    ],
)
def test_a_rejection_that_is_not_understood_is_not_a_success(body: bytes) -> None:
    """To go on would lose whatever it was about."""
    assert isinstance(judged(200, body), Failed)


def test_an_answer_too_long_to_be_read_is_not_a_success() -> None:
    """What was rejected may stand behind the cut; a long page for people is none of our business."""
    assert isinstance(judge(Answer(200, {"content-type": "application/json"}, b"{}", cut=True), IDS, NOW), Failed)
    assert judge(Answer(200, {"content-type": "text/html"}, b"<p>", cut=True), IDS, NOW) == Taken({})


@pytest.mark.parametrize("status", [413, 422])
def test_what_cannot_be_processed_is_looked_for(status: int) -> None:
    """In smaller messages; one without changes has nothing to look for."""
    assert judged(status, b"no such item", kind="text/plain") == Unfit(f"answered {status}: no such item")
    assert isinstance(judge(Answer(status, {}, b""), (), NOW), Failed)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 409, 429, 500, 502, 503, 504, 599, 199])
def test_anything_else_is_not_now(status: int) -> None:
    """A wrong secret, a wrong path, a deployment: it is mended over there, and nothing is parked for it."""
    verdict = judged(status, b"oh\x00\x1b[31m no", kind="text/plain", retry_after="17")
    assert verdict == Failed(f"answered {status}: oh [31m no", 17.0)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """Where it leads is the receiver's choice, and nobody looked at it."""
    assert isinstance(judged(status, location="https://elsewhere.example/"), Failed)


def test_gone_is_gone() -> None:
    """The one answer that ends it."""
    assert judged(410) == Gone("answered 410")


@given(st.integers(100, 599), st.binary(max_size=80), st.sampled_from(["application/json", "text/plain", ""]))
def test_any_answer_has_a_meaning(status: int, body: bytes, kind: str) -> None:
    """And only a success is one."""
    verdict = judged(status, body, kind=kind)
    assert not isinstance(verdict, Taken) or 200 <= status < 300
