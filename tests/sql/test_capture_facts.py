"""What the trail knows beside the rows: the request, whether a row is retired, and places that are no warehouse."""

import json

import psycopg
import pytest
from tests.sql.plant import Connection, Plant
from tests.sql.trail import changes

FACTS = "select op, retired, old_retired from floorcast.change where table_name = %s order by seq"


def request_ids(connection: Connection) -> list[str | None]:
    """Those of the trail of bins, in order."""
    rows = connection.execute("select request_id from floorcast.change where table_name = 'bins' order by seq")
    return [row["request_id"] for row in rows]


def facts(connection: Connection, table: str) -> list[tuple[str, bool, bool]]:
    """Operation, retired, and retired before, of a table's trail."""
    rows = connection.execute(FACTS.encode(), [table])
    return [(row["op"], row["retired"], row["old_retired"]) for row in rows]


def test_every_kind_of_change_carries_the_request_that_it_came_with(bins: Connection) -> None:
    """One click on a screen is found in the logs and in the trail by the same words."""
    bins.execute("select set_config('floorcast.request_id', 'click 7', false)")
    bins.execute("insert into bins values (1, 'n')")
    bins.execute("update bins set label = 'x'")
    bins.execute("update bins set id = 2")
    bins.execute("delete from bins")
    bins.execute("select set_config('floorcast.request_id', '', false)")
    bins.execute("insert into bins values (3, 'n')")
    assert request_ids(bins) == ["click 7"] * 5 + [None]


HEADERS = {
    '{"accept":"*/*","x-request-id":"a-b-7"}': "a-b-7",
    '{"x-request-id" : "  with spaces "}': "  with spaces ",
    json.dumps({"x-request-id": "n" * 500}): "n" * 200,
    # A header that only speaks of it is none: its quotes are escaped.
    json.dumps({"referer": 'http://x/?"x-request-id":"forged"'}): None,
    '{"accept":"*/*"}': None,
    "": None,
    "not json at all \\ \" ' { \u00e4 \U0001f600": None,
    '"x-request-id":': None,
    '{"x-request-id":7}': None,
    '"x-request-id":"' + '"' * 3: None,
    "[" * 100_000: None,
}


@pytest.mark.parametrize(("headers", "expected"), HEADERS.items(), ids=range(len(HEADERS)))
def test_what_postgrest_passes_on_is_searched_and_whatever_it_is_fails_no_write(
    bins: Connection, headers: str, expected: str | None
) -> None:
    """Headers come from strangers; claims, which must be JSON, do not."""
    bins.execute("select set_config('request.headers', %s, false)", [headers])
    bins.execute("insert into bins values (1, 'n')")
    assert request_ids(bins) == [expected]


def test_a_programs_own_word_goes_before_the_header(bins: Connection) -> None:
    """It knows better, and it may be as long as a header."""
    bins.execute("select set_config('request.headers', '{\"x-request-id\":\"theirs\"}', false)")
    bins.execute("select set_config('floorcast.request_id', repeat('m', 300), false)")
    bins.execute("insert into bins values (1, 'n')")
    assert request_ids(bins) == ["m" * 200]


def test_a_row_is_retired_while_deleted_at_is_set(owner: Connection, plant: Plant) -> None:
    """Both sides are said of every change: going, being gone, and coming back."""
    owner.execute("update public.equipment set deleted_at = now() where id = %s", [plant.machine])
    owner.execute("update public.equipment set name = 'x' where id = %s", [plant.machine])
    owner.execute("update public.equipment set deleted_at = null where id = %s", [plant.machine])
    owner.execute(
        "insert into public.equipment (warehouse_id, name, type, deleted_at) values (%s, 'y', 'press', now())",
        [plant.north],
    )
    owner.execute("delete from public.equipment where name = 'y'")
    assert facts(owner, "equipment") == [
        ("insert", False, False),
        ("update", True, False),
        ("update", True, True),
        ("update", False, True),
        ("insert", True, False),
        ("delete", False, True),
    ]


def test_a_changed_key_falls_apart_with_each_half_as_it_was(owner: Connection) -> None:
    """The row that is gone was retired; the one that is there is not."""
    owner.execute("create table crates (id int primary key, warehouse_id text, deleted_at timestamptz)")
    owner.execute("select floorcast.track('crates')")
    owner.execute("insert into crates values (1, 'n', now())")
    owner.execute("update crates set id = 2, deleted_at = null")
    assert sorted(facts(owner, "crates")[1:]) == [("delete", False, True), ("insert", False, False)]


@pytest.mark.parametrize(("kind", "some"), [("text", "yes"), ("boolean", "yes"), ("timestamp", "now")])
def test_a_column_of_that_name_and_another_type_says_nothing(owner: Connection, kind: str, some: str) -> None:
    """Somebody else's deleted_at may mean what it likes."""
    owner.execute(f"create table crates (id int primary key, warehouse_id text, deleted_at {kind})".encode())
    owner.execute("select floorcast.track('crates')")
    owner.execute(f"insert into crates values (1, 'n', '{some}'::{kind})".encode())
    assert facts(owner, "crates") == [("insert", False, False)]
    rows = owner.execute("select retired_column from floorcast.tracked where table_name = 'crates'").fetchall()
    assert rows == [{"retired_column": None}]


def test_a_column_that_comes_later_counts_once_the_table_is_tracked_again(bins: Connection) -> None:
    """Each migrate does so."""
    bins.execute("alter table bins add column deleted_at timestamptz")
    bins.execute("select floorcast.track('bins')")
    bins.execute("insert into bins (id, warehouse_id, deleted_at) values (1, 'n', now())")
    assert facts(bins, "bins") == [("insert", True, False)]
    bins.execute("alter table bins drop column deleted_at")
    bins.execute("select floorcast.track('bins')")
    bins.execute("update bins set label = 'x'")
    assert facts(bins, "bins")[1:] == [("update", False, False)]


@pytest.mark.parametrize(("scope", "prefix"), [("organization", "organization:"), ("person", "user:")])
def test_a_place_says_what_it_is(owner: Connection, scope: str, prefix: str) -> None:
    """An organization's row concerns all its warehouses, a person's all that the person is in."""
    owner.execute("create table notes (id int primary key, whose text, text text)")
    owner.execute("select floorcast.track('notes', 'whose', scope => %s)", [scope])
    owner.execute("insert into notes values (1, 'a'), (2, null)")
    owner.execute("update notes set whose = 'b' where id = 1")
    owner.execute("delete from notes where id = 1")
    assert changes(owner, "notes", "warehouse", "old_warehouse") == [
        (f"{prefix}a", None),
        (None, None),
        (f"{prefix}b", f"{prefix}a"),
        (f"{prefix}b", None),
    ]


def test_organizations_are_told_to_their_own(owner: Connection, plant: Plant) -> None:
    """By the key of the row itself."""
    owner.execute("update public.organizations set name = 'Another name' where id = %s", [plant.organization])
    assert changes(owner, "organizations", "warehouse")[-1] == f"organization:{plant.organization}"


@pytest.mark.parametrize("call", ["'notes', 'whose', scope => 'planet'", "'notes', null, scope => 'person'"])
def test_a_scope_that_says_nothing_is_refused(owner: Connection, call: str) -> None:
    """Else its changes would go to nobody, in silence."""
    owner.execute("create table notes (id int primary key, whose text)")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="notes cannot be tracked"):
        owner.execute(f"select floorcast.track({call})".encode())
