"""database/conditions.py and filter/: a filter lets the same rows through in memory, as our SQL, and as anybody's SQL.

Random filters over every type, on random rows that PostgreSQL keeps and writes. Each is asked three times: of the row's
JSON, by our condition in SQL, and by SQL written straight from the filter's words (`naive`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from tests.fixtures.postgres import Database

from floorcast.database.conditions import condition_sql
from floorcast.filter.condition import Condition, columns_of, negate
from floorcast.filter.index import Index
from floorcast.filter.matcher import compile_matcher
from floorcast.filter.reading import read_filter
from floorcast.filter.row import read_row
from floorcast.filter.syntax import OPERATORS
from floorcast.shape import TableShape

Session = psycopg.Connection[tuple[Any, ...]]

NUMBERS = ["0", "-0.0", "183.05", "183.0500", "-1.5", "1e3", "1000", "0.1", "NaN", "Infinity", "-Infinity", " 7 "]
WORDS = [
    "",
    "a",
    "A",
    "ab",
    "a b",
    "a,b",
    'say "hi"',
    "back\\slash",
    "(x)",
    "null",
    "Ä",
    "ä",
    "ß",
    "ÖL",
    "öl",
    "Ω",
    "ω",
]
WORDS += ["Жук", "жук", "z", "ﬀ", "日本", "😀", "50%", "5_0", "ab  ", "\t", "e\u0301", "é", "aaaaab", "line\nend"]
MOMENTS = ["2026-11-23T10:11:12+00:00", "2026-11-23 15:41:12+05:30", "2026-11-23T10:11:12.345678Z", "2026-11-23 00:00"]
MOMENTS += ["2026-11-23", "infinity", "-infinity", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31"]
MOMENTS += ["2024-02-29T23:59:59.1234567-03:30", "1900-01-01T00:00:00+00:19:32"]
ANCIENT = ["0044-03-15 12:00:00 BC", "0001-12-31 BC", "12026-11-23 10:11:12", "4713-01-01 BC", "0005-02-29 BC"]
LONG = ["9007199254740993", "9007199254740992"]
EXACT = [*LONG, "12345678901234567890.1234567890123456789", "12345678901234567890.123456789012345678"]

TYPES: dict[str, tuple[str, list[str], list[str]]] = {
    # Column → its type in SQL, values that rows and filters may have, and more that only rows have.
    "flag": ("bool", ["true", "f", "YES", "0", "of"], []),
    "small": ("int2", ["0", "-1", "+7", "32767", "-32768"], []),
    "whole": ("int4", ["0", "-1", "7", "2147483647"], []),
    "big": ("int8", ["0", "-1", *LONG, "-9223372036854775808"], []),
    "amount": ("numeric", [*NUMBERS, *EXACT], ["1" * 4400, "1e-400"]),
    "price": ("numeric(10, 2)", ["183.05", "183.0500", "-1.5", "0", "1e3", "0.10"], []),
    "ratio": ("float8", [*NUMBERS, *LONG, "1e300", "5e-324", "1.7976931348623157e308"], []),
    "part": ("float4", [*NUMBERS, "16777217", "16777216", "0.10000000149", "1e38", "1e-45"], []),
    "word": ("text", WORDS, []),
    "code": ("varchar(40)", WORDS, []),
    "pad": ("char(8)", WORDS, []),
    "label": ("label", WORDS, []),
    "state": ("mood", ["sad", "ok", "happy"], []),
    "ident": (
        "uuid",
        [
            "00000000-0000-0000-0000-000000000000",
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
            "{a0eebc999c0b4ef8bb6d6bb9bd380a11}",
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a12",
        ],
        [],
    ),
    "day": ("date", MOMENTS, [*ANCIENT, "5874897-12-31"]),
    "seen": ("timestamptz", MOMENTS, ANCIENT),
    "made": ("timestamp", MOMENTS, ANCIENT),
    "span": ("interval", [], ["1 day", "1 month"]),
    "doc": ("jsonb", [], ["null", "{}", '{"word": null}', "[" * 1500 + "]" * 1500]),
    "raw": ("json", [], [" null ", "[1, null]", "false"]),
    "names": ("text[]", [], ["{}", "{null}", '{"a,b"}']),
    "pair": ("pair", [], ["(,)", "(1,)"]),
    'odd "name", (x)=.': ("text", WORDS, []),
}
COMPARABLE = [column for column, (_, values, _) in TYPES.items() if values]
TEXTS = ["word", "code", "pad", "label", 'odd "name", (x)=.']

PATTERNS = [
    *(word.replace("\\", "\\\\") for word in WORDS),
    "%",
    "a%",
    "%b",
    "%a%",
    "_",
    "a_",
    "_%_",
    "%a_b%",
    "a%a_%b",
]
PATTERNS += ["\\%", "50\\%", "%\\_%", "\\a", "%\\\\%", "ä%", "_L", "%ж%", "%%", "", "a%%b", "%ab%ab", "aa%ab", "_%a%_b"]

ANY_TEXT = st.text("abAÄä%_ ", max_size=7)
ANY_PATTERN = st.lists(st.sampled_from(["a", "b", "A", "ä", "%", "_", "\\%", "\\_", "\\a"]), max_size=7).map("".join)

SYMBOLS = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter, and what somebody who knows SQL would have asked instead."""

    text: str
    naive: sql.Composable = field(repr=False)


def quoted(value: str) -> str:
    """As a filter quotes."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def clauses(draw: st.DrawFn) -> Asked:
    """One column with one operator; sometimes negated, in either way of writing it."""
    operator = draw(st.sampled_from([name for name in OPERATORS if not name.endswith("match")]))
    negated = draw(st.booleans())
    name = draw(st.sampled_from({"is": [*TYPES], "like": TEXTS, "ilike": TEXTS}.get(operator, COMPARABLE)))
    type_, values, _ = TYPES[name]
    column, collated = sql.Identifier(name), sql.SQL(' collate "C"' if name in TEXTS else "")
    if name == "state" and operator in {"lt", "lte", "gt", "gte"}:
        operator = "eq"
    typed = sql.SQL("{}::" + type_.split("(", maxsplit=1)[0].replace("char", "bpchar").replace("varbp", "var"))
    if operator == "in":
        listed = draw(st.lists(st.sampled_from(values), max_size=3))
        text = "(" + ",".join(map(quoted, listed)) + ")"
        literals = sql.SQL(", ").join([sql.SQL("{}").format(typed.format(value)) for value in listed])
        naive: sql.Composable = (
            sql.SQL("{}{} in ({})").format(column, collated, literals) if listed else sql.SQL("false")
        )
    elif operator == "is":
        words = ["null", "true", "false", "unknown"] if name == "flag" else ["null"]
        text = draw(st.sampled_from(words))
        naive = sql.SQL("(row_to_json(s)->>{}) is null" if text == "null" else "{} is " + text).format(
            name if text == "null" else column
        )
    elif operator in {"like", "ilike"}:
        pattern = draw(st.sampled_from(PATTERNS) | ANY_PATTERN)
        text = quoted(pattern)
        # Its idea of case is one letter for one letter, of every alphabet.
        collation = sql.SQL(' collate "C"' if operator == "like" else " collate pg_c_utf8")
        naive = sql.SQL("{}::text{} {} {}").format(column, collation, sql.SQL(operator), pattern)
    else:
        value = draw(st.sampled_from(values))
        text = quoted(value)
        symbol = sql.SQL(SYMBOLS.get(operator, "is distinct from"))
        naive = sql.SQL("{}{} {} {}").format(column, collated, symbol, typed.format(value))
    separator = draw(st.sampled_from(["=", "."]))
    written = name if name.isalpha() else quoted(name)
    text = f"{written}{separator}{'not.' if negated else ''}{operator}.{text}"
    return Asked(text, sql.SQL("(not ({}))" if negated else "({})").format(naive))


@st.composite
def groups(draw: st.DrawFn, items: st.SearchStrategy[Asked]) -> Asked:
    """Some of them joined."""
    joined, negated = draw(st.sampled_from(["and", "or"])), draw(st.booleans())
    parts = draw(st.lists(items, min_size=1, max_size=4))
    text = ("not." if negated else "") + f"{joined}({','.join(part.text for part in parts)})"
    naive = sql.SQL(f" {joined} ").join([part.naive for part in parts])
    return Asked(text, sql.SQL("(not ({}))" if negated else "({})").format(naive))


FILTERS = st.recursive(clauses(), groups, max_leaves=6)
ROWS = st.fixed_dictionaries(
    {
        name: st.none() | st.sampled_from([*values, *rare]) | (ANY_TEXT if name in TEXTS else st.nothing())
        for name, (_, values, rare) in TYPES.items()
    }
)
ZONES = st.sampled_from(["UTC", "Asia/Kolkata", "America/St_Johns", "Europe/Amsterdam"])


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session with the table `sample`."""
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        for statement in (
            "create domain label as varchar(60)",
            "create type mood as enum ('sad', 'ok', 'happy')",
            "create type pair as (a int, b int)",
        ):
            connection.execute(statement)
        columns = sql.SQL(", ").join(
            [sql.SQL("{} " + type_).format(sql.Identifier(name)) for name, (type_, _, _) in TYPES.items()]
        )
        connection.execute(sql.SQL("create table sample (id int primary key, {})").format(columns))
        yield connection


def the_shape() -> TableShape:
    """Of `sample`, as the catalogue would have it."""
    names = {"numeric(10, 2)": "numeric", "varchar(40)": "varchar", "char(8)": "bpchar", "label": "varchar"}
    types = {column: names.get(type_, type_) for column, (type_, _, _) in TYPES.items()}
    types |= {"state": "enum", "names": "_text", "pair": "public.pair"}
    return TableShape("sample", {"id": "int4"} | types, ("id",), "warehouse", "word")


def fill(session: Session, rows: list[dict[str, str | None]]) -> None:
    """Have the table hold these rows, by number."""
    columns = sql.SQL(", ").join([sql.Identifier(name) for name in TYPES])
    values = sql.SQL(", ").join(
        [sql.SQL("{}::text::" + type_).format(sql.Placeholder()) for type_, _, _ in TYPES.values()]
    )
    session.execute("delete from sample")
    insert = sql.SQL("insert into sample (id, {}) values (%s, {})").format(columns, values)
    session.cursor().executemany(insert, [(number, *(row[name] for name in TYPES)) for number, row in enumerate(rows)])


def asked(session: Session, conditions: list[sql.Composable], parameters: dict[str, Any]) -> list[list[bool | None]]:
    """What each row says to each of the conditions."""
    query = sql.SQL("select array[{}] from sample as s order by id").format(sql.SQL(", ").join(conditions))
    return [answers for (answers,) in session.execute(query, parameters or None)]


@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.lists(FILTERS, min_size=10, max_size=40), st.lists(ROWS, min_size=3, max_size=12), ZONES)
def test_a_filter_lets_the_same_rows_through_everywhere(
    session: Session, filters: list[Asked], rows: list[dict[str, str | None]], zone: str
) -> None:
    """Else a picture and the changes that follow it would be of different rows. And nobody is missing in an index."""
    fill(session, rows)
    conditions: list[Condition] = []
    for filter_ in filters:
        condition = read_filter(filter_.text, the_shape())
        assert condition is not None
        assert read_filter(str(condition), the_shape()) == condition
        assert negate(negate(condition)) == condition
        assert columns_of(condition) <= TYPES.keys()
        conditions.append(condition)
    parameters: dict[str, Any] = {}
    ours = [condition_sql(condition, parameters, "s") for condition in conditions]
    naive = asked(session, [filter_.naive for filter_ in filters], {})
    session.execute("select set_config('timezone', %s, false)", [zone])
    in_sql = asked(session, list[sql.Composable](ours), parameters)
    written = [
        read_row(row.encode()) for (row,) in session.execute("select row_to_json(s)::text from sample s order by id")
    ]
    session.execute("set timezone = 'UTC'")
    matchers = [compile_matcher(condition) for condition in conditions]
    in_memory = [[matcher(row) for matcher in matchers] for row in written]
    for row, *answers in zip(rows, naive, in_sql, in_memory, strict=True):
        for filter_, *each in zip(filters, *answers, strict=True):
            assert len(set(each)) == 1, (filter_.text, dict(zip(("naive", "SQL", "memory"), each, strict=True)), row)

    index: Index[int] = Index()
    for number, condition in enumerate(conditions):
        index.add(number, {"sample": condition})
    for (old, before), (new, after) in pairwise(zip(written, in_memory, strict=True)):
        expected = {
            number: (was is True, is_ is True)
            for number, (was, is_) in enumerate(zip(before, after, strict=True))
            if was or is_
        }
        assert index.candidates("sample", old, new) == expected
