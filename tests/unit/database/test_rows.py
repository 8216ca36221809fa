"""Statements are made of the catalogue's names and of quoted values; any name can be a table's."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.spools import a_request

from floorcast.database.picture_request import TableRead
from floorcast.database.rows import relation, rows_of
from floorcast.filter.reading import read_filter
from floorcast.shape import TableShape

names = st.text(alphabet='ab."%', min_size=1, max_size=5).filter(lambda name: "." in name or '"' not in name)
"""A name with a quote and without a dot is written without quotes, and could be half of another."""


def quote_ident(name: str) -> str:
    """As PostgreSQL's, for names that need it."""
    return '"' + name.replace('"', '""') + '"'


@given(schema=names, name=names)
def test_any_name_in_the_trail_is_found_again(schema: str, name: str) -> None:
    """As floorcast.table_name() writes it: quoted where a dot is inside, and only there."""
    written = quote_ident(name) if "." in name else name
    if schema == "public":
        schema = ""
    prefix = (quote_ident(schema) if "." in schema else schema) + "." if schema else ""
    assert relation(written) == ("public", name)
    assert relation(prefix + written) == (schema or "public", name)


SHAPE = TableShape("lists", {"id": "int4", "place": "uuid", "text": "text"}, ("id",), "warehouse", "place")


def statement(shape: TableShape = SHAPE, warehouse: str = "w", **vary: Any) -> str:
    """The statement for a trusted server."""
    read = TableRead(shape.table, shape, **vary)
    return rows_of(read, a_request(read, warehouse=warehouse), ()).as_string()


@pytest.mark.parametrize("place", ["w", "A2EAE59F-803D-5417-9786-F55FD4C5683F", "'; drop table users; --"])
def test_what_is_no_uuid_is_in_no_place_that_is_one(place: str) -> None:
    """It is nobody's mistake, so it is no error either: there are no such rows."""
    assert """"t"."place" = any ('{}'::"pg_catalog"."uuid"[])""" in statement(warehouse=place)


def test_values_are_quoted() -> None:
    """Whatever they are."""
    shape = TableShape("lists", {"id": "int4", "place": "text"}, ("id",), "warehouse", "place")
    assert """"t"."place" = '''; drop table users; --'::"pg_catalog"."text\"""" in statement(
        shape, "'; drop table users; --"
    )


def test_a_condition_keeps_its_values() -> None:
    """COPY takes no parameters, so each is written where its placeholder was."""
    shape = replace(SHAPE, columns={**SHAPE.columns, "50%": "text"})
    text = statement(shape, where=read_filter('"50%".gt."it\'s %(filter_1)s",id.in.(2,1)', shape))
    assert """"t"."50%"::text collate "C" > 'it''s %(filter_1)s'::text""" in text
    assert """"t"."id" = any('{1,2}'::int4[])""" in text
