"""docs/schema.md says what the database says of itself."""

import pytest
from tests.contract.documents import ROOT
from tests.fixtures.description import describe
from tests.fixtures.postgres import Database

DOCUMENT = ROOT / "docs" / "schema.md"
MARK = "<!-- From here on generated from the comments in schema/ and triggers/ by `make snapshot`. -->\n"


async def test_the_generated_part_is_what_a_migrated_database_says(
    database: Database, pytestconfig: pytest.Config
) -> None:
    """Tables, columns, laws and triggers are described once, in SQL."""
    written, mark, _ = DOCUMENT.read_text().partition(MARK)
    assert mark, f"docs/schema.md has lost the line {MARK!r}"
    async with database.owner() as connection:
        current = f"{written}{mark}\n{await describe(connection)}"
    if pytestconfig.getoption("--write-snapshot"):
        DOCUMENT.write_text(current)
    assert DOCUMENT.read_text() == current, "docs/schema.md is out of date: run `make snapshot`"
