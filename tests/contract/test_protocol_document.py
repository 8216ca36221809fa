"""docs/protocol.md says what the wire says: codes, events, answers."""

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest
from tests.contract.documents import ROOT, read, replace_table_after, table_after

import floorcast
from floorcast.codes import CODES, REFETCH_REASONS
from floorcast.gateway import wire
from floorcast.gateway.course import Reason

PROTOCOL = read("docs/protocol.md")
GATEWAY = Path(floorcast.__file__).parent / "gateway"


def test_every_code_is_listed_as_the_table_of_codes_has_it(pytestconfig: pytest.Config) -> None:
    """HTTP status, close code, sentences, and the three questions that a client asks."""
    rows = [
        (
            f"`{code.code}`",
            str(code.status or "–"),
            str(code.close or "–"),
            code.message,
            code.hint,
            "yes" if code.reconnect else "no",
            str(code.wait or "–"),
            "yes" if code.cursor_holds else "no",
        )
        for code in CODES.values()
    ]
    _is_generated("## Errors", rows, pytestconfig)


def test_every_reason_to_read_again_is_listed_as_the_table_of_reasons_has_it(pytestconfig: pytest.Config) -> None:
    """A client shows them to people who look them up."""
    rows = [(f"`{reason.reason}`", reason.message) for reason in REFETCH_REASONS.values()]
    _is_generated("### must_refetch", rows, pytestconfig)


def test_the_reasons_that_a_gateway_gives_are_in_the_table() -> None:
    """One that is not there would be a riddle to whoever gets it."""
    assert set(get_args(Reason)) <= set(REFETCH_REASONS)


def test_who_may_come_back_is_told_how_long_to_wait() -> None:
    """All that lose the same gateway come back at different moments, whatever the code was."""
    for code in CODES.values():
        assert code.reconnect == (code.wait is not None), code.code
        if code.wait is not None:
            assert 0 <= code.wait.least < code.wait.most, code.code


def test_close_codes_say_whether_to_come_back() -> None:
    """4000–4499 reconnect, 4500–4999 do not; 1011 and 1012 are the standard's and both mean come back."""
    for code in CODES.values():
        if code.close is not None and code.close >= 4000:
            assert code.reconnect == (code.close < 4500), code.code


def test_every_event_that_the_server_sends_is_listed() -> None:
    """Found in the code: whatever is pushed, encoded or ends a joining."""
    sent = {
        *get_args(wire.Ending),
        *_arguments("push", 2),
        *_arguments("encode", 3),
        *_arguments("_end", 1),
        *_arguments("_tell", 0),
    }
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


def _is_generated(heading: str, rows: Sequence[Sequence[str]], config: pytest.Config) -> None:
    """Compare the table after a heading with what it is made from; write it instead where that is asked for."""
    if config.getoption("--write-snapshot"):
        (ROOT / "docs/protocol.md").write_text(replace_table_after(read("docs/protocol.md"), heading, rows))
    expected = [list(row) for row in rows]
    assert table_after(read("docs/protocol.md"), heading) == expected, "docs/protocol.md: run `make snapshot`"


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
