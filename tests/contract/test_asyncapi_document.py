"""docs/asyncapi.json: the protocol for machines, made from the code, and a document that AsyncAPI's tools can read."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator
from tests.contract.documents import ROOT
from tests.fixtures.frames import faults

from floorcast.protocol.asyncapi import document
from floorcast.protocol.messages import CLIENT, SERVER
from floorcast.protocol.schemas import SCHEMAS

DOCUMENT = ROOT / "docs" / "asyncapi.json"
SPECIFICATION = ROOT / "tests" / "contract" / "data" / "asyncapi-3.0.0.json"


def test_the_document_is_what_the_code_says(pytestconfig: pytest.Config) -> None:
    """Messages, payloads and codes are written down once."""
    current = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    if pytestconfig.getoption("--write-snapshot"):
        DOCUMENT.write_text(current)
    assert DOCUMENT.read_text() == current, "docs/asyncapi.json is out of date: run `make snapshot`"


def test_it_is_an_asyncapi_3_document() -> None:
    """By AsyncAPI's own schema, so that its tools draw it and make code from it."""
    validator = Draft7Validator(json.loads(SPECIFICATION.read_text()))
    assert [error.message[:300] for error in validator.iter_errors(json.loads(DOCUMENT.read_text()))] == []


def test_everything_that_it_names_is_there_and_everything_there_is_named() -> None:
    """A reference that leads nowhere is found by nobody until a tool breaks on it."""
    whole = json.loads(DOCUMENT.read_text())
    named = set(_references(whole))
    for reference in named:
        place: Any = whole
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    for kind, names in whole["components"].items():
        assert {f"#/components/{kind}/{name}" for name in names} <= named, kind


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_shape_is_a_schema(name: str) -> None:
    """Of draft 7, which is what AsyncAPI takes."""
    Draft7Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        ([None, None, "warehouse:a", "progress", {"position": "4-0", "at": "2026-11-23T10:11:12.345678+00:00"}], None),
        ([None, None, "warehouse:a", "progress", {"position": 4, "at": "2026-11-23T10:11:12+00:00"}], "position"),
        ([None, None, "warehouse:a", "progress", {"position": "4-0"}], "at"),
        ([None, None, "warehouse:a", "regress", {}], "regress"),
        ([None, None, "warehouse:a", "draining", {"after_ms": 5, "why": "?"}], "why"),
        (["1", "1", "warehouse:a", "phx_reply", {"status": "error", "response": {"code": "no such"}}], "code"),
        (["1", "1", "warehouse:a", "phx_join", {"from": "now", "slow": "never"}], "slow"),
        ({"topic": "warehouse:a"}, "array"),
    ],
)
def test_a_frame_that_is_not_as_documented_is_noticed(frame: object, fault: str | None) -> None:
    """Every frame that a flow test receives is looked at; this is how well."""
    found = faults(frame)
    assert (not found) if fault is None else any(fault in each for each in found)


def test_no_event_is_said_by_both_sides() -> None:
    """A name has one payload."""
    assert not CLIENT.keys() & SERVER.keys()


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
