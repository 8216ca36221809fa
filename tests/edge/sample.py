"""A table with a column of every kind, values that are hard on each, and every clause that can be made of them.

Each clause comes with SQL written straight from its words (`naive`): what anybody would have asked PostgreSQL instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from psycopg import sql

from floorcast.shape import TableShape

NUMBERS = ["0", "-0.0", "183.05", "183.0500", "-1.5", "1e3", "1000", "0.1", "NaN", "Infinity", "-Infinity", " 7 "]
LONG = ["9007199254740993", "9007199254740992"]
EXACT = [*LONG, "12345678901234567890.1234567890123456789", "12345678901234567890.123456789012345678"]
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
    "z",
    "50%",
    "5_0",
    "ab  ",
    "aaaaab",
]
WORDS += ["Ä", "ä", "ß", "ÖL", "öl", "Ω", "ω", "Жук", "жук", "ﬀ", "日本", "😀", "\t", "e\u0301", "é", "line\nend"]
MOMENTS = ["2026-11-23T10:11:12+00:00", "2026-11-23 15:41:12+05:30", "2026-11-23T10:11:12.345678Z", "2026-11-23 00:00"]
MOMENTS += ["2026-11-23", "infinity", "-infinity", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31"]
MOMENTS += ["2024-02-29T23:59:59.1234567-03:30", "1900-01-01T00:00:00+00:19:32"]
ANCIENT = ["0044-03-15 12:00:00 BC", "0001-12-31 BC", "12026-11-23 10:11:12", "4713-01-01 BC", "0005-02-29 BC"]
UUIDS = ["00000000-0000-0000-0000-000000000000", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]
UUIDS += ["{a0eebc999c0b4ef8bb6d6bb9bd380a11}", "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a12"]
DEEP = "[" * 1500 + "]" * 1500

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
PATTERNS += [
    "\\%",
    "50\\%",
    "%\\_%",
    "\\a",
    "%\\\\%",
    "ä%",
    "_L",
    "%ж%",
    "%%",
    "a%%b",
    "%ab%ab",
    "aa%ab",
    "_%a%_b",
    "a%a",
]

ODD = 'odd "name", (x)=.'


@dataclass(frozen=True, slots=True)
class Column:
    """Its type, as a table is made of it, as one casts to it, and as a shape has it."""

    made: str
    cast: str
    type: str
    # What rows and filters may have, and what only rows have.
    values: list[str]
    rare: list[str] = field(default_factory=list)

    def rows(self) -> list[str | None]:
        """Everything that a row may have."""
        return [None, *self.values, *self.rare]


def _column(type_: str, values: list[str], rare: list[str] | None = None) -> Column:
    return Column(type_, type_, type_, values, rare or [])


COLUMNS = {
    "flag": _column("bool", ["true", "f", "YES", "0", "of"]),
    "small": _column("int2", ["0", "-1", "+7", "32767", "-32768"]),
    "whole": _column("int4", ["0", "-1", "7", "2147483647"]),
    "big": _column("int8", ["0", "-1", *LONG, "-9223372036854775808"]),
    "amount": _column("numeric", [*NUMBERS, *EXACT], ["1" * 4400, "1e-400"]),
    "price": Column("numeric(10, 2)", "numeric", "numeric", ["183.05", "183.0500", "-1.5", "0", "1e3", "0.10"]),
    "ratio": _column("float8", [*NUMBERS, *LONG, "1e300", "5e-324", "1.7976931348623157e308"]),
    "part": _column("float4", [*NUMBERS, "16777217", "16777216", "0.10000000149", "1e38", "1e-45"]),
    "word": _column("text", WORDS),
    "code": Column("varchar(40)", "varchar", "varchar", WORDS),
    "pad": Column("char(8)", "bpchar", "bpchar", WORDS),
    "label": Column("label", "label", "varchar", WORDS),
    ODD: _column("text", WORDS),
    "state": Column("mood", "mood", "enum", ["sad", "ok", "happy"]),
    "ident": _column("uuid", UUIDS),
    "day": _column("date", MOMENTS, [*ANCIENT, "5874897-12-31"]),
    "seen": _column("timestamptz", MOMENTS, [*ANCIENT, "294276-12-31T23:59:59Z"]),
    "made": _column("timestamp", MOMENTS, [*ANCIENT, "294276-12-31T23:59:59"]),
    "span": _column("interval", [], ["1 day", "1 month"]),
    "doc": _column("jsonb", [], ["null", "{}", '{"word": null}', DEEP]),
    "raw": _column("json", [], [" null ", "[1, null]", "false"]),
    "names": Column("text[]", "text[]", "_text", [], ["{}", "{null}", '{"a,b"}']),
    "pair": Column("pair", "pair", "public.pair", [], ["(,)", "(1,)"]),
}

STATEMENTS: tuple[sql.Composable, ...] = (
    sql.SQL("create domain label as varchar(60)"),
    sql.SQL("create type mood as enum ('sad', 'ok', 'happy')"),
    sql.SQL("create type pair as (a int, b int)"),
    sql.SQL("create table sample (id int primary key, {})").format(
        sql.SQL(", ").join(
            sql.SQL("{} " + column.made).format(sql.Identifier(name)) for name, column in COLUMNS.items()
        )
    ),
)

SHAPE = TableShape(
    "sample", {"id": "int4"} | {name: column.type for name, column in COLUMNS.items()}, ("id",), "warehouse", "word"
)

SYMBOLS = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "isdistinct": "is distinct from"}
UNORDERED = ("eq", "neq", "isdistinct")


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter, and what somebody who knows SQL would have asked instead."""

    text: str
    naive: sql.Composable = field(repr=False)

    def negated(self) -> "Asked":
        """The opposite, as a group."""
        return Asked(f"not.and({self.text})", sql.SQL("(not {})").format(self.naive))


def joined(word: str, parts: list[Asked]) -> Asked:
    """All of them, or any."""
    naive = sql.SQL(f" {word} ").join([part.naive for part in parts])
    return Asked(f"{word}({','.join(part.text for part in parts)})", sql.SQL("({})").format(naive))


def quoted(value: str) -> str:
    """As a filter quotes."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def clauses(name: str, *, separator: str = "=") -> Iterator[Asked]:
    """Every clause on a column, each with its opposite."""
    written = name if name.isalpha() else quoted(name)
    for words, naive in _clauses(name):
        yield Asked(f"{written}{separator}{words}", sql.SQL("({})").format(naive))
        yield Asked(f"{written}{separator}not.{words}", sql.SQL("(not ({}))").format(naive))


def like(name: str, pattern: str) -> tuple[str, sql.Composed]:
    """A clause with a pattern, and its SQL."""
    naive = sql.SQL('{}::text collate "C" like {}').format(sql.Identifier(name), pattern)
    return f"like.{quoted(pattern)}", naive


def _clauses(name: str) -> Iterator[tuple[str, sql.Composed]]:
    column, identifier = COLUMNS[name], sql.Identifier(name)
    textual = column.values is WORDS
    compared = sql.SQL('{} collate "C"' if textual else "{}").format(identifier)
    yield "is.null", sql.SQL("(row_to_json(s)->>{}) is null").format(name)
    if name == "flag":
        for word in ("true", "false", "unknown"):
            yield f"is.{word}", sql.SQL("{} is " + word).format(identifier)
    values = [sql.SQL("{}::" + column.cast).format(value) for value in column.values]
    for operator, symbol in SYMBOLS.items():
        if name != "state" or operator in UNORDERED:
            for value, typed in zip(column.values, values, strict=True):
                yield f"{operator}.{quoted(value)}", sql.SQL("{} " + symbol + " {}").format(compared, typed)
    if values:
        yield "in.()", sql.SQL("false").format()
        for size in (1, 2, 4):
            listed = sql.SQL(", ").join(values[-size:])
            text = ",".join(map(quoted, column.values[-size:]))
            yield f"in.({text})", sql.SQL("{} in ({})").format(compared, listed)
    if textual:
        for pattern in PATTERNS:
            yield like(name, pattern)
            # It pairs one letter with one letter, of every alphabet.
            naive = sql.SQL("{}::text collate pg_c_utf8 ilike {}").format(identifier, pattern)
            yield f"ilike.{quoted(pattern)}", naive
