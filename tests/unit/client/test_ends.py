"""What follows an end: the table of codes says, for the server's codes and for a client's own."""

import json

import pytest

from floorcast.client import ends
from floorcast.codes import CODES
from floorcast.errors import ClientError


def test_the_table_of_codes_decides_who_may_return() -> None:
    """Only an expired token asks for more: one that can be renewed."""
    for code in CODES.values():
        if code.code != "token_expired":
            assert ends.may_return(ClientError(code.code, ""), renewable=False) is code.reconnect
    assert not ends.may_return(ClientError("token_expired", ""), renewable=False)
    assert ends.may_return(ClientError("token_expired", ""), renewable=True)


def test_a_code_of_a_newer_server_is_tried_again() -> None:
    """The cursor is kept; if it does not hold, the server will say so."""
    assert ends.may_return(ClientError("moonrise", ""), renewable=False)
    assert ends.known("moonrise").cursor_holds


def test_own_codes_are_none_of_the_servers() -> None:
    """Else two tables would say two things of one code."""
    assert not ends.OWN.keys() & CODES.keys()
    for code in ends.OWN.values():
        assert code.reconnect == (code.wait is not None)


def test_what_an_answer_says_of_waiting_counts() -> None:
    """Instead of the table's; within reason."""
    assert ends.seconds_before_return(ClientError("not_ready", "", retry_after_seconds=0.3), 0.5, 9) == 0.3
    assert ends.seconds_before_return(ClientError("not_ready", "", retry_after_seconds=-1), 0.5, 0) == 0
    assert ends.seconds_before_return(ClientError("not_ready", "", retry_after_seconds=1e9), 0.5, 0) == 3600
    assert ends.seconds_before_return(ClientError("not_ready", ""), 1.0, 0) == 3
    assert ends.seconds_before_return(ClientError("not_ready", ""), 1.0, 2) == 12
    assert ends.seconds_before_return(ClientError("unreachable", ""), 0.5, 1) == 1


def test_a_refused_join_is_read_with_its_hint_and_its_wait() -> None:
    """The bare reason stays beside the sentence."""
    error = ends.refused_reply(
        {"code": "too_busy", "reason": "too_busy: Later.", "hint": "Wait.", "retry_after_ms": 250}
    )
    assert (error.code, str(error), error.retry_after_seconds) == ("too_busy", "too_busy: Later. Wait.", 0.25)
    assert ends.refused_reply({"reason": "trimmed", "code": "must_refetch"}).reason == "trimmed"
    assert ends.refused_reply({}).code == "refused"


@pytest.mark.parametrize(
    ("status", "headers", "body", "code", "seconds"),
    [
        (503, {"Retry-After": "7"}, {"code": "not_ready", "error": "Not yet."}, "not_ready", 7),
        (
            503,
            {"Retry-After": "7"},
            {"code": "too_many_connections", "retry_after_ms": 500},
            "too_many_connections",
            0.5,
        ),
        (401, {}, "<html>", "token_invalid", None),
        (502, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, [], "refused", None),
    ],
)
def test_a_refused_handshake_is_read(
    status: int, headers: dict[str, str], body: object, code: str, seconds: float | None
) -> None:
    """Ours says a code; what a proxy says is tried again."""
    error = ends.refused_handshake(status, headers, json.dumps(body).encode() if body != "<html>" else b"<html>")
    assert (error.code, error.retry_after_seconds) == (code, seconds)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        *((code.close, code.code) for code in CODES.values() if code.close is not None),
        (4499, "connection_lost"),
        (4500, "closed_for_good"),
        (4999, "closed_for_good"),
        (1006, "connection_lost"),
        (None, "connection_lost"),
    ],
)
def test_a_close_code_has_a_name(number: int | None, code: str) -> None:
    """Those of a newer server say at least whether to come back."""
    assert ends.closed_socket(number, "").code == code
