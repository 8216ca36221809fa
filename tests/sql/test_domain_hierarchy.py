"""What hangs on what: links in one warehouse, one whole for each part, no circle, not even by two at once."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import UUID

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, Plant, acting_as, add_machine, connect, value, wait_until_blocked

LINK = "insert into public.equipment_hierarchy (parent_id, child_id, relationship_type) values (%s, %s, %s)"


def link(connection: Connection, parent: UUID, child: UUID, kind: str = "contains") -> None:
    """Hang one machine on another."""
    connection.execute(LINK.encode(), [parent, child, kind])


@pytest.fixture
def line(owner: Connection, plant: Plant) -> list[UUID]:
    """Machines of north, each part of the one before: Line, Crusher, Motor, Bearing."""
    machines = [add_machine(owner, plant.north, name) for name in ("Line", "Crusher", "Motor", "Bearing")]
    for parent, child in pairwise(machines):
        link(owner, parent, child)
    return machines


def test_a_link_finds_its_warehouse_itself(owner: Connection, plant: Plant, line: list[UUID]) -> None:
    """Clients that know only the mission's columns do not send one."""
    assert value(owner, "select array_agg(distinct warehouse_id) from public.equipment_hierarchy") == [plant.north]
    assert value(owner, "select count(*) from public.equipment_hierarchy") == len(line) - 1


@pytest.mark.parametrize("foreign", ["parent", "child"])
def test_both_ends_are_in_one_warehouse(owner: Connection, plant: Plant, foreign: str) -> None:
    """A row never points into another warehouse, whichever end says so."""
    abroad = add_machine(owner, plant.south)
    ends = (abroad, plant.machine) if foreign == "parent" else (plant.machine, abroad)
    into = "insert into public.equipment_hierarchy (parent_id, child_id, warehouse_id) values (%s, %s, %s)"
    for warehouse in (plant.north, plant.south):
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="stands_in_the_warehouse_of_its"):
            owner.execute(into.encode(), [*ends, warehouse])


def test_a_machine_is_part_of_one_other_and_fed_by_many(owner: Connection, plant: Plant, line: list[UUID]) -> None:
    """Its cost would count twice in what is above; a hopper may be filled from three sides."""
    with pytest.raises(psycopg.errors.UniqueViolation, match="a_machine_is_part_of_one_other"):
        link(owner, plant.machine, line[-1])

    link(owner, plant.machine, line[-1], "powers")
    link(owner, line[0], line[-1], "feeds")


def test_an_unknown_type_and_a_link_to_itself_are_refused(owner: Connection, plant: Plant, line: list[UUID]) -> None:
    """The name of the constraint says what is true of every row."""
    with pytest.raises(psycopg.errors.CheckViolation, match="a_link_has_a_known_type"):
        link(owner, line[0], line[2], "likes")
    with pytest.raises(psycopg.errors.CheckViolation, match="a_machine_is_not_its_own_parent"):
        link(owner, plant.machine, plant.machine)


@pytest.mark.parametrize("kind", ["contains", "feeds"])
def test_a_circle_is_refused_and_the_way_round_is_named(
    owner: Connection, plant: Plant, line: list[UUID], kind: str
) -> None:
    """Whatever the types along it: whoever walks down must come to an end."""
    link(owner, line[3], plant.machine, "powers")

    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        link(owner, plant.machine, line[0], kind)

    assert refused.value.diag.message_primary == (
        "machines would hang on each other in a circle: Excavator > Line > Crusher > Motor > Bearing > Excavator"
    )
    assert refused.value.diag.constraint_name == "a_hierarchy_has_no_circle"
    assert value(owner, "select count(*) from public.equipment_hierarchy") == 4


def test_a_circle_within_one_statement_is_refused(owner: Connection, plant: Plant) -> None:
    """Its links are looked at together."""
    one, other = (add_machine(owner, plant.north, name) for name in ("One", "Other"))
    query = "insert into public.equipment_hierarchy (parent_id, child_id) values (%(a)s, %(b)s), (%(b)s, %(a)s)"
    with pytest.raises(psycopg.errors.CheckViolation, match=r"(One > Other > One|Other > One > Other)"):
        owner.execute(query.encode(), {"a": one, "b": other})


def test_a_link_that_changes_its_ends_closes_no_circle(owner: Connection, plant: Plant, line: list[UUID]) -> None:
    """An UPDATE is looked at as an INSERT is; one that turns a link round leaves no circle behind."""
    link(owner, plant.machine, line[0])
    with pytest.raises(psycopg.errors.CheckViolation, match="in a circle: "):
        owner.execute("update public.equipment_hierarchy set parent_id = %s where child_id = %s", [line[3], line[0]])

    owner.execute(
        "update public.equipment_hierarchy set parent_id = child_id, child_id = parent_id where parent_id = %s",
        [plant.machine],
    )
    assert value(owner, "select parent_id from public.equipment_hierarchy where child_id = %s", plant.machine)


def test_a_way_that_is_found_again_and_again_is_followed_once(owner: Connection, plant: Plant) -> None:
    """Forty floors of two machines that both feed the two below: 2^40 ways down, eighty machines."""
    floors = [[add_machine(owner, plant.north) for _ in range(2)] for _ in range(40)]
    for above, below in pairwise(floors):
        for parent in above:
            for child in below:
                link(owner, parent, child, "feeds")

    link(owner, plant.machine, floors[0][0], "feeds")
    with pytest.raises(psycopg.errors.CheckViolation, match=r"in a circle: Crusher(?: > Crusher){40}"):
        link(owner, floors[39][0], floors[0][0], "feeds")


def test_two_who_each_add_half_of_a_circle_do_not_close_it(database: Database, owner: Connection, plant: Plant) -> None:
    """Neither sees the other's half until it is committed; the second waits and looks again."""
    one, other = (add_machine(owner, plant.north, name) for name in ("One", "Other"))
    with (
        connect(database.owner_url) as first,
        connect(database.owner_url) as second,
        ThreadPoolExecutor(1) as pool,
    ):
        with first.transaction():
            link(first, one, other)
            waiting = pool.submit(link, second, other, one)
            wait_until_blocked(database.owner_url, second)
        with pytest.raises(psycopg.errors.CheckViolation, match="Other > One > Other"):
            waiting.result()

    assert value(owner, "select count(*) from public.equipment_hierarchy") == 1


def test_of_many_who_close_circles_at_once_none_succeeds(database: Database, owner: Connection, plant: Plant) -> None:
    """Eight writers link eight machines in a ring, both ways round: what is left can be walked to its end."""
    machines = [add_machine(owner, plant.north, f"M{n}") for n in range(8)]

    def work(start: int) -> None:
        with connect(database.owner_url) as connection:
            for step in range(8):
                one, other = machines[(start + step) % 8], machines[(start + step + 1) % 8]
                ends = (one, other) if start % 2 else (other, one)
                try:
                    link(connection, *ends, "feeds")
                except (psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation):
                    continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    circles = """
    with recursive below as (
        select parent_id as top, child_id as machine from public.equipment_hierarchy
        union
        select b.top, h.child_id from below as b join public.equipment_hierarchy as h on h.parent_id = b.machine
    )
    select count(*) from below where top = machine
    """
    assert value(owner, circles) == 0
    # Every two neighbours are linked one way, unless that was the last link of the ring.
    assert value(owner, "select count(*) from public.equipment_hierarchy") in (7, 8)


def test_warehouses_do_not_wait_for_each_other(database: Database, owner: Connection, plant: Plant) -> None:
    """The turn is taken in a warehouse; a circle cannot span two."""
    here = [add_machine(owner, plant.north) for _ in range(2)]
    there = [add_machine(owner, plant.south) for _ in range(2)]
    with connect(database.owner_url) as first, connect(database.owner_url) as second, first.transaction():
        link(first, *here)
        second.execute("set lock_timeout = '5s'")
        link(second, *there)


def test_a_transaction_that_cannot_look_again_is_refused(owner: Connection, plant: Plant) -> None:
    """At REPEATABLE READ the other half of a circle, committed meanwhile, would stay out of sight."""
    child = add_machine(owner, plant.north)
    owner.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="READ COMMITTED"), owner.transaction():
        link(owner, plant.machine, child)


def test_linked_machines_move_together_or_not_at_all(owner: Connection, plant: Plant, line: list[UUID]) -> None:
    """One that left alone would hang on machines of another warehouse; the constraint of its other end says so."""
    move = "update public.equipment set warehouse_id = %s where id = any(%s)"
    for machines in ([line[0]], [line[3]], line[:3], line[1:]):
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="stands_in_the_warehouse_of_its_"):
            owner.execute(move.encode(), [plant.south, machines])

    owner.execute(move.encode(), [plant.south, line])

    assert value(owner, "select array_agg(distinct warehouse_id) from public.equipment_hierarchy") == [plant.south]


def test_a_machine_that_is_deleted_takes_its_links_along(owner: Connection, line: list[UUID]) -> None:
    """A link without an end says nothing."""
    owner.execute("delete from public.equipment where id = %s", [line[1]])

    assert value(owner, "select array_agg(parent_id) from public.equipment_hierarchy") == [line[2]]


def test_those_who_lead_arrange_machines(service: Connection, plant: Plant, line: list[UUID]) -> None:
    """They link, change the type and take away; technicians look."""
    with acting_as(service, plant.people["supervisor"]):
        link(service, line[3], plant.machine)
        for change in (
            "update public.equipment_hierarchy set relationship_type = 'powers'",
            "delete from public.equipment_hierarchy",
        ):
            service.execute(f"{change} where child_id = %s".encode(), [plant.machine])

    with acting_as(service, plant.people["technician"]):
        assert value(service, "select count(*) from visible.equipment_hierarchy") == 3
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["technician"]):
        link(service, line[3], plant.machine)
    with acting_as(service, plant.stranger):
        assert value(service, "select count(*) from visible.equipment_hierarchy") == 0
    with (
        pytest.raises(psycopg.errors.ForeignKeyViolation, match="there is no machine"),
        acting_as(service, plant.stranger),
    ):
        link(service, line[3], plant.machine)


def test_a_trigger_that_does_not_name_the_machines_column_says_so(owner: Connection, plant: Plant) -> None:
    """Whoever adds a table reads what he forgot, and not that a warehouse is missing."""
    owner.execute("create table public.gauges (warehouse_id uuid not null, machine uuid)")
    for argument in ("", "'equipment_id'"):
        owner.execute(
            "create or replace trigger _100_inherit_warehouse before insert on public.gauges for each row"
            f" execute function floorcast.inherit_warehouse_of_machine({argument})".encode()
        )
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="of gauges does not name the column"):
            owner.execute("insert into public.gauges (machine) values (%s)", [plant.machine])
    owner.execute(
        "create or replace trigger _100_inherit_warehouse before insert on public.gauges for each row"
        " execute function floorcast.inherit_warehouse_of_machine('machine')"
    )
    owner.execute("insert into public.gauges (machine) values (%s)", [plant.machine])
    assert value(owner, "select warehouse_id from public.gauges") == plant.north
