"""What the migration runner does with the files of triggers/."""

import pytest
from tests.fixtures.shop import CHECK_ITEM, COUNT_ITEMS, Shop

from floorcast.errors import MigrationFailed


def test_files_of_triggers_may_call_what_a_later_one_defines(shop: Shop) -> None:
    """Bodies are not checked while they are applied, so names of files need not follow calls."""
    shop.write(
        "triggers/1_stage/a_first.sql",
        "create or replace function shop.first() returns int language sql as 'select shop.z_last()';",
    )
    shop.write(
        "triggers/1_stage/z_last.sql",
        "create or replace function shop.z_last() returns int language sql as 'select 7';",
    )
    shop.migrator().up()
    assert shop.ask("select shop.first()") == [(7,)]


def test_files_of_triggers_are_applied_all_or_none(shop: Shop) -> None:
    """A half-new set of functions would be a version that nobody wrote."""
    shop.migrator().up()
    shop.write("triggers/1_stage/count_items.sql", COUNT_ITEMS.replace("count(*)", "count(*) + 1"))
    shop.write("triggers/2_later/broken.sql", "create function shop.broken(;")
    with pytest.raises(MigrationFailed, match=r"triggers/2_later/broken\.sql, line 1, failed: syntax error"):
        shop.migrator().up()
    assert shop.ask("select shop.count_items()") == [(0,)]


def test_a_changed_file_of_triggers_applies_the_unchanged_ones_again(shop: Shop) -> None:
    """One may call what another defines: tracked_tables.sql must generate anew when track() has changed."""
    shop.write("triggers/1_stage/make.sql", _make_generated(1))
    shop.write("triggers/2_later/call.sql", "select shop.make();")
    shop.migrator().up()
    shop.write("triggers/1_stage/make.sql", _make_generated(2))
    outcome = shop.migrator().up()
    assert outcome.behaviour == ("1_stage/make.sql",)
    assert shop.ask("select shop.generated()") == [(2,)]


def _make_generated(number: int) -> str:
    return f"""create or replace function shop.make() returns void language plpgsql as $make$ begin
    execute 'create or replace function shop.generated() returns int language sql as $$ select {number} $$';
    end $make$;"""


def test_a_file_of_triggers_that_vanished_is_told_with_what_it_left(shop: Shop) -> None:
    """Nobody else would notice a trigger that fires on without a text."""
    shop.write("triggers/2_later/check_item.sql", CHECK_ITEM)
    shop.migrator().up()
    shop.path("triggers/2_later/check_item.sql").unlink()
    outcome = shop.migrator().up()
    left = {
        "2_later/check_item.sql": (
            "function shop.check_item()",
            "policy everybody on shop.item",
            "trigger _100_check on shop.item",
        )
    }
    assert outcome.vanished == ("2_later/check_item.sql",)
    assert shop.migrator().status().orphans == left
    shop.write("schema/0002_drop.sql", "drop function shop.check_item() cascade; drop policy everybody on shop.item;")
    shop.migrator().up()
    assert shop.migrator().status().orphans == {}


def test_a_renamed_file_of_triggers_leaves_nothing_behind(shop: Shop) -> None:
    """What it makes goes over to the new name."""
    shop.migrator().up()
    shop.path("triggers/1_stage/count_items.sql").rename(shop.path("triggers/1_stage/count.sql"))
    shop.migrator().up()
    status = shop.migrator().status()
    assert status.is_current
    assert status.orphans == {}


def test_down_takes_away_what_files_of_triggers_made_and_nothing_else(shop: Shop) -> None:
    """Foreign functions in the same schema stay, even one that a file of ours replaced or granted."""
    shop.write("schema/0002_foreign.sql", "create function shop.ours_by_migration() returns int return 1;")
    shop.write("schema/0002_foreign.rollback.sql", "drop function shop.ours_by_migration();")
    shop.write("triggers/1_stage/grant.sql", "revoke all on function shop.ours_by_migration() from public;")
    shop.write("triggers/2_later/check_item.sql", CHECK_ITEM)
    shop.migrator().up()
    shop.ask("create function shop.foreign() returns int return 1")
    shop.ask("insert into shop.item values (1, 'bolt')")
    assert shop.migrator().down() == ("0002_foreign",)
    assert shop.ask("select proname from pg_proc where pronamespace = 'shop'::regnamespace") == [("foreign",)]
    assert shop.ask("select 1 from pg_trigger where tgrelid = 'shop.item'::regclass") == []
    assert shop.ask("select name from shop.item") == [("bolt",)]
    shop.migrator().up()
    assert shop.ask("select shop.count_items()") == [(1,)]
