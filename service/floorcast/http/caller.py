"""Who asks: a Bearer token becomes the caller in whose name the database is read."""

import re
from typing import Any, Protocol

import orjson
from starlette.requests import Request

from floorcast.access.claims import Claims
from floorcast.database.caller import Caller
from floorcast.errors import TokenError
from floorcast.http.problem import Refused

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Verifier(Protocol):
    """Decides whether a token is one of ours."""

    def verify(self, token: str) -> Claims:
        """Return what the token says; raises TokenError with a code of `errors.CODES`."""
        ...


def identify(request: Request, verifier: Verifier) -> Caller:
    """Return the caller.

    Raises:
        Refused: no token, one that is not accepted, or one whose role reads nothing here.
    """
    values = request.headers.getlist("authorization")
    scheme, _, token = (values[0] if len(values) == 1 else "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused("token_missing", "This address needs the header `Authorization: Bearer <token>`, once.")
    try:
        claims = verifier.verify(token.strip())
    except TokenError as error:
        raise Refused(error.code, str(error)) from error
    match claims.role:
        # People are named by the uuid that auth.uid() returns to the policies; any other `sub` is nobody's.
        case "authenticated" if is_uuid(claims.user):
            return Caller("authenticated", _as_json(claims.raw))
        case "service_role":
            return Caller("service_role", _as_json(claims.raw))
        case _:
            raise Refused("forbidden", "This token names nobody who may read a warehouse.")


def is_uuid(text: str) -> bool:
    """Whether Postgres would take the text as a uuid, in the one form that is written everywhere."""
    return _UUID.fullmatch(text) is not None


def _as_json(raw: Any) -> str:
    """Claims as Postgres is told them."""
    return raw if isinstance(raw, str) else orjson.dumps(raw).decode()
