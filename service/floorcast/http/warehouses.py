"""What a screen reads before it joins: which warehouses its token opens."""

from dataclasses import dataclass
from typing import Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response

from floorcast.database.caller import Caller
from floorcast.errors import DatabaseUnavailable
from floorcast.http.caller import Verifier, identify
from floorcast.http.problem import Refused


class Warehouses(Protocol):
    """Who knows."""

    async def warehouses(self, caller: Caller) -> str:
        """Return a JSON array of the warehouses that the caller may open; raises DatabaseUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class WarehousesEndpoint:
    """The address under /v1."""

    source: Warehouses
    verifier: Verifier
    # Told to the screen, so that it knows how long silence may last before it is stale.
    progress_seconds: float

    async def read(self, request: Request) -> Response:
        """GET /v1/warehouses."""
        caller = identify(request, self.verifier)
        try:
            warehouses = await self.source.warehouses(caller)
        except DatabaseUnavailable as error:
            raise Refused("unavailable", str(error), {"retry-after": "2"}) from error
        # Rows stay as Postgres wrote them.
        body = b'{"warehouses":%b,"progress_seconds":%b}' % (warehouses.encode(), orjson.dumps(self.progress_seconds))
        # no-store: what a person may see must not stay in a shared browser's cache.
        return Response(body, media_type="application/json", headers={"cache-control": "no-store"})
