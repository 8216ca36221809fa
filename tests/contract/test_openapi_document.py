"""docs/openapi.json: the HTTP addresses for machines, made from the code, and no address that is not there."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.routing import Route
from tests.contract.documents import ROOT
from tests.unit.http.world import World

from floorcast.codes import CODES
from floorcast.protocol.openapi import document

DOCUMENT = ROOT / "docs" / "openapi.json"


def test_the_document_is_what_the_code_says(pytestconfig: pytest.Config) -> None:
    """Addresses, answers and codes are written down once."""
    current = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    if pytestconfig.getoption("--write-snapshot"):
        DOCUMENT.write_text(current)
    assert DOCUMENT.read_text() == current, "docs/openapi.json is out of date: run `make snapshot`"


def test_every_address_is_in_the_document_and_every_one_there_is_an_address() -> None:
    """With its methods; HEAD goes with GET, and OPTIONS is for browsers."""
    served = {
        (re.sub(r":path}", "}", route.path), method)
        for route in World().application().routes
        if isinstance(route, Route) and re.search(r"/v1/(?!api/ping)|/api/broadcast", route.path)
        for method in (route.methods or ()) - {"HEAD", "OPTIONS"}
    }
    paths = document()["paths"]
    assert {(path, method.upper()) for path, methods in paths.items() for method in methods} == served


def test_everything_that_it_names_is_there_and_everything_there_is_named() -> None:
    """A reference that leads nowhere is found by nobody until a tool breaks on it."""
    whole = document()
    named = set(_references(whole))
    assert {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]} == named
    for schema in whole["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert set(whole["x-floorcast-codes"]) == set(CODES)


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
