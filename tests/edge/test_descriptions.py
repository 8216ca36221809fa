"""Schemas of rows, from a real catalogue, held against rows that Postgres writes."""

import orjson
from jsonschema import Draft202012Validator
from tests.fixtures.postgres import Database

from floorcast.access.policy import EVERYTHING, View
from floorcast.database.lookout import Lookout
from floorcast.gateway.table_schemas import TableSchemas

_ROW = (
    "insert into lathes values ('5fd4ce60-e64d-57a9-b065-c518386053e7', 9223372036854775807, 1.10, 'NaN', 'on', "
    "'open', 'infinity', '{{1,2},{3,null}}', '[1]', 'x', null)"
)


async def test_a_row_is_as_its_schema_says_and_what_is_not_is_noticed(database: Database) -> None:
    """Every kind of value as `row_to_json` writes it; lists of words of a type and of a check."""
    async with database.owner() as owner:
        for statement in (
            "create type state as enum ('on', 'off')",
            (
                "create table lathes (site uuid, no bigint primary key, cost numeric not null, load float8 not null, "
                "state state not null, kind text not null check (kind in ('open', 'it''s')), "
                "since timestamptz not null, grid int[] not null, more jsonb not null, "
                "code varchar(9) not null, note text)"
            ),
            "comment on column lathes.note is 'What was said.'",
            "select floorcast.track('lathes', 'site')",
            _ROW,
        ):
            await owner.execute(statement)  # type: ignore[arg-type]
        row = orjson.loads(
            (await (await owner.execute("select row_to_json(l)::text from lathes as l")).fetchone() or [""])[0]
        )
    lookout = Lookout(database.service_url)
    shapes, descriptions = await lookout.described()
    await lookout.aclose()

    async def look():  # type: ignore[no-untyped-def]  # noqa: ANN202 — what was found, as if it were protected
        return {name: _protected(shape) for name, shape in shapes.items()}, descriptions

    schemas = TableSchemas(look, lambda: 0.0)
    assert await schemas.schemas("service_role", "") is None
    schemas.views = lambda _role, _user: {"north": EVERYTHING}
    schema = (await schemas.schemas("service_role", "") or {})["lathes"]
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(row)] == []
    properties = schema["properties"]
    assert properties["state"]["enum"] == ["on", "off"]
    assert properties["kind"]["enum"] == ["open", "it's"]
    assert properties["note"] == {"description": "What was said.", "type": ["string", "null"]}
    for name, value in {"no": 2**63, "cost": None, "load": "none", "state": "", "kind": "x", "grid": 1}.items():
        assert list(validator.iter_errors({**row, name: value})), name
    # Of who may read it nowhere nobody is told; what is hidden somewhere may be null.
    schemas.views = lambda _role, _user: {"north": View(frozenset({"lathes"}), {}, {"lathes": frozenset({"cost"})})}
    (table,) = (await schemas.schemas("authenticated", "anna") or {}).values()
    assert not list(Draft202012Validator(table).iter_errors({**row, "cost": None}))


def _protected(shape):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    return type(shape)(shape.table, shape.columns, shape.key, shape.scope, shape.place_column)
