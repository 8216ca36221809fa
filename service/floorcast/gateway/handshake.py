"""The opening handshake, without a socket: a request's head in, an answer out.

A refusal is plain HTTP with `{"error", "code"}`, so that somebody with curl learns why. Browsers show scripts none of
it: to them a refused socket is one that never opened.
"""

import http
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import orjson
from websockets.http11 import Request
from websockets.server import ServerProtocol

from floorcast.access.claims import Claims
from floorcast.errors import CODES, TokenError
from floorcast.gateway.body import headers
from floorcast.gateway.wire import VERSIONS, Version

LARGEST_HEAD = 16_384
"""Bytes of a request's head, its last empty line included."""

_PATHS = ("/realtime/v1/websocket", "/socket/websocket")
_HEAD_END = b"\r\n\r\n"
_MOST_PARAMETERS = 32

QUIET = logging.getLogger("floorcast.websockets")
QUIET.setLevel(logging.CRITICAL)
"""For the library's own words: what is worth telling is observed, and strangers must not be able to fill a log."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """It is a socket from here on."""

    response: bytes
    claims: Claims
    version: Version
    # The URL's parameter `remember`, as it is written.
    remember: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The connection ends with this response; `code` is a key of `errors.CODES`."""

    code: str
    response: bytes


def head_end(received: bytes | bytearray) -> int:
    """Return where a request's head ends, -1 while it has not."""
    end = received.find(_HEAD_END)
    return end + len(_HEAD_END) if end >= 0 else -1


def wants_socket(head: bytes | bytearray) -> bool:
    """Whether a request asks to become a WebSocket; everything else is for the HTTP application."""
    return any(name == b"upgrade" and b"websocket" in value for name, value in headers(head))


def forwarded_for(head: bytes | bytearray) -> list[str]:
    """Return what proxies, or whoever likes to, wrote about where a request comes from."""
    return [value.decode("latin-1") for name, value in headers(head) if name == b"x-forwarded-for"]


def answer(head: bytes, verify: Callable[[str], Claims]) -> Accepted | Refused:
    """Decide about a request that asks for a socket; `head` is complete and ends with its empty line."""
    protocol = ServerProtocol(logger=QUIET)
    protocol.receive_data(head)
    request = next((event for event in protocol.events_received() if isinstance(event, Request)), None)
    if request is None:
        return refuse("bad_request", "The request is not well-formed HTTP.")
    address = _read_address(request.path)
    if isinstance(address, Refused):
        return address
    version, query = address
    try:
        claims = verify(_token(request, query))
    except TokenError as error:
        return refuse(error.code, str(error))
    response = protocol.accept(request)
    if response.status_code != http.HTTPStatus.SWITCHING_PROTOCOLS:
        reason = (response.body or b"").decode(errors="replace").strip()
        return refuse("bad_request", reason or "The handshake is not well-formed.")
    return Accepted(response.serialize(), claims, version, query.get("remember", [None])[-1])


def refuse(code: str, detail: str = "", *, again_in: float | None = None) -> Refused:
    """Return the HTTP answer of a code, the connection ends behind it; `again_in` seconds the client may come back."""
    known = CODES[code]
    status = http.HTTPStatus(known.status or http.HTTPStatus.BAD_REQUEST)
    facts: dict[str, object] = {"error": detail or known.message, "code": code}
    if again_in is not None:
        facts["retry_after_ms"] = round(again_in * 1000)
    body = orjson.dumps(facts)
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if status is http.HTTPStatus.UNAUTHORIZED:
        lines.append("WWW-Authenticate: Bearer")
    if again_in is not None:
        lines.append(f"Retry-After: {math.ceil(again_in)}")
    return Refused(code, "\r\n".join([*lines, "", ""]).encode() + body)


def _read_address(path: str) -> tuple[Version, dict[str, list[str]]] | Refused:
    """Return the version that is asked for and the query's parameters; unknown ones belong to the client."""
    try:
        address = urlsplit(path)
        query = parse_qs(address.query, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return refuse("bad_request", "The address is not well-formed.")
    if address.path not in _PATHS:
        return refuse("not_found", f"Sockets are at {' and '.join(_PATHS)}.")
    version = VERSIONS.get(query.get("vsn", ["1.0.0"])[-1])
    return refuse("version_unsupported") if version is None else (version, query)


def _token(request: Request, query: dict[str, list[str]]) -> str:
    """Return the token from wherever clients put it; empty when there is none."""
    for name in ("apikey", "token"):
        if name in query:
            return query[name][-1]
    for value in request.headers.get_all("x-api-key"):
        return value.strip()
    for value in request.headers.get_all("Authorization"):
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
    return ""
