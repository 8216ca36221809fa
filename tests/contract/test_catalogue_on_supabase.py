"""The walk through the catalogue once more, on a Supabase project: what is ours there obeys the same laws."""

import pytest
from tests.contract import test_catalogue
from tests.contract.access_laws import LAWS, Law
from tests.contract.test_catalogue import (  # noqa: F401 — they are run here too
    names,
    test_every_function_has_a_comment,
    test_every_table_column_and_sequence_has_a_comment,
    test_no_function_depends_on_the_callers_search_path,
    test_triggers_fire_in_the_order_that_capture_needs,
)
from tests.fixtures.postgres import Database
from tests.sql.plant import connect

THEIRS = {
    "nothing that is created later is open by default": "protect() takes back what a project's defaults give",
    "none of our roles is above the rules": "service_role bypasses row level security there",
}
"""Laws about what is Supabase's, each with what follows."""


@pytest.fixture
def database(migrated_supabase: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A project in place of a plain database, without what its developer made; `auth` is Supabase's there."""
    with connect(migrated_supabase.owner_url) as postgres:
        postgres.execute("drop table public.todos")
        postgres.execute("drop function public.hello()")
    monkeypatch.setattr(test_catalogue, "OURS", "array['floorcast', 'public', 'visible']::regnamespace[]")
    return migrated_supabase


@pytest.mark.parametrize("law", [law for law in LAWS if law.sentence not in THEIRS], ids=lambda law: law.sentence)
async def test_laws_of_access_hold_there_too(database: Database, law: Law) -> None:
    """Whatever default privileges there are."""
    async with database.owner() as connection:
        assert await names(connection, law.query) == []


def test_the_exceptions_are_laws() -> None:
    """A law that is renamed would otherwise be left out, or come back, unseen."""
    assert set(THEIRS) <= {law.sentence for law in LAWS}
