"""The HTTP addresses for tools: `/v1/openapi.json`."""

from functools import cache

import orjson
from starlette.requests import Request
from starlette.responses import Response

from floorcast.http.unchanged import document
from floorcast.protocol import openapi as protocol


async def openapi(request: Request) -> Response:
    """GET /v1/openapi.json: docs/openapi.json, for everybody."""
    return document(request, _body(), "application/json", {"cache-control": "no-cache"})


@cache
def _body() -> bytes:
    return orjson.dumps(protocol.document())
