"""docs/traceability.md: nothing that it says is somewhere is not there, and the seed's own lists are met."""

import ast
import re
import tomllib
from functools import cache

from tests.contract.documents import ROOT, read, tables
from tests.fixtures.postgres import Database

TRACEABILITY = read("docs/traceability.md")
SECTIONS = (
    "Design card",
    "Technology stack",
    "Architecture patterns",
    "Essential files",
    "Core tables",
    "Schema design principles",
    "Data integrity",
    "Security implementation",
    "Row level security patterns",
    "Audit and compliance",
    "Index strategy",
    "Query optimization",
    "Monitoring and maintenance",
    "Migration management",
    "Monitoring and alerting",
    "Alert thresholds",
    "Development workflow",
    "Documentation requirements",
    "Critical considerations",
    "Success criteria",
    "Common tasks",
    "Continuous improvement",
)

# A test, as pytest is told it; a path of the repository.
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")
_PATH = re.compile(r"`([\w.-]+(?:/[\w./-]*|\.\w+))`")

COLUMNS = {
    "organizations": "id, name, settings, created_at, updated_at",
    "warehouses": "id, organization_id, name, location, settings",
    "users": "id, warehouse_id, role, email, profile_data",
    "equipment": "id, warehouse_id, name, type, status, specifications",
    "equipment_hierarchy": "parent_id, child_id, relationship_type",
    "equipment_maintenance_history": "id, equipment_id, work_order_id, details",
    "work_orders": "id, warehouse_id, equipment_id, type, status, priority",
    "work_order_assignments": "work_order_id, user_id, role, assigned_at",
    "work_order_timeline": "id, work_order_id, event_type, details, timestamp",
    "inventory_items": "id, warehouse_id, name, category, quantity, specifications",
    "inventory_transactions": "id, item_id, transaction_type, quantity, reference",
    "inventory_locations": "id, warehouse_id, name, capacity, current_usage",
    "maintenance_schedules": "id, equipment_id, schedule_type, frequency, next_due",
    "maintenance_templates": "id, warehouse_id, name, tasks, estimated_duration",
    "maintenance_history": "id, schedule_id, work_order_id, completed_at, results",
}
"""The seed's list, word by word."""


@cache
def functions_of(path: str) -> frozenset[str]:
    """Names of the test functions of a file."""
    tree = ast.parse(read(path))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def rows() -> list[list[str]]:
    """Every row of every table but their headings."""
    return [row for table in tables(TRACEABILITY) for row in table[1:]]


def test_every_row_is_filled_and_what_it_names_exists() -> None:
    """A name that leads nowhere would claim what nobody can check."""
    wrong = []
    for row in rows():
        asked, where, shown = row
        if not (asked and where and shown):
            wrong.append(f"an empty cell: {row}")
        for path, test in _TEST.findall(f"{where} {shown}"):
            if not (ROOT / path).is_file():
                wrong.append(path)
            elif test and test not in functions_of(path):
                wrong.append(f"{path}::{test}")
        wrong += [path for path in _PATH.findall(where) if not (ROOT / path).exists()]
        if not _TEST.search(shown) and not re.search(r"\b(not yet|outside)\b", shown):
            wrong.append(f"neither a test nor a word why not: {asked}")
    assert not wrong


def test_every_section_of_the_seed_has_its_table() -> None:
    """In the seed's order, so that the two can be read side by side."""
    assert tuple(re.findall(r"^## (.*)$", TRACEABILITY, re.MULTILINE)) == SECTIONS
    assert len(tables(TRACEABILITY)) == len(SECTIONS)
    assert len(rows()) > 120


def test_every_core_table_is_a_row_with_the_columns_that_were_asked_for() -> None:
    """In the seed's own notation."""
    asked = {row[0] for row in rows()}
    assert {f"{table} ({columns})" for table, columns in COLUMNS.items()} <= asked


async def test_every_table_and_column_of_the_seed_is_there(database: Database) -> None:
    """Under the very names that the seed has."""
    async with database.owner() as connection:
        cursor = await connection.execute(
            "select c.relname, a.attname from pg_class as c join pg_attribute as a on a.attrelid = c.oid"
            " where c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped"
        )
        found = set(await cursor.fetchall())
    asked = {(table, column) for table, columns in COLUMNS.items() for column in columns.split(", ")}
    assert asked - found == set()


async def test_there_is_an_index_of_each_kind(database: Database) -> None:
    """That the seed names, but covering ones: `where` says why."""
    async with database.owner() as connection:
        cursor = await connection.execute(
            "select i.indnkeyatts > 1, i.indpred is not null, i.indexprs is not null, i.indisprimary"
            " from pg_index as i join pg_class as c on c.oid = i.indrelid"
            " where c.relnamespace = 'public'::regnamespace"
        )
        kinds = [any(column) for column in zip(*await cursor.fetchall(), strict=True)]
    assert kinds == [True, True, True, True]


def test_the_packages_of_the_design_card_are_used() -> None:
    """Required, and imported where the product or its tests run."""
    project = tomllib.loads(read("pyproject.toml"))
    required = " ".join([*project["project"]["dependencies"], *project["dependency-groups"]["dev"]])
    for package in ("psycopg", "websockets", "pydantic", "orjson", "redis", "pytest-asyncio"):
        assert re.search(rf"\b{package}\b", required), package
    source = "".join(path.read_text() for path in (ROOT / "service" / "floorcast").rglob("*.py"))
    for module in ("asyncio", "psycopg", "websockets", "pydantic", "orjson", "redis"):
        assert re.search(rf"^(import|from) {module}\b", source, re.MULTILINE), module


def test_the_top_level_is_that_of_the_design_card() -> None:
    """Names that others look for."""
    for name in ("pyproject.toml", "service", "schema", "triggers", "tests", "Procfile"):
        assert (ROOT / name).exists(), name
