"""Schema and data migrations are files apart: the one kind must be quick and locks tables, the other may take long."""

import re

import pytest
from tests.fixtures.statements import split

from floorcast.database.ledger import migration_names
from floorcast.database.sources import find_sources

SCHEMA = find_sources().schema
# Until then the two were mixed; what was released is not edited.
FIRST = "0012"
NAMES = [name for name in migration_names(SCHEMA) if name >= FIRST]
# A `do` block makes roles, where they are absent.
SHAPES = re.compile(r"(create|alter|drop|comment|grant|revoke|do)\b", re.IGNORECASE)
# `select` moves sequences, or is a rollback that has nothing to do.
ROWS = re.compile(r"(insert|update|delete|merge|with|select)\b", re.IGNORECASE)
WRITES_ROWS = re.compile(r"^\s*(insert\s+into|update\s+\S+\s+set|delete\s+from)\b", re.IGNORECASE | re.MULTILINE)


@pytest.mark.parametrize("name", [f"{name}{end}" for name in NAMES for end in (".sql", ".rollback.sql")])
def test_a_migration_changes_rows_or_what_holds_them(name: str) -> None:
    """`NNNN_data_words.sql` for rows; one that did both would hold its lock for as long as the rows take."""
    allowed = ROWS if re.match(r"\d{4}_data_", name) else SHAPES
    for statement in split((SCHEMA / name).read_text()):
        assert allowed.match(statement), f"{name}: {statement[:80]}"
        if allowed is SHAPES and statement.lower().startswith("do"):
            assert not WRITES_ROWS.search(statement), f"{name}: {statement[:80]}"


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("select 1; -- a; b\nselect ';'", ["select 1", "select ';'"]),
        ("do $x$ begin; $x$; /* ; */", ["do $x$ begin; $x$"]),
        (
            "create function f() begin atomic select 1; select 2; end; drop x",
            ["create function f() begin atomic select 1; select 2; end", "drop x"],
        ),
        # As the CLI does: the first `end` is taken for the last, unless it is between parentheses.
        (
            "create function f() begin atomic select case when true then 1 end; end;",
            ["create function f() begin atomic select case when true then 1 end", "end"],
        ),
        (
            "create function f() begin atomic select (case when true then 1 end); end;",
            ["create function f() begin atomic select (case when true then 1 end); end"],
        ),
        ("comment on column a.\"b;c\" is 'it''s; so';", ["comment on column a.\"b;c\" is 'it''s; so'"]),
    ],
)
def test_files_are_split_where_statements_end(text: str, statements: list[str]) -> None:
    """Else the test above would look at something else."""
    assert list(split(text)) == statements
