"""Webhooks of consumers: where their changes are posted, and the secrets that the posts are signed with."""

import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from floorcast.database.caller import Caller
from floorcast.database.webhooks import OwnerRefused
from floorcast.errors import DatabaseUnavailable
from floorcast.http.caller import Verifier, identify
from floorcast.http.problem import Refused

_MOST = 1_000
_DEFAULT = 100

_CODES = {"42501": "forbidden", "P0002": "not_found"}
"""SQLSTATE → code; any other is a `bad_request`."""

Scheme = Literal["v1", "v1a"]


class Webhooks(Protocol):
    """Who keeps them. Every method raises OwnerRefused, or DatabaseUnavailable."""

    async def put(self, caller: Caller, consumer: str, url: str, scheme: Scheme, most: int) -> Mapping[str, Any]:
        """Have a consumer posted to; the answer has the receiver's `key` if it is new."""
        ...

    async def show(self, caller: Caller, consumer: str) -> Mapping[str, Any]:
        """Return what is known of one."""
        ...

    async def remove(self, caller: Caller, consumer: str) -> None:
        """Post nothing more."""
        ...

    async def rotate(self, caller: Caller, consumer: str, scheme: Scheme | None) -> Mapping[str, Any]:
        """Change the secret; the answer has the receiver's `key`."""
        ...

    async def ping(self, caller: Caller, consumer: str) -> Mapping[str, Any]:
        """Send a message without changes, and return what came of it."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookEndpoints:
    """The addresses behind /v1/consumers/{name}."""

    webhooks: Webhooks
    verifier: Verifier

    async def webhook(self, request: Request) -> Response:
        """GET, PUT or DELETE /v1/consumers/{name}/webhook."""
        caller, consumer = identify(request, self.verifier), request.path_params["name"]
        if request.method == "PUT":
            asked = await _body(request, {"url", "signature", "changes"})
            url, most = asked.get("url"), asked.get("changes", _DEFAULT)
            if not isinstance(url, str):
                raise Refused("bad_request", "url: the body names where to post.")
            if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= _MOST:
                raise Refused("bad_request", f"changes: of one message, 1 to {_MOST}.")
            scheme = _scheme(asked.get("signature", "v1"))
            return _answer(await _asking(self.webhooks.put(caller, consumer, url, scheme, most)))
        if request.method == "DELETE":
            await _asking(self.webhooks.remove(caller, consumer))
            return Response(status_code=204, headers={"cache-control": "no-store"})
        return _answer(await _asking(self.webhooks.show(caller, consumer)))

    async def rotate(self, request: Request) -> Response:
        """POST /v1/consumers/{name}/rotate."""
        caller = identify(request, self.verifier)
        asked = await _body(request, {"signature"})
        scheme = _scheme(asked["signature"]) if "signature" in asked else None
        return _answer(await _asking(self.webhooks.rotate(caller, request.path_params["name"], scheme)))

    async def ping(self, request: Request) -> Response:
        """POST /v1/consumers/{name}/test."""
        caller = identify(request, self.verifier)
        return _answer(await _asking(self.webhooks.ping(caller, request.path_params["name"])))


def _answer(said: Any) -> JSONResponse:
    # There may be a secret in it.
    return JSONResponse(said, headers={"cache-control": "no-store"})


def _scheme(said: object) -> Scheme:
    match said:
        case "v1" | "v1a":
            return said
        case _:
            raise Refused("bad_request", "signature: v1 (HMAC-SHA256) or v1a (Ed25519).")


async def _body(request: Request, names: set[str]) -> Mapping[str, Any]:
    """Return the object that a request brought, empty where it brought nothing."""
    text = await request.body()
    try:
        said = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Refused("bad_request", "The body is a JSON object.")
    unknown = sorted(said.keys() - names)
    if unknown:
        raise Refused("bad_request", f"{unknown[0][:100]}: not known here; known are {', '.join(sorted(names))}.")
    return said


async def _asking(asked: Awaitable[Any]) -> Any:
    try:
        return await asked
    except OwnerRefused as error:
        raise Refused(_CODES.get(error.state, "bad_request"), f"{error}.") from error
    except DatabaseUnavailable as error:
        raise Refused("unavailable", str(error), {"retry-after": "2"}) from error
