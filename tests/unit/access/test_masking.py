"""Hidden columns read as null, and every other byte stays PostgreSQL's."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import a_change

from floorcast.access.masking import mask
from floorcast.operation import operations_of

COST = frozenset({"cost"})


def test_what_is_hidden_is_null_and_the_rest_is_as_it_was() -> None:
    """Digits above all: a parser would make 183.0500 into 183.05."""
    body = b'{"op":"update","new":{"cost":183.0500,"hours":183.0500,"serial":9007199254740993},"at":"x"}'
    assert (
        mask(body, COST) == b'{"op":"update","new":{"cost":null,"hours":183.0500,"serial":9007199254740993},"at":"x"}'
    )


def test_new_and_old_are_masked_both() -> None:
    """A deleted row is told with what it was."""
    assert mask(b'{"new":{"cost":1},"old":{"cost":2}}', COST) == b'{"new":{"cost":null},"old":{"cost":null}}'


@pytest.mark.parametrize(
    "value", ["null", "-1.5e7", "true", '""', r'"a\"cost\":7"', "[]", '{"cost":[1,{"cost":"]}"}]}', '[[],{}, "}"]']
)
def test_a_value_of_any_kind_is_hidden_whole(value: str) -> None:
    """A profile is an object, an address is a text that may hold quotes and brackets."""
    body = f'{{"new":{{"a":1,"cost":{value},"b":2}},"actor":"x"}}'
    assert mask(body.encode(), COST) == b'{"new":{"a":1,"cost":null,"b":2},"actor":"x"}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"key":{"cost":1},"new":{"id":1}}',
        b'{"new":{"details":{"cost":1},"list":[{"cost":2}]}}',
        b'{"new":{"note":"\\"cost\\":1, new: {\\"cost\\":1}"}}',
        b'{"cost":1,"new":null}',
        b'{"new":{"costs":1,"unit_cost":2,"Cost":3}}',
        b'{"op":"leave","key":{"id":1}}',
        b'{"new":{}}',
    ],
)
def test_the_same_name_elsewhere_is_left_alone(body: bytes) -> None:
    """In the key, inside a column of JSON, in a text, as part of another name."""
    assert mask(body, COST) is body


def test_json_columns_are_as_somebody_wrote_them() -> None:
    """Type json keeps blanks and line ends."""
    body = b'{ "new" : {"d":{ "a" : [ 1 ,\n 2 ] } , "cost" :\t 1 ,"e": 2 }\n}'
    assert mask(body, COST) == b'{ "new" : {"d":{ "a" : [ 1 ,\n 2 ] } , "cost" :\t null ,"e": 2 }\n}'


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"new":{"cost":1', b'{"new":{"a" 1}}', b'{"new":{"a":}}', b'{"new":[1}']
)
def test_what_is_not_a_body_is_not_passed_on(body: bytes) -> None:
    """Half understood is not masked; and the message shows nothing of it."""
    with pytest.raises(ValueError, match=r"not a JSON object as it should be, from byte \d+ on$"):
        mask(body, COST)


def test_the_body_of_an_operation_is_understood_as_it_comes() -> None:
    """The one that a change becomes."""
    (operation,) = operations_of(7, a_change(op="delete"))
    masked = orjson.loads(mask(operation.body, frozenset({"title", "status"})))
    body = orjson.loads(operation.body)
    assert masked == body | {"old": body["old"] | {"title": None, "status": None}}


names = (
    st.sampled_from(["cost", "email", "a", 'quo"ted', "back\\slash", "caf\u00e9", "new", "old", "tab\t"]) | st.text()
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
rows = st.dictionaries(names, values, max_size=6)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


bodies = st.fixed_dictionaries(
    {"op": st.just("x"), "key": rows, "new": rows, "x": values, "old": rows, "at": st.just("z")}
)


@given(bodies, st.frozensets(names, min_size=1, max_size=4))
def test_masking_is_what_a_parser_would_do(body: dict[str, Any], columns: frozenset[str]) -> None:
    """Against the naive model: parse, replace, write."""
    hidden = {
        name: {column: None if column in columns else value for column, value in body[name].items()}
        for name in ("new", "old")
    }
    assert mask(_compact(body).encode(), columns).decode() == _compact(body | hidden)
    spread = json.dumps(body, ensure_ascii=False, indent=1).encode()
    assert json.loads(mask(spread, columns)) == body | hidden
