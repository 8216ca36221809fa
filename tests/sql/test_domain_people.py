"""triggers/1_domain/belong.sql, refuse_outsiders.sql: nobody is named across organizations."""

from uuid import UUID, uuid4

import psycopg
import pytest
from tests.sql.plant import Connection, Plant, acting_as, add_order, add_person, add_warehouse, assign, value

GIVE = "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, 'viewer')"


@pytest.fixture
def foreigner(owner: Connection) -> UUID:
    """A technician of another organization."""
    organization = value(owner, "insert into public.organizations (name) values ('Harbour') returning id")
    return add_person(owner, add_warehouse(owner, organization, "Quay"), "technician")


def test_a_person_belongs_to_the_organization_of_his_warehouse(owner: Connection, plant: Plant) -> None:
    """Also one whose account was made before anybody knew where he would work: his first access decides."""
    newcomer = value(owner, "insert into public.users (display_name) values ('New') returning id")
    assert value(owner, "select organization_id from public.users where id = %s", newcomer) is None

    owner.execute(GIVE, [newcomer, plant.south])

    assert owner.execute("select distinct organization_id from public.users").fetchall() == [
        {"organization_id": plant.organization}
    ]
    assert value(owner, "select array_agg(distinct organization_id) from public.user_warehouse_access") == [
        plant.organization
    ]


def test_access_is_not_given_across_organizations(
    owner: Connection, service: Connection, plant: Plant, foreigner: UUID
) -> None:
    """By nobody, and an admin cannot tell somebody who works elsewhere from somebody who does not exist."""
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        owner.execute(GIVE, [foreigner, plant.north])

    said = set()
    for person in (foreigner, uuid4()):
        with pytest.raises(psycopg.errors.ForeignKeyViolation) as refused, acting_as(service, plant.people["admin"]):
            service.execute(GIVE, [person, plant.north])
        said.add((str(refused.value.diag.message_primary), refused.value.diag.message_detail))
    assert len(said) == 1


def test_a_warehouse_of_another_organization_is_not_where_forms_start(
    owner: Connection, plant: Plant, foreigner: UUID
) -> None:
    """Nor does a person change sides while he has access."""
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="a_user_starts_in_a_warehouse_of_his_organization"):
        owner.execute("update public.users set warehouse_id = %s where id = %s", [plant.north, foreigner])
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        owner.execute(
            "update public.users set warehouse_id = %s, organization_id = %s where id = %s",
            [plant.north, plant.organization, foreigner],
        )


@pytest.mark.parametrize("column", ["requested_by", "verified_by"])
def test_an_order_names_people_of_its_organization(
    owner: Connection, plant: Plant, foreigner: UUID, column: str
) -> None:
    """Servers load history, and even they do not mix customers."""
    add_order(owner, plant.north, **{column: plant.stranger})
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="_by_a_user_of_the_organization"):
        add_order(owner, plant.north, **{column: foreigner})


def test_nobody_of_another_organization_is_assigned(
    owner: Connection, service: Connection, plant: Plant, foreigner: UUID
) -> None:
    """Somebody of another site of the same one may be."""
    order = add_order(owner, plant.north)
    assign(owner, order, plant.stranger)

    said = set()
    for person in (foreigner, uuid4()):
        with pytest.raises(psycopg.errors.ForeignKeyViolation) as refused, acting_as(service, plant.people["admin"]):
            assign(service, order, person)
        said.add(str(refused.value.diag.message_primary).replace(str(person), "…"))
    assert len(said) == 1
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        owner.execute("update public.work_order_assignments set user_id = %s", [foreigner])


def test_nobody_of_another_organization_is_notified(owner: Connection, plant: Plant, foreigner: UUID) -> None:
    """A text about one customer's plant is not for another's people."""
    notify = (
        "insert into public.notifications (warehouse_id, user_id, type, title) values (%s, %s, 'announcement', 'x')"
    )
    owner.execute(notify, [plant.north, plant.people["kiosk"]])
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        owner.execute(notify, [plant.north, foreigner])


@pytest.mark.parametrize("table", ["equipment", "inventory_items", "inventory_locations", "maintenance_templates"])
def test_nothing_moves_to_another_organization(owner: Connection, plant: Plant, foreigner: UUID, table: str) -> None:
    """Its history and its costs would be another customer's; within the organization it may move."""
    quay = value(owner, "select warehouse_id from public.users where id = %s", foreigner)
    key = value(
        owner,
        f"insert into public.{table} (warehouse_id, name) values (%s, 'Moved') returning id",
        plant.north,
    )
    move = f"update public.{table} set warehouse_id = %s where id = %s".encode()
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="moves within its organization only"):
        owner.execute(move, [quay, key])
    owner.execute(move, [plant.south, key])
