"""Attachments: facts about files, on the timeline of their order, and where it goes."""

from uuid import UUID

import psycopg
import pytest
from tests.sql.plant import Connection, Plant, acting_as, add_order, value

PHOTO: dict[str, object] = {
    "file_name": "bucket, left.jpg",
    "content_type": "image/jpeg",
    "byte_size": 48_213,
    "storage_path": "attachments/0c/bucket.jpg",
    "checksum": "ab" * 32,
}


def attach(connection: Connection, order: UUID, **columns: object) -> None:
    """Attach a photo."""
    columns = {"work_order_id": order, **PHOTO, **columns}
    names, places = ", ".join(columns), ", ".join(["%s"] * len(columns))
    connection.execute(
        f"insert into public.work_order_attachments ({names}) values ({places})".encode(), list(columns.values())
    )


def test_what_is_attached_goes_into_the_timeline(owner: Connection, service: Connection, plant: Plant) -> None:
    """With what a feed shows of it, by whom."""
    order = add_order(owner, plant.north)
    with acting_as(service, plant.people["requester"]):
        attach(service, order, storage_path=f"{plant.north}/bucket.jpg")

    row = owner.execute("select * from public.work_order_attachments").fetchone()
    event = owner.execute("select * from public.work_order_timeline where event_type = 'attachment_added'").fetchone()
    assert row is not None
    assert event is not None
    assert (row["warehouse_id"], row["actor"]) == (plant.north, str(plant.people["requester"]))
    assert (event["work_order_id"], event["actor"]) == (order, row["actor"])
    assert event["details"] == {
        "attachment_id": str(row["id"]),
        "file_name": "bucket, left.jpg",
        "content_type": "image/jpeg",
        "byte_size": 48_213,
    }


def test_people_do_not_write_that_line_themselves(owner: Connection, service: Connection, plant: Plant) -> None:
    """Else a feed would tell of a file that never was."""
    order = add_order(owner, plant.north)
    query = "insert into public.work_order_timeline (work_order_id, event_type) values (%s, 'attachment_added')"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["admin"]):
        service.execute(query.encode(), [order])


def test_attachments_go_where_their_order_goes(owner: Connection, plant: Plant) -> None:
    """They move with it, are never elsewhere, and end with it; the path of the file stays."""
    order = add_order(owner, plant.north)
    attach(owner, order)
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="an_attachment_is_in_the_warehouse_of_its_work_order"):
        attach(owner, order, warehouse_id=plant.south, storage_path="other")

    owner.execute("update public.work_orders set warehouse_id = %s", [plant.south])
    query = "select warehouse_id, storage_path from public.work_order_attachments"
    assert owner.execute(query.encode()).fetchall() == [
        {"warehouse_id": plant.south, "storage_path": "attachments/0c/bucket.jpg"}
    ]

    owner.execute("delete from public.work_orders")
    assert owner.execute(query.encode()).fetchall() == []


@pytest.mark.parametrize(
    ("column", "wrong", "constraint"),
    [
        ("file_name", " ", "a_file_has_a_name"),
        ("file_name", "../etc/passwd", "a_file_has_a_name"),
        ("file_name", "a\\b", "a_file_has_a_name"),
        ("content_type", "photo", "a_file_has_a_content_type"),
        ("byte_size", -1, "the_size_of_a_file_is_not_negative"),
        ("storage_path", "", "a_storage_path_names_one_file"),
        ("storage_path", "/absolute", "a_storage_path_names_one_file"),
        ("storage_path", "a//b", "a_storage_path_names_one_file"),
        ("storage_path", "attachments/../secrets", "a_storage_path_names_one_file"),
        ("checksum", "AB" * 32, "a_checksum_is_a_sha256_in_hex"),
        ("checksum", "ab", "a_checksum_is_a_sha256_in_hex"),
        ("actor", "", "an_attachment_names_an_actor"),
    ],
)
def test_an_illegal_attachment_is_refused_by_a_sentence(
    owner: Connection, plant: Plant, column: str, wrong: object, constraint: str
) -> None:
    """The name of the constraint says what is true of every row."""
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        attach(owner, add_order(owner, plant.north), **{column: wrong})


def test_a_stored_file_is_attached_once(owner: Connection, service: Connection, plant: Plant) -> None:
    """Also when the first row was taken away: its file is still there, and is not another order's to show."""
    order = add_order(owner, plant.north)
    attach(owner, order)
    key = value(owner, "select id from public.work_order_attachments")
    with acting_as(service, plant.people["technician"]):
        service.execute("select floorcast.retire('public.work_order_attachments', %s)", [key])
    with acting_as(service, plant.people["technician"]):
        assert value(service, "select count(*) from visible.work_order_attachments") == 0

    with pytest.raises(psycopg.errors.UniqueViolation, match="a_stored_file_is_attached_once"):
        attach(owner, order)


def test_nobody_attaches_in_anothers_name_or_rewrites(owner: Connection, service: Connection, plant: Plant) -> None:
    """Kiosks attach nothing, requesters take nothing away."""
    order = add_order(owner, plant.north)
    admin = str(plant.people["admin"])
    for role, columns in (("technician", {"actor": admin}), ("kiosk", {}), ("viewer", {})):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people[role]):
            attach(service, order, storage_path=f"{plant.north}/bucket.jpg", **columns)

    attach(owner, order)
    key = value(owner, "select id from public.work_order_attachments")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["admin"]):
        service.execute("update public.work_order_attachments set storage_path = 'elsewhere'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["requester"]):
        service.execute("select floorcast.retire('public.work_order_attachments', %s)", [key])
