"""The authorised reads of the page: which warehouses there are, and the first picture of one."""

import time
from dataclasses import dataclass
from typing import Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response

from floorcast.database.caller import Caller
from floorcast.database.picture import MOST_ROWS, RECENT_ROWS, Picture
from floorcast.errors import DatabaseUnavailable
from floorcast.http.caller import Verifier, identify, is_uuid
from floorcast.http.problem import Refused
from floorcast.observe import PictureRead, observe


class Pictures(Protocol):
    """Where pictures come from."""

    async def warehouses(self, caller: Caller) -> str:
        """Return a JSON array of the warehouses that the caller may open; raises DatabaseUnavailable."""
        ...

    async def picture(self, caller: Caller, warehouse: str) -> Picture | None:
        """Return one, or None where the caller may not look; raises DatabaseUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class PictureEndpoints:
    """The two addresses under /v1."""

    pictures: Pictures
    verifier: Verifier
    # Told to the screen, so that it knows how long silence may last before it is stale.
    progress_seconds: float

    async def warehouses(self, request: Request) -> Response:
        """GET /v1/warehouses."""
        caller = identify(request, self.verifier)
        try:
            warehouses = await self.pictures.warehouses(caller)
        except DatabaseUnavailable as error:
            raise Refused("unavailable", str(error), {"retry-after": "2"}) from error
        return _json(b'{"warehouses":' + warehouses.encode() + b"}")

    async def picture(self, request: Request) -> Response:
        """GET /v1/picture?warehouse=<id>."""
        caller = identify(request, self.verifier)
        asked = request.query_params.getlist("warehouse")
        if len(asked) != 1:
            raise Refused("bad_request", "Name one warehouse: /v1/picture?warehouse=<id>.")
        # What is no uuid names no warehouse; it gets the answer of one that is not the caller's business.
        picture = None
        began = time.perf_counter()
        if is_uuid(asked[0]):
            try:
                picture = await self.pictures.picture(caller, asked[0].lower())
            except DatabaseUnavailable as error:
                raise Refused("unavailable", str(error), {"retry-after": "2"}) from error
        if picture is None:
            raise Refused("forbidden", "This token opens no such warehouse.")
        body = compose(picture, self.progress_seconds)
        observe(PictureRead(time.perf_counter() - began, len(body)))
        return _json(body)


def compose(picture: Picture, progress_seconds: float) -> bytes:
    """Put the answer together around rows that stay as Postgres wrote them."""
    head = orjson.dumps(
        {
            "position": f"{picture.tick}-0",
            "incarnation": picture.incarnation,
            "at": picture.at,
            "progress_seconds": progress_seconds,
            "limits": {"rows": MOST_ROWS, "recent": RECENT_ROWS},
        }
    )
    return b"".join(
        (
            head[:-1],
            b',"warehouse":',
            picture.warehouse.encode(),
            b',"tables":',
            picture.tables.encode(),
            b"}",
        )
    )


def _json(body: bytes) -> Response:
    # no-store: what a person may see must not stay in a shared browser's cache.
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})
