"""Webhooks of consumers: where their changes are posted, and the secrets that the posts are signed with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from starlette.requests import Request
from starlette.responses import Response

from floorcast.database.caller import Caller
from floorcast.http.caller import Verifier, identify
from floorcast.http.owned import as_owner, asked_object, nothing, private
from floorcast.http.problem import Refused

_MOST = 1_000
_DEFAULT = 100

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
            asked = await asked_object(request, {"url", "signature", "changes"})
            url, most = asked.get("url"), asked.get("changes", _DEFAULT)
            if not isinstance(url, str):
                raise Refused("bad_request", "url: the body names where to post.")
            if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= _MOST:
                raise Refused("bad_request", f"changes: of one message, 1 to {_MOST}.")
            scheme = _scheme(asked.get("signature", "v1"))
            return private(await as_owner(self.webhooks.put(caller, consumer, url, scheme, most)))
        if request.method == "DELETE":
            await as_owner(self.webhooks.remove(caller, consumer))
            return nothing()
        return private(await as_owner(self.webhooks.show(caller, consumer)))

    async def rotate(self, request: Request) -> Response:
        """POST /v1/consumers/{name}/rotate."""
        caller = identify(request, self.verifier)
        asked = await asked_object(request, {"signature"})
        scheme = _scheme(asked["signature"]) if "signature" in asked else None
        return private(await as_owner(self.webhooks.rotate(caller, request.path_params["name"], scheme)))

    async def ping(self, request: Request) -> Response:
        """POST /v1/consumers/{name}/test."""
        caller = identify(request, self.verifier)
        return private(await as_owner(self.webhooks.ping(caller, request.path_params["name"])))


def _scheme(said: object) -> Scheme:
    match said:
        case "v1" | "v1a":
            return said
        case _:
            raise Refused("bad_request", "signature: v1 (HMAC-SHA256) or v1a (Ed25519).")
