"""docs/protocol.md says what the wire says: codes, events, answers."""

import ast
from pathlib import Path
from typing import get_args

from tests.contract.documents import read, table_after

import floorcast
from floorcast.errors import CODES
from floorcast.gateway import wire
from floorcast.gateway.course import Reason

PROTOCOL = read("docs/protocol.md")
GATEWAY = Path(floorcast.__file__).parent / "gateway"


def test_every_code_is_listed_as_the_table_of_errors_has_it() -> None:
    """HTTP status, close code, sentences, and the two questions that a client asks."""
    expected = [
        [
            f"`{code.code}`",
            str(code.status or "–"),
            str(code.close or "–"),
            code.message,
            code.hint,
            "yes" if code.reconnect else "no",
            "yes" if code.cursor_holds else "no",
        ]
        for code in CODES.values()
    ]
    assert table_after(PROTOCOL, "## Errors") == expected


def test_close_codes_say_whether_to_come_back() -> None:
    """4000–4499 reconnect, 4500–4999 do not; 1011 and 1012 are the standard's and both mean come back."""
    for code in CODES.values():
        if code.close is not None and code.close >= 4000:
            assert code.reconnect == (code.close < 4500), code.code


def test_every_event_that_the_server_sends_is_listed() -> None:
    """Found in the code: whatever is pushed, encoded or ends a joining."""
    sent = {*get_args(wire.Ending), *_arguments("push", 2), *_arguments("encode", 3), *_arguments("_end", 1)}
    assert {"changes", "progress", "phx_reply"} <= sent, "the code was reorganized: look for events elsewhere"
    assert {name.strip("`") for name, _ in table_after(PROTOCOL, "## What the server sends")} == sent


def test_every_event_that_a_client_may_send_is_listed() -> None:
    """Found in the session's `match`."""
    tree = ast.parse((GATEWAY / "session.py").read_text())
    understood = {
        pattern.value.value
        for case in ast.walk(tree)
        if isinstance(case, ast.match_case)
        for pattern in ast.walk(case.pattern)
        if isinstance(pattern, ast.MatchValue) and isinstance(pattern.value, ast.Constant)
    }
    listed = {name.strip("`") for name, *_ in table_after(PROTOCOL, "## What a client sends")}
    assert understood <= listed
    assert listed <= understood | {"heartbeat"}


def test_every_reason_to_read_again_is_listed() -> None:
    """A client shows them to people who look them up."""
    listed = {reason.strip("`") for reason, _ in table_after(PROTOCOL, "### must_refetch")}
    source = "".join(path.read_text() for path in GATEWAY.glob("*.py"))
    for reason in listed:
        assert f'"{reason}"' in source, reason
    assert set(get_args(Reason)) <= listed


def _arguments(function: str, place: int) -> set[str]:
    """String constants at a place among the arguments of every call of a function, anywhere in gateway/."""
    found: set[str] = set()
    for path in GATEWAY.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or len(call.args) <= place:
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            argument = call.args[place]
            if name == function and isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                found.add(argument.value)
    return found
