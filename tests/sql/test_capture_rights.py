"""Nobody writes history by hand, and nobody writes past it."""

import psycopg
import pytest
from tests.sql.plant import Connection, Plant, acting_as
from tests.sql.trail import NOTHING, bells, changes

ROLES = ("anon", "authenticated", "service_role", "floorcast_relay", "floorcast_gateway")


WRITES = (
    "insert into floorcast.change (op, table_name, key, actor, new) values ('insert', 'bins', '{}', 'me', '{}')",
    "update floorcast.change set actor = 'me'",
    "delete from floorcast.change",
    "truncate floorcast.change",
    "update floorcast.tick set seal = seal",
    "delete from floorcast.tick",
)

ARRANGEMENTS = (
    "select floorcast.close_tick(1, 1)",
    "select floorcast.extend_trail()",
    "select floorcast.track('bins')",
    "select floorcast.untrack('bins')",
)


def refused(connection: Connection, role: str, statement: str) -> bool:
    """Whether a role has no right to a statement; any other error is raised."""
    with connection.transaction(force_rollback=True):
        connection.execute(f"set local role {role}".encode())
        try:
            connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            return True
    return False


def test_no_role_writes_the_trail_itself(bins: Connection) -> None:
    """Not those who change tables, and not our own services."""
    attempts = [(role, statement) for role in ROLES for statement in WRITES]
    assert [attempt for attempt in attempts if not refused(bins, *attempt)] == []


def test_people_cannot_read_the_trail(bins: Connection) -> None:
    """It holds every warehouse."""
    attempts = [(role, "select from floorcast.change") for role in ("anon", "authenticated", "service_role")]
    assert [attempt for attempt in attempts if not refused(bins, *attempt)] == []


def test_what_cuts_and_arranges_the_trail_is_not_for_everybody(bins: Connection) -> None:
    """These run as the owner, or decide what is captured. The relay alone cuts."""
    attempts = [(role, call) for role in ROLES for call in ARRANGEMENTS]
    allowed = [attempt for attempt in attempts if not refused(bins, *attempt)]
    assert allowed == [("floorcast_relay", ARRANGEMENTS[0]), ("floorcast_relay", ARRANGEMENTS[1])]


def test_a_capture_function_cannot_be_called_or_attached_by_others(bins: Connection) -> None:
    """It writes the trail as the owner: on a table of somebody's own it would forge history."""
    rows = bins.execute(
        "select p.proname from pg_proc as p where p.proname like 'capture\\_%%' and p.prosecdef"
        " and has_function_privilege('authenticated', p.oid, 'execute')"
    )
    assert rows.fetchall() == []
    bins.execute("create schema mine authorization authenticated")
    bins.execute("set role authenticated")
    bins.execute("create table mine.forged (id int primary key, warehouse_id text)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        bins.execute(
            "create trigger forge after insert on mine.forged referencing new table as new_rows"
            " for each statement execute function floorcast.capture_bins()"
        )


def test_a_writer_needs_no_right_but_on_the_table(owner: Connection, plant: Plant) -> None:
    """Capture runs as the owner."""
    with acting_as(owner, plant.people["technician"]):
        owner.execute("update public.equipment set status = 'down'")
    assert changes(owner, "equipment", "op")[-1] == "update"


def test_capture_does_not_depend_on_the_replication_role(bins: Connection, listener: Connection) -> None:
    """Ordinary triggers are switched off by it, and bulk loaders switch it off to be fast."""
    bins.execute("set session_replication_role = replica")
    bins.execute("insert into bins values (1, 'n')")
    bins.execute("update bins set label = 'x'")
    bins.execute("delete from bins")
    assert changes(bins, "bins", "op") == ["insert", "update", "delete"]
    assert bells(listener) == ["bins"] * 3
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="TRUNCATE"):
        bins.execute("truncate bins")


def test_truncate_of_a_tracked_table_is_refused_with_a_sentence(bins: Connection) -> None:
    """It gives triggers no rows, so screens would keep what is gone."""
    for table in ("bins", "work_orders", "equipment", "inventory_items", "floorcast.grants"):
        with pytest.raises(
            psycopg.errors.ObjectNotInPrerequisiteState, match=r"TRUNCATE of .* is refused: "
        ) as refusal:
            bins.execute(f"truncate {table} cascade".encode())
        assert "DELETE" in (refusal.value.diag.message_hint or "")


def test_truncate_of_the_law_of_access_is_refused_too(owner: Connection) -> None:
    """Everybody would lose their access by law and keep it by grant: gateways would go on sending."""
    for table in ("user_warehouse_access", "users"):
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="TRUNCATE of"):
            owner.execute(f"truncate public.{table} cascade".encode())
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="user_warehouse_access"):
        owner.execute("truncate public.user_warehouse_access")


def test_a_search_path_of_an_attacker_does_not_reach_capture(bins: Connection, service: Connection) -> None:
    """The function runs as the owner, so a function of somebody else's making must never be found first."""
    bins.execute("grant insert on bins to authenticated")
    bins.execute("create schema trap authorization authenticated")
    service.execute("set role authenticated")
    service.execute(
        "create function trap.row_to_json(record) returns json language plpgsql"
        " as $$ begin raise exception 'caught'; end $$"
    )
    service.execute("set search_path = trap, public, pg_catalog")
    service.execute("insert into bins values (1, 'n')")
    assert changes(bins, "bins") != NOTHING
