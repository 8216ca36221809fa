"""The catalog obeys the laws of the domain: what refers to what, by which columns, and found how; what is checked."""

from tests.sql.plant import Connection

REFERENCES = """
select
    format('%s.%s', c.conrelid::regclass, c.conname) as name,
    c.conrelid::regclass::text as referencing,
    c.confrelid::regclass::text as referenced,
    array(
        select a.attname::text from unnest(c.conkey) with ordinality as k (number, place)
        join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.number order by k.place
    ) as columns,
    array(
        select a.attname::text from unnest(c.confkey) with ordinality as k (number, place)
        join pg_attribute as a on a.attrelid = c.confrelid and a.attnum = k.number order by k.place
    ) as targets,
    exists (
        select from pg_index as i
        where i.indrelid = c.conrelid and i.indisvalid
        -- Of the columns, one that tells rows apart comes first in the index; and its condition, if any, leaves
        -- out nothing but rows that refer to nothing.
        and i.indkey[0] = any (c.conkey)
        and (cardinality(c.conkey) = 1 or i.indkey[0] <> all (array(
            select a.attnum from pg_attribute as a
            where a.attrelid = c.conrelid and a.attname in ('warehouse_id', 'organization_id')
        )))
        and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) ~ '^\\(\\w+ IS NOT NULL\\)$')
    ) as has_index
from pg_constraint as c
where c.contype = 'f' and c.connamespace = 'public'::regnamespace and c.conparentid = 0
"""

COLUMNS = """
select c.oid::regclass::text as relation, a.attname::text as name, format_type(a.atttypid, null) as type
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
"""

CHECKED = """
select format('%s.%s', c.conrelid::regclass, a.attname) as name
from pg_constraint as c
cross join lateral unnest(c.conkey) as k (number)
join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.number
where c.contype = 'c' and c.connamespace = 'public'::regnamespace and pg_get_constraintdef(c.oid) ~ '= ANY \\(|IN \\('
"""

# Why each of these names no warehouse.
ACROSS_WAREHOUSES = {
    "inventory_transactions.parts_are_taken_for_a_work_order": (
        "parts were taken from the old site's stock, wherever the order goes later; checked when they are taken"
    ),
}

# Why each of these has no index.
WITHOUT_INDEX = {
    "work_orders.a_work_order_is_requested_by_a_user_of_the_organization": "a person is retired, not deleted",
    "work_orders.a_work_order_is_verified_by_a_user_of_the_organization": "a person is retired, not deleted",
}

# Text columns named like a kind or a state that hold the site's own words.
OWN_WORDS = {
    "equipment.type": "kind of machine, in the site's own words",
    "work_order_assignments.role": "the part a person has in an order, in the site's own words",
    "work_order_attachments.content_type": "a media type; its form is checked",
}


def _tables_with_a_warehouse(owner: Connection) -> set[str]:
    """Not users: a person is in no warehouse, and users.warehouse_id is what his forms start with."""
    return {row["relation"] for row in owner.execute(COLUMNS) if row["name"] == "warehouse_id"} - {"users"}


def test_what_is_in_a_warehouse_refers_to_nothing_in_another(owner: Connection) -> None:
    """By a key over both columns, which the database checks, whoever writes."""
    placed = _tables_with_a_warehouse(owner)
    loose = {
        row["name"]
        for row in owner.execute(REFERENCES)
        if row["referencing"] in placed
        and row["referenced"] in placed
        # A reference to the same warehouse column on both sides, at the same place of the key.
        and ("warehouse_id", "warehouse_id") not in zip(row["columns"], row["targets"], strict=True)
    }
    assert loose == ACROSS_WAREHOUSES.keys()


def test_what_refers_is_found_by_an_index(owner: Connection) -> None:
    """Else a delete, or a move that cascades, reads the whole table for each row."""
    slow = {
        row["name"]
        for row in owner.execute(REFERENCES)
        # A warehouse is retired. One that is deleted is empty or refused; who deletes it may wait for the scan.
        if not row["has_index"] and row["referenced"] != "warehouses"
    }
    assert slow == WITHOUT_INDEX.keys()


def test_every_kind_and_state_is_one_of_a_list(owner: Connection) -> None:
    """A status that nobody knows is on no board."""
    checked = {row["name"] for row in owner.execute(CHECKED)}
    free = {
        f"{row['relation']}.{row['name']}"
        for row in owner.execute(COLUMNS)
        if row["type"] == "text"
        and row["name"].rpartition("_")[2] in {"status", "type", "kind", "role", "priority", "criticality", "state"}
        and f"{row['relation']}.{row['name']}" not in checked
    }
    assert free == OWN_WORDS.keys()
