"""docs/schema.md says what the database says of itself."""

import re

import pytest
from tests.contract.documents import ROOT
from tests.fixtures.description import describe
from tests.fixtures.diagram import Entity, Key, diagram, faults
from tests.fixtures.postgres import Connection, Database

DOCUMENT = ROOT / "docs" / "schema.md"
MARK = "<!-- From here on generated from the comments in schema/ and triggers/ by `make snapshot`. -->\n"

_MERMAID = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)


async def test_the_generated_part_is_what_a_migrated_database_says(
    database: Database, pytestconfig: pytest.Config
) -> None:
    """Tables, columns, laws and triggers are described once, in SQL."""
    written, mark, _ = DOCUMENT.read_text().partition(MARK)
    assert mark, f"docs/schema.md has lost the line {MARK!r}"
    async with database.owner() as connection:
        current = f"{written}{mark}\n{await describe(connection)}"
    if pytestconfig.getoption("--write-snapshot"):
        DOCUMENT.write_text(current)
    assert DOCUMENT.read_text() == current, "docs/schema.md is out of date: run `make snapshot`"


async def test_every_diagram_can_be_drawn(database: Database) -> None:
    """A renderer shows an error in place of a diagram that it does not understand, and nobody notices for a year."""
    async with database.owner() as connection:
        drawings = _MERMAID.findall(await describe(connection))
    assert [fault for drawing in drawings for fault in faults(drawing)] == []
    assert len(drawings) > 5


async def test_every_table_is_drawn_once_and_every_foreign_key_is(database: Database) -> None:
    """In the diagrams of areas; the one at a glance leaves columns out."""
    async with database.owner() as connection:
        page = await describe(connection)
        tables = await _names(
            connection,
            "select c.oid::regclass::text from pg_class as c where c.relkind in ('r', 'p') and not c.relispartition"
            " and c.relnamespace in ('public'::regnamespace, 'floorcast'::regnamespace)",
        )
        foreign = await _names(
            connection,
            "select conname from pg_constraint where contype = 'f' and conparentid = 0"
            " and connamespace in ('public'::regnamespace, 'floorcast'::regnamespace)",
        )
    areas = "".join(_MERMAID.findall(page)[1:])
    assert sorted(re.findall(r'^    "?([\w.]+)"? \{$', areas, re.MULTILINE)) == sorted(tables)
    assert sorted(re.findall(r' : "(.*)"$', areas, re.MULTILINE)) == sorted(name.replace("_", " ") for name in foreign)


async def test_a_table_that_is_new_is_described_with_all_that_hangs_on_it(database: Database) -> None:
    """What the generator left out would be missing on the page, and no comparison would tell."""
    async with database.owner() as connection:
        await connection.execute("""
            create table public.ladders (
                id uuid primary key,
                warehouse_id uuid references public.warehouses on delete set null,
                height numeric(4, 2) default 2.5,
                constraint a_ladder_is_not_a_tower check (height < 20)
            );
            comment on table public.ladders is 'What people climb | and fall from.';
            comment on column public.ladders.height is 'In metres.';
            create unique index one_ladder_of_a_height on public.ladders (height) where height > 3;
            comment on index public.one_ladder_of_a_height is 'One is enough.';
            create policy short_ladders on public.ladders as restrictive for select to authenticated using (height < 2);
            comment on policy short_ladders on public.ladders is 'Vertigo.';
            create trigger _100_touch before update on public.ladders for each row execute function floorcast.touch();
            comment on trigger _100_touch on public.ladders is 'Climbed.';
        """)
        page = await describe(connection)
    section = page.partition("### public.ladders\n")[2].partition("\n### ")[0]
    for expected in (
        "What people climb | and fall from.",
        "| `height` | numeric(4,2), or null, else `2.5` | In metres. |",
        "- primary: `(id)`",
        "`(warehouse_id)` → `public.warehouses (id)`, on delete set null, on update no action",
        "- a ladder is not a tower: `CHECK ((height < (20)::numeric))`",
        "| `one_ladder_of_a_height`, unique | `btree (height) WHERE (height > (3)::numeric)` | One is enough. |",
        "| `short_ladders` | authenticated | select, besides all others | `(height < (2)::numeric)` | Vertigo. |",
        "1. `_100_touch` before update, each row: `touch()`. Climbed.",
    ):
        assert expected in section, f"{expected!r} is not in:\n{section}"
    assert '    warehouses |o..o{ ladders : "ladders warehouse id fkey"' in page.partition("### Further tables")[2]


@pytest.mark.parametrize(
    ("drawing", "fault"),
    [
        ("graph TD\n", "it does not begin with erDiagram"),
        ('erDiagram\n    a ||--o{ b : "says "so""\n', 'line 2:     a ||--o{ b : "says "so""'),
        ("erDiagram\n    floorcast.change {\n    }\n", "line 2:     floorcast.change {"),
        ("erDiagram\n    a {\n        double precision x PK\n    }\n", "line 3:         double precision x PK"),
        ("erDiagram\n    a {\n        int x PK FK\n    }\n", "line 3:         int x PK FK"),
        ("erDiagram\n    a {\n        int x PK\n", "an entity is not closed"),
    ],
)
def test_a_diagram_that_no_renderer_understands_is_found(drawing: str, fault: str) -> None:
    """The check would be worth nothing if it let everything pass."""
    assert fault in faults(drawing)


def test_names_that_are_not_words_are_quoted() -> None:
    """A table of another schema, or one that somebody named with a space."""
    key = Key("one_of_many", "f", ("depot",), "public.depots and yards")
    entity = Entity("floorcast.case", (("depot", "timestamp with time zone"),), frozenset(), (key,))
    drawing = diagram([entity])
    assert '"depots and yards" ||..o{ "floorcast.case" : "one of many"' in drawing
    assert "        timestamptz depot FK" in drawing
    assert faults(drawing) == []


async def _names(connection: Connection, query: str) -> list[str]:
    return [row[0] for row in await (await connection.execute(query.encode())).fetchall()]
