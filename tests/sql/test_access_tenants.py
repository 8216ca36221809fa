"""Nothing points across warehouses, nothing moves across, and nobody is told what there is on the other side."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from tests.sql.attempts import Actor, Attempts, Outcome
from tests.sql.world import INSERTS, Site, insert, update

PLACES = {"warehouse_id", "organization_id"}


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that a foreign key holds to another table."""

    table: str
    column: str
    to: str


def references(attempts: Attempts) -> Iterator[Reference]:
    """Each column of each foreign key of the CMMS; the place itself only where the key is about nothing else."""
    rows = attempts.owner.execute(
        """
        select c.conrelid::regclass::text as from_table, c.confrelid::regclass::text as to_table,
            array(
                select a.attname::text from unnest(c.conkey) as k join pg_attribute as a
                    on a.attrelid = c.conrelid and a.attnum = k
            ) as columns
        from pg_constraint as c
        where c.contype = 'f' and c.connamespace = 'public'::regnamespace
        order by c.conname
        """
    ).fetchall()
    assert len(rows) > 30
    for row in rows:
        columns = set(row["columns"])
        for column in sorted(columns - PLACES or columns):
            to = "organizations" if column == "organization_id" else row["to_table"]
            yield Reference(row["from_table"], column, to)


def told(outcome: Outcome) -> tuple[int, str | None, str]:
    """What whoever tried learns, apart from the keys that he gave himself."""
    return outcome.rows, outcome.code, re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "…", outcome.said)


def admin_of(site: Site) -> Actor:
    """Who may do most there, and nothing elsewhere."""
    return Actor("a", "authenticated", site.person("admin"), site)


SERVER = Actor("S", "service_role", None)


def foreign(attempts: Attempts, reference: Reference) -> list[str]:
    """Rows of the other sites that it could point to: of people, only those of another organization are foreign."""
    sites = (
        [attempts.world.east]
        if reference.to in ("users", "organizations")
        else [attempts.world.south, attempts.world.east]
    )
    key = "technician" if reference.to == "users" else reference.to
    return [site.keys[key] for site in sites]


def pointing(attempts: Attempts, reference: Reference, to: str) -> list[str]:
    """Statements that would make a row of North point there: a new one, and one that is there."""
    north, table = attempts.world.north, reference.table
    return [
        insert(table, {**north.values(table), reference.column: to}),
        update(table, north.key(table), reference.column, to),
    ]


def test_no_row_points_into_another_warehouse_or_organization(attempts: Attempts) -> None:
    """By no foreign key, new rows and old ones, and the words are those for a row that does not exist."""
    wrong = []
    for reference in references(attempts):
        for there in foreign(attempts, reference):
            real = attempts.attempt(admin_of(attempts.world.north), pointing(attempts, reference, there))
            none = attempts.attempt(admin_of(attempts.world.north), pointing(attempts, reference, str(uuid4())))
            for verb, outcome, other in zip(("insert", "update"), real, none, strict=True):
                if outcome.code is None and outcome.rows:
                    wrong.append(f"{verb} {reference}: it points there")
                elif told(outcome) != told(other):
                    wrong.append(f"{verb} {reference}: {outcome.said} — and of none: {other.said}")
    assert not wrong, "\n".join(wrong)


def test_not_even_a_server_points_into_another_warehouse(attempts: Attempts) -> None:
    """Its policies let everything pass: what stops it are keys over both columns."""
    wrong = [
        f"{verb} {reference}"
        for reference in references(attempts)
        if reference.column not in PLACES
        for there in foreign(attempts, reference)
        for verb, outcome in zip(
            ("insert", "update"), attempts.attempt(SERVER, pointing(attempts, reference, there)), strict=True
        )
        if outcome.code is None and outcome.rows
    ]
    assert not wrong, "\n".join(wrong)


def test_no_row_moves_to_a_warehouse_of_others(attempts: Attempts) -> None:
    """Nor is there any telling whether the warehouse exists."""
    north = attempts.world.north
    places = [site.keys["warehouses"] for site in (attempts.world.south, attempts.world.east)]
    tables = [table for table, values in INSERTS.items() if "warehouse_id" in values]
    for role in ("technician", "manager", "admin"):
        actor = Actor("?", "authenticated", north.person(role), north)
        for table in tables:
            *moved, none = attempts.attempt(
                actor, [update(table, north.key(table), "warehouse_id", place) for place in (*places, str(uuid4()))]
            )
            for outcome in moved:
                assert not (outcome.code is None and outcome.rows), (role, table)
                assert told(outcome) == told(none), (role, table)


def strangers(attempts: Attempts) -> list[Actor]:
    """Who has no business in North."""
    return [actor for actor in attempts.actors() if actor.letter in "xowdn"]


@pytest.mark.parametrize("table", INSERTS)
def test_a_stranger_is_told_nothing_about_rows(attempts: Attempts, table: str) -> None:
    """Of a row that is there he hears what he hears of one that is not: to change, delete, retire, restore, add to."""
    north = attempts.world.north
    nowhere = Site({name: str(uuid4()) for name in north.keys} | {"name": "Nowhere"})
    hidden = [actor for actor in strangers(attempts) if (table, actor.letter) != ("organizations", "x")]
    for actor in hidden:
        real, none = (attempts.attempt(actor, statements(site, table)) for site in (north, nowhere))
        for statement, outcome, other in zip(statements(north, table), real, none, strict=True):
            assert not (outcome.code is None and outcome.rows), (actor, statement)
            assert told(outcome) == told(other), (actor, statement)


def statements(site: Site, table: str) -> list[str]:
    """What a stranger tries with the row of a site, and in its place."""
    key, values = site.key(table), site.values(table)
    found = [f"{column} = '{text}'" for column, text in key.items()]
    then = [f"r ->> '{column}' = '{text}'" for column, text in key.items()]
    one = key.get("id", "00000000-0000-0000-0000-000000000000")
    column = next(iter(values))
    without_place = {name: text for name, text in values.items() if name not in PLACES} or values
    return [
        f"select 1 from visible.{table} where {' and '.join(found)}",
        f"update public.{table} set {column} = {column} where {' and '.join(found)}",
        f"delete from public.{table} where {' and '.join(found)}",
        f"select floorcast.retire('public.{table}', '{one}')",
        f"select floorcast.restore('public.{table}', '{one}')",
        f"select 1 from floorcast.history('public.{table}', '{json.dumps(dict(key))}')",
        f"select 1 from floorcast.as_of('public.{table}', clock_timestamp()) as r where {' and '.join(then)}",
        insert(table, values),
        insert(table, without_place),
    ]


def test_a_stranger_adds_nothing_to_rows_of_others_from_his_own_place(attempts: Attempts) -> None:
    """Each key of North by itself in a row of South and of East, compared with a key that nobody has."""
    north = attempts.world.north
    for site in (attempts.world.south, attempts.world.east):
        for reference in references(attempts):
            if reference.to in ("users", "organizations") and site is attempts.world.south:
                continue
            key = "technician" if reference.to == "users" else reference.to
            values = site.values(reference.table)
            real, none = attempts.attempt(
                admin_of(site),
                [insert(reference.table, {**values, reference.column: to}) for to in (north.keys[key], str(uuid4()))],
            )
            assert not (real.code is None and real.rows), reference
            assert told(real) == told(none), reference
