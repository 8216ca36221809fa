"""database/conditions.py and filter/: a filter lets the same rows through in memory, as our SQL, and as anybody's SQL.

Each filter is asked three times: of the JSON that PostgreSQL wrote of a row, by our condition in SQL, and by SQL that
was written straight from the filter's words.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from tests.edge.sample import COLUMNS, ODD, SHAPE, STATEMENTS, Asked, clauses, joined, like
from tests.fixtures.postgres import Database

from floorcast.database.conditions import condition_sql
from floorcast.filter.condition import Condition, columns_of, negate
from floorcast.filter.index import Index
from floorcast.filter.matcher import compile_matcher
from floorcast.filter.reading import read_filter
from floorcast.filter.row import Row, read_row

Session = psycopg.Connection[tuple[Any, ...]]
Answers = list[bool | None]


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session with the table `sample`."""
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        for statement in STATEMENTS:
            connection.execute(statement)
        yield connection


def fill(session: Session, rows: Sequence[Mapping[str, str | None]]) -> None:
    """Have the table hold these rows, by number."""
    names = sql.SQL(", ").join([sql.Identifier(name) for name in COLUMNS])
    values = [sql.SQL("{}::text::" + column.made).format(sql.Placeholder()) for column in COLUMNS.values()]
    insert = sql.SQL("insert into sample (id, {}) values (%s, {})").format(names, sql.SQL(", ").join(values))
    session.execute("delete from sample")
    session.cursor().executemany(
        insert, [(number, *(row.get(name) for name in COLUMNS)) for number, row in enumerate(rows)]
    )


def answers(session: Session, conditions: Sequence[sql.Composable], parameters: dict[str, Any]) -> list[Answers]:
    """What each row says to each of the conditions."""
    query = sql.SQL("select array[{}] from sample as s order by id").format(sql.SQL(", ").join(conditions))
    return [row for (row,) in session.execute(query, parameters or None)]


def read(filter_: Asked) -> Condition:
    """Its condition, which is also that of its own text."""
    condition = read_filter(filter_.text, SHAPE)
    assert condition is not None
    assert read_filter(str(condition), SHAPE) == condition
    assert negate(negate(condition)) == condition
    assert columns_of(condition) <= COLUMNS.keys()
    return condition


def compare(session: Session, filters: Sequence[Asked], zone: str = "UTC") -> list[tuple[Row, Answers]]:
    """Ask every filter in all three ways, of the rows that there are; return what they agree upon."""
    conditions = [read(filter_) for filter_ in filters]
    parameters: dict[str, Any] = {}
    ours = [condition_sql(condition, parameters, "s") for condition in conditions]
    naive = answers(session, [filter_.naive for filter_ in filters], {})
    # A session may write moments as it likes, and read ours all the same.
    session.execute("select set_config('timezone', %s, false)", [zone])
    in_sql = answers(session, ours, parameters)
    written = [text for (text,) in session.execute("select row_to_json(s)::text from sample as s order by id")]
    session.execute("set timezone = 'UTC'")
    matchers = [compile_matcher(condition) for condition in conditions]
    rows = [read_row(text.encode()) for text in written]
    in_memory = [[matches(row) for matches in matchers] for row in rows]
    if not naive == in_sql == in_memory:
        for text, *each in zip(written, naive, in_sql, in_memory, strict=True):
            for filter_, *said in zip(filters, *each, strict=True):
                assert len(set(said)) == 1, (filter_.text, "naive, SQL, memory:", said, text[:2000])
    return list(zip(rows, in_memory, strict=True))


def test_every_operator_says_the_same_of_every_value(session: Session) -> None:
    """Of each type, of null, NaN and infinity, of times before Christ and numbers beyond a float."""
    pools = {name: column.rows() for name, column in COLUMNS.items()}
    longest = max(map(len, pools.values()))
    fill(session, [{name: pool[number % len(pool)] for name, pool in pools.items()} for number in range(longest)])
    for name in COLUMNS:
        said = {found for _, row in compare(session, [*clauses(name)], "America/St_Johns") for found in row}
        assert said >= ({True, False, None} if COLUMNS[name].values else {True, False})


def test_every_short_pattern_is_like_the_same_texts(session: Session) -> None:
    """All of them, so that no way for pieces to overlap or to be empty is left out."""
    fill(session, [{"word": "".join(letters)} for size in range(6) for letters in product("ab", repeat=size)])
    patterns = ["".join(signs) for size in range(5) for signs in product("ab%_", repeat=size)]
    found = [like("word", pattern) for pattern in patterns]
    compare(session, [Asked(f"word={text}", naive) for text, naive in found])


LEAVES = st.sampled_from([filter_ for name in COLUMNS for filter_ in clauses(name, separator=".")])
GROUPS = st.recursive(
    LEAVES,
    lambda items: (
        st.builds(joined, st.sampled_from(["and", "or"]), st.lists(items, min_size=1, max_size=4))
        | items.map(Asked.negated)
    ),
    max_leaves=8,
)
ROWS = st.fixed_dictionaries({name: st.sampled_from(column.rows()) for name, column in COLUMNS.items()})
ZONES = st.sampled_from(["UTC", "Asia/Kolkata", "Europe/Amsterdam"])


@settings(max_examples=40, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.lists(GROUPS, min_size=10, max_size=30), st.lists(ROWS, min_size=3, max_size=10), ZONES)
def test_groups_say_the_same_and_an_index_misses_nobody(
    session: Session, filters: list[Asked], rows: list[dict[str, str | None]], zone: str
) -> None:
    """And, or, not, with the unknown; and whom a change from one row to another concerns."""
    fill(session, rows)
    said = compare(session, filters, zone)
    index: Index[int] = Index()
    for number, filter_ in enumerate(filters):
        index.add(number, {"sample": read(filter_)})
    for (old, before), (new, after) in pairwise(said):
        sides = enumerate(zip(before, after, strict=True))
        expected = {number: (was is True, is_ is True) for number, (was, is_) in sides if was or is_}
        assert index.candidates("sample", old, new) == expected


def test_values_are_bound_and_text_is_compared_by_code_point() -> None:
    """Nobody's text becomes SQL. Under another collation a picture would order, or fold, as no gateway does."""
    parameters: dict[str, Any] = {"warehouse": "north"}
    filters = ("word=gt.'; drop table x", f'"{ODD.replace(chr(34), chr(92) + chr(34))}"=like.%x', "whole=in.(7)")
    rendered = [
        condition_sql(read(Asked(text, sql.SQL("true"))), parameters, alias).as_string()
        for text, alias in zip(filters, ("s", "s", None), strict=True)
    ]
    assert rendered == [
        '"s"."word"::text collate "C" > %(filter_1)s::text',
        '("s"."odd ""name"", (x)=."::text collate "C" like %(filter_2)s::text)',
        '("whole" = any(%(filter_3)s::int4[]))',
    ]
    assert parameters == {"warehouse": "north", "filter_1": "'; drop table x", "filter_2": "%x", "filter_3": ["7"]}
