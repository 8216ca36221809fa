"""What is said in rooms by HTTP, as Supabase's clients do before they have joined, and servers that never join."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from floorcast.access.claims import Claims
from floorcast.broadcast import Broadcast, Room
from floorcast.errors import DatabaseUnavailable, TokenError
from floorcast.http.announcement import TooMany, Unsayable, read_batch, read_single
from floorcast.http.caller import Verifier
from floorcast.http.pace import Pace

_EVERYBODY = ""

_HEADERS = re.compile(r"[A-Za-z0-9, _-]{1,1000}")

_USUAL_HEADERS = "authorization, apikey, content-type, x-client-info"

_CORS = {"access-control-allow-origin": "*", "cache-control": "no-store"}


class Announcer(Protocol):
    """Speaks in rooms."""

    async def announce(self, claims: Claims, messages: Sequence[Broadcast]) -> None:
        """Say these; what the caller may not say is passed over. Raises DatabaseUnavailable: nothing was said."""
        ...


class _Answered(Exception):  # noqa: N818 — ends a request with its answer
    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.answer = JSONResponse(body, status, _CORS | (headers or {}))


@dataclass(frozen=True, slots=True)
class BroadcastEndpoint:
    """The addresses under /api/broadcast."""

    announcer: Announcer
    verifier: Verifier
    # Of this process, and of one user.
    pace: Pace
    user_pace: Pace
    clock: Callable[[], float]

    async def batch(self, request: Request) -> Response:
        """POST /api/broadcast: several messages, for rooms that each of them names."""
        return await self._answer(request, self._read_batch)

    async def single(self, request: Request) -> Response:
        """POST /api/broadcast/{topic}/events/{event}: one, whose payload is the body."""
        return await self._answer(request, self._read_single)

    async def _answer(self, request: Request, read: "Callable[[Request, bytes], Sequence[Broadcast]]") -> Response:
        if request.method == "OPTIONS":
            return _preflight(request)
        try:
            return await self._say(request, read)
        except _Answered as answered:
            # What is thrown away here need not end the connection.
            async for _ in request.stream():
                pass
            return answered.answer
        except ClientDisconnect:
            return Response(status_code=400)

    async def _say(self, request: Request, read: "Callable[[Request, bytes], Sequence[Broadcast]]") -> Response:
        claims = self._identify(request)
        self._admit(claims)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and (kind != "application/octet-stream" or "topic" not in request.path_params):
            raise _Answered(415, {"error": "Unsupported Media Type"})
        body = await request.body()
        messages: Sequence[Broadcast] = ()
        try:
            messages = read(request, body)
        except Unsayable as error:
            raise _Answered(422, {"errors": error.faults}) from None
        except TooMany:
            raise _Answered(429, {"message": "Too many messages to broadcast, please reduce the batch size"}) from None
        finally:
            self._count(claims, max(1, len(messages)))
        try:
            await self.announcer.announce(claims, messages)
        except DatabaseUnavailable as error:
            raise _Answered(503, {"message": str(error)}, {"retry-after": "2"}) from error
        return Response(status_code=202, headers=_CORS)

    def _read_batch(self, _request: Request, body: bytes) -> Sequence[Broadcast]:
        return read_batch(body)

    def _read_single(self, request: Request, body: bytes) -> Sequence[Broadcast]:
        room = Room(request.path_params["topic"], request.query_params.get("private", "").lower() in ("true", "1"))
        binary = not request.headers.get("content-type", "").lower().startswith("application/json")
        return [read_single(room, request.path_params["event"], body, binary=binary)]

    def _identify(self, request: Request) -> Claims:
        try:
            return self.verifier.verify(_token(request))
        except TokenError as error:
            if error.code == "not_ready":
                raise _Answered(503, {"message": str(error)}, {"retry-after": "2"}) from error
            raise _Answered(401, {"message": "Unauthorized"}, {"www-authenticate": "Bearer"}) from None

    def _admit(self, claims: Claims) -> None:
        now = self.clock()
        wait = self.pace.wait(_EVERYBODY, now)
        # Who has no name has no place of his own: any stranger with the same public key could keep it taken.
        if claims.user:
            wait = max(wait, self.user_pace.wait(claims.user, now))
        if wait:
            later = {"retry-after": str(math.ceil(wait))}
            raise _Answered(429, {"message": "You have exceeded your rate limit"}, later)

    def _count(self, claims: Claims, count: int) -> None:
        now = self.clock()
        self.pace.take(_EVERYBODY, count, now)
        if claims.user:
            self.user_pace.take(claims.user, count, now)


async def ping(_request: Request) -> Response:
    """GET /api/ping: what Supabase's answers."""
    return JSONResponse({"message": "Success"}, headers=_CORS)


async def healthcheck(_request: Request) -> Response:
    """GET /healthcheck: that this is answered at all is the answer."""
    return PlainTextResponse("ok", headers=_CORS)


def _preflight(request: Request) -> Response:
    """Let every page ask: who may do what, tokens say, and no cookie is looked at."""
    asked = request.headers.get("access-control-request-headers", "")
    headers = {
        "access-control-allow-methods": "POST, OPTIONS",
        "access-control-allow-headers": asked if _HEADERS.fullmatch(asked) else _USUAL_HEADERS,
        "access-control-max-age": "86400",
    }
    return Response(status_code=204, headers=_CORS | headers)


def _token(request: Request) -> str:
    """Return the token from wherever clients put it; empty when there is none."""
    for value in request.headers.getlist("authorization"):
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return token.strip()
    return request.headers.get("apikey", "").strip() or request.query_params.get("apikey", "")
