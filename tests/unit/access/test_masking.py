"""Hidden columns read as null, others are left out, and every other byte stays PostgreSQL's."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.access.masking import mask, pick

COST = frozenset({"cost"})


def test_what_is_hidden_is_null_and_the_rest_is_as_it_was() -> None:
    """Digits above all: a parser would make 183.0500 into 183.05."""
    row = b'{"cost":183.0500,"hours":183.0500,"serial":9007199254740993}'
    assert mask(row, COST) == b'{"cost":null,"hours":183.0500,"serial":9007199254740993}'


def test_what_is_picked_is_as_it_was_and_in_its_order() -> None:
    """As PostgreSQL would write a row of these columns."""
    row = b'{"cost":183.0500,"note":"a, \\"b\\": 1","hours":[1, {"cost":2}],"serial":9007199254740993}'
    assert pick(row, frozenset({"serial", "hours"})) == b'{"hours":[1, {"cost":2}],"serial":9007199254740993}'
    assert pick(row, frozenset({"nothing"})) == b"{}"


@pytest.mark.parametrize(
    "value", ["null", "-1.5e7", "true", '""', r'"a\"cost\":7"', "[]", '{"cost":[1,{"cost":"]}"}]}', '[[],{}, "}"]']
)
def test_a_value_of_any_kind_is_hidden_whole(value: str) -> None:
    """A profile is an object, an address is a text that may hold quotes and brackets."""
    row = f'{{"a":1,"cost":{value},"b":2}}'
    assert mask(row.encode(), COST) == b'{"a":1,"cost":null,"b":2}'


@pytest.mark.parametrize(
    "row",
    [
        b'{"id":1,"details":{"cost":1},"list":[{"cost":2}]}',
        b'{"note":"\\"cost\\":1, new: {\\"cost\\":1}"}',
        b'{"costs":1,"unit_cost":2,"Cost":3}',
        b"{}",
    ],
)
def test_the_same_name_elsewhere_is_left_alone(row: bytes) -> None:
    """Inside a column of JSON, in a text, as part of another name."""
    assert mask(row, COST) is row
    assert pick(row, COST) == b"{}"


def test_json_columns_are_as_somebody_wrote_them() -> None:
    """Type json keeps blanks and line ends."""
    row = b'{"d":{ "a" : [ 1 ,\n 2 ] } , "cost" :\t 1 ,"e": 2 }\n'
    assert mask(row, COST) == b'{"d":{ "a" : [ 1 ,\n 2 ] } , "cost" :\t null ,"e": 2 }\n'
    assert pick(row, COST) == b'{"cost" :\t 1}'


@pytest.mark.parametrize("row", [b"", b"[]", b'{"cost":1', b'{"a" 1}', b'{"a":}', b"{[1}"])
def test_what_is_not_a_row_is_not_passed_on(row: bytes) -> None:
    """Half understood is not masked; and the message shows nothing of it."""
    for view in (mask, pick):
        with pytest.raises(ValueError, match=r"not a JSON object as it should be, from byte \d+ on$"):
            view(row, COST)


names = (
    st.sampled_from(["cost", "email", "a", 'quo"ted', "back\\slash", "caf\u00e9", "new", "old", "tab\t"]) | st.text()
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@given(st.dictionaries(names, values, max_size=6), st.frozensets(names, min_size=1, max_size=4))
def test_both_are_what_a_parser_would_do(row: dict[str, Any], columns: frozenset[str]) -> None:
    """Against the naive model: parse, replace, write."""
    masked = {column: None if column in columns else value for column, value in row.items()}
    picked = {column: value for column, value in row.items() if column in columns}
    assert mask(_compact(row).encode(), columns).decode() == _compact(masked)
    assert pick(_compact(row).encode(), columns).decode() == _compact(picked)
    spread = json.dumps(row, ensure_ascii=False, indent=1).encode()
    assert json.loads(mask(spread, columns)) == masked
    assert json.loads(pick(spread, columns)) == picked
