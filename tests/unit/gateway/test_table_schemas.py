"""Whose schemas somebody is shown: those of tables that he reads, as he reads them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from floorcast.access.policy import EVERYTHING, View
from floorcast.gateway.table_schemas import KEEP_SECONDS, Described, TableSchemas
from floorcast.shape import ColumnDescription, TableDescription, TableShape

ROW = {"id": 1, "cost": 1.5}


def a_shape(table: str, *, is_protected: bool = True) -> TableShape:
    """One with an `id` and a `cost`, in places by its `site`."""
    shape = TableShape(table, {"id": "int4", "cost": "numeric"}, ("id",), "warehouse", "site")
    return shape if is_protected else TableShape(*_parts(shape), is_protected=False)


def _parts(shape: TableShape) -> tuple[Any, ...]:
    return shape.table, shape.columns, shape.key, shape.scope, shape.place_column


class Catalogue:
    """Counts who looks."""

    looks = 0

    async def look(self) -> Described:
        """Return two protected tables and one that is not, none of whose columns is ever null."""
        self.looks += 1
        await asyncio.sleep(0)
        shapes = {
            "lathes": a_shape("lathes"),
            "wages": a_shape("wages"),
            "open": a_shape("open", is_protected=False),
        }
        always = ColumnDescription(required=True, labels=(), comment="")
        described = TableDescription("", {"id": always, "cost": always})
        return shapes, dict.fromkeys(shapes, described)


def a_view(*, tables: set[str], hidden: Mapping[str, frozenset[str]]) -> View:
    """What somebody sees in one warehouse."""
    return View(frozenset(tables), {}, hidden)


async def test_somebody_is_shown_what_he_reads_in_some_warehouse_and_nothing_else() -> None:
    """Not even that there is another table; and of one that no policy protects nobody is told."""
    schemas = TableSchemas(Catalogue().look, lambda: 0.0)
    schemas.views = lambda _role, _user: {
        "north": a_view(tables={"lathes"}, hidden={}),
        "south": a_view(tables=set(), hidden={}),
    }
    assert set(await schemas.schemas("authenticated", "anna") or ()) == {"lathes"}
    schemas.views = lambda _role, _user: {}
    assert await schemas.schemas("authenticated", "anna") == {}
    schemas.views = lambda _role, _user: {"north": EVERYTHING}
    assert set(await schemas.schemas("service_role", "") or ()) == {"lathes", "wages"}


async def test_what_is_hidden_in_one_warehouse_may_be_null() -> None:
    """A program that follows several reads both."""
    schemas = TableSchemas(Catalogue().look, lambda: 0.0)
    full = a_view(tables={"lathes"}, hidden={})
    for views, may_be_null in (
        ({"north": full}, False),
        ({"north": full, "south": a_view(tables={"lathes"}, hidden={"lathes": frozenset({"cost"})})}, True),
    ):
        schemas.views = lambda _role, _user, views=views: views  # type: ignore[misc]
        validator = Draft202012Validator((await schemas.schemas("authenticated", "anna") or {})["lathes"])
        assert validator.is_valid(ROW)
        assert validator.is_valid({**ROW, "cost": None}) is may_be_null


async def test_one_look_at_the_catalogue_serves_all_who_ask_in_a_moment() -> None:
    """Programs ask together, when they start."""
    catalogue, now = Catalogue(), 0.0
    schemas = TableSchemas(catalogue.look, lambda: now)
    schemas.views = lambda _role, _user: {"north": EVERYTHING}
    await asyncio.gather(*(schemas.schemas("service_role", "") for _ in range(5)))
    assert catalogue.looks == 1
    now = KEEP_SECONDS * 2
    await schemas.schemas("service_role", "")
    assert catalogue.looks == 2
