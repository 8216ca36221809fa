"""What rows look like, for programs that check or store them: JSON Schemas by table and version."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response

from floorcast.errors import DatabaseUnavailable
from floorcast.http.caller import Verifier, identify
from floorcast.http.problem import Refused
from floorcast.http.unchanged import document

# Each asks whether its copy still stands: what one may see can change, and no two see the same.
_HEADERS = {"cache-control": "private, no-cache", "vary": "Authorization"}

_LATER = {"retry-after": "2"}


class Schemas(Protocol):
    """Who knows."""

    async def schemas(self, role: str, user: str) -> Mapping[str, dict[str, Any]] | None:
        """Return the schema of each table that a token's role and user may read; None before that is known.

        Raises DatabaseUnavailable. Each schema's `$id` is its address, its version is the last part of that.
        """
        ...


@dataclass(frozen=True, slots=True)
class SchemasEndpoint:
    """The addresses under /v1/schemas."""

    source: Schemas
    verifier: Verifier

    async def tables(self, request: Request) -> Response:
        """GET /v1/schemas: which tables there are, and in which version."""
        schemas = await self._read(request)
        listed = [
            {"table": table, "version": schema["x-floorcast-version"], "schema": schema["$id"]}
            for table, schema in schemas.items()
        ]
        return document(request, orjson.dumps({"tables": listed}), "application/json", _HEADERS)

    async def table(self, request: Request) -> Response:
        """GET /v1/schemas/{table}: as the table is now."""
        return _send(request, await self._find(request))

    async def version(self, request: Request) -> Response:
        """GET /v1/schemas/{table}/{version}: the same, as long as it is of that version."""
        schema = await self._find(request)
        if schema["x-floorcast-version"] != request.path_params["version"]:
            raise Refused("not_found", f"The table is in version {schema['x-floorcast-version']} now.")
        return _send(request, schema)

    async def _find(self, request: Request) -> dict[str, Any]:
        schema = (await self._read(request)).get(request.path_params["table"])
        if schema is None:
            # Of a table that is there and not his to read, nobody is told.
            raise Refused("not_found", "There is no such table, or you do not read it.")
        return schema

    async def _read(self, request: Request) -> Mapping[str, dict[str, Any]]:
        caller = identify(request, self.verifier)
        user = str(orjson.loads(caller.claims).get("sub") or "")
        try:
            schemas = await self.source.schemas(caller.role, user)
        except DatabaseUnavailable as error:
            raise Refused("unavailable", str(error), _LATER) from error
        if schemas is None:
            raise Refused("not_ready", "Who may read what is not known here yet.", _LATER)
        return schemas


def _send(request: Request, schema: dict[str, Any]) -> Response:
    headers = _HEADERS | {"content-location": schema["$id"]}
    return document(request, orjson.dumps(schema), "application/schema+json", headers)
