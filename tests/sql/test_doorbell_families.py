"""What the bell says: families, to whoever listens, and never data."""

from tests.sql.plant import Connection, Plant, add_order, assign, take
from tests.sql.trail import bells


def test_each_family_is_named_when_its_rows_are_committed(
    owner: Connection, plant: Plant, listener: Connection
) -> None:
    """With no relay running, as psql's LISTEN floorcast would show it."""
    order = add_order(owner, plant.north)
    assert set(bells(listener)) >= {"work_orders", "work_order_timeline"}
    assign(owner, order, plant.people["technician"])
    assert set(bells(listener)) >= {"work_order_assignments", "work_order_timeline"}
    take(owner, plant.part)
    assert set(bells(listener)) >= {"inventory_transactions", "inventory_items"}
    owner.execute("update public.equipment set status = 'down'")
    assert bells(listener) == ["equipment"]
    owner.execute("update public.warehouses set name = 'N' where id = %s", [plant.north])
    assert bells(listener) == ["warehouses"]


def test_access_rings_as_grants(owner: Connection, plant: Plant, listener: Connection) -> None:
    """Gateways follow it like any other table, and the law of access itself is tracked too."""
    owner.execute("delete from public.user_warehouse_access where user_id = %s", [plant.people["kiosk"]])
    assert set(bells(listener)) == {"user_warehouse_access", "grants"}


def test_one_transaction_names_each_family_once(bins: Connection, listener: Connection) -> None:
    """However many statements and rows."""
    with bins.transaction():
        for key in range(5):
            bins.execute("insert into bins select %s * 100 + i, 'n' from generate_series(1, 50) as i", [key])
        bins.execute("update bins set label = repeat('x', 9000)")
        bins.execute("delete from bins")
    assert bells(listener) == ["bins"]


def test_a_row_too_large_for_a_payload_is_announced_like_any_other(bins: Connection, listener: Connection) -> None:
    """Data in a payload would fail the business write at 8,000 bytes."""
    bins.execute("insert into bins values (1, 'n', repeat('x', 100000))")
    assert bells(listener) == ["bins"]


def test_nothing_rings_before_the_commit(bins: Connection, listener: Connection) -> None:
    """A reader that came at once would find nothing."""
    with bins.transaction():
        bins.execute("insert into bins values (1, 'n')")
        assert bells(listener) == []
    assert bells(listener) == ["bins"]
