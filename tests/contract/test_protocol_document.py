"""docs/protocol.md says what the wire says: codes, events, answers."""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.contract.documents import ROOT, read, replace_table_after, table_after
from tests.fixtures.frames import faults

import floorcast
from floorcast.codes import CODES, REFETCH_REASONS
from floorcast.gateway import wire
from floorcast.gateway.course import Reason
from floorcast.protocol.messages import CLIENT, SERVER

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


def test_every_message_is_listed_as_the_protocol_has_it(pytestconfig: pytest.Config) -> None:
    """Of both sides."""
    sent = [(f"`{each.event}`", each.summary) for each in SERVER.values()]
    _is_generated("## What the server sends", sent, pytestconfig)
    understood = [(f"`{each.event}`", each.topic, each.summary, each.answer) for each in CLIENT.values()]
    _is_generated("## What a client sends", understood, pytestconfig)


def test_every_event_that_the_server_sends_is_in_the_protocol() -> None:
    """Found in the code: whatever is pushed, encoded or ends a joining."""
    calls = (("push", 2, 4), ("encode", 3, 5), ("_end", 1, 4), ("_tell", 0, 2))
    sent = {*get_args(wire.Ending), *(event for call in calls for event in _arguments(*call))}
    assert {"changes", "progress", "phx_reply"} <= sent, "the code was reorganized: look for events elsewhere"
    assert sent == SERVER.keys()


def test_every_event_that_a_client_may_send_is_in_the_protocol() -> None:
    """Found in the session's `match`."""
    tree = ast.parse((GATEWAY / "session.py").read_text())
    understood = {
        pattern.value.value
        for case in ast.walk(tree)
        if isinstance(case, ast.match_case)
        for pattern in ast.walk(case.pattern)
        if isinstance(pattern, ast.MatchValue) and isinstance(pattern.value, ast.Constant)
    }
    assert understood <= CLIENT.keys()


def test_every_frame_that_is_shown_is_one() -> None:
    """Whoever writes a client begins with copying them."""
    shown = [frame for block in re.findall(r"```json\n(.*?)```", PROTOCOL, re.DOTALL) for frame in _frames(block)]
    assert len(shown) > 10
    for frame in shown:
        assert faults(frame, asked="phx_join") == [], frame


def _frames(block: str) -> Iterator[list[Any]]:
    """Yield the frames of a block: those of its values that are arrays."""
    decoder, place = json.JSONDecoder(), 0
    while place < len(block.rstrip()):
        found, place = decoder.raw_decode(block, place)
        place += len(block[place:]) - len(block[place:].lstrip())
        if isinstance(found, list):
            yield found


def _is_generated(heading: str, rows: Sequence[Sequence[str]], config: pytest.Config) -> None:
    """Compare the table after a heading with what it is made from; write it instead where that is asked for."""
    if config.getoption("--write-snapshot"):
        (ROOT / "docs/protocol.md").write_text(replace_table_after(read("docs/protocol.md"), heading, rows))
    expected = [list(row) for row in rows]
    assert table_after(read("docs/protocol.md"), heading) == expected, "docs/protocol.md: run `make snapshot`"


def _arguments(function: str, place: int, count: int) -> set[str]:
    """String constants at a place among the so many arguments of every call of a function, anywhere in gateway/."""
    found: set[str] = set()
    for path in GATEWAY.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or len(call.args) != count:
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            argument = call.args[place]
            if name == function and isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                found.add(argument.value)
    return found
