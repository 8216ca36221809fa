"""What owners ask of what is theirs: a JSON object in, a private answer out, refusals of the database as ours."""

import json
from collections.abc import Awaitable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from floorcast.database.batches import LeaseGone, OwnerRefused
from floorcast.errors import DatabaseUnavailable
from floorcast.http.problem import Refused

_CODES = {"42501": "forbidden", "P0002": "not_found", "PT410": "must_refetch"}
"""SQLSTATE → code; any other is a `bad_request`."""

_PRIVATE = {"cache-control": "no-store"}

AnswerT = TypeVar("AnswerT")


def private(said: Any) -> Response:
    """Answer with JSON that no cache keeps; there may be a secret in it. Texts of JSON are `orjson.Fragment`s."""
    return Response(orjson.dumps(said), headers=_PRIVATE, media_type="application/json")


def nothing() -> Response:
    """Answer that it was done, or that there is nothing."""
    return Response(status_code=204, headers=_PRIVATE)


async def asked_object(request: Request, names: AbstractSet[str]) -> Mapping[str, Any]:
    """Return the object that a request brought, empty where it brought nothing; raises Refused."""
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


async def as_owner(asked: Awaitable[AnswerT]) -> AnswerT:
    """Wait for what the database says to an owner; raises Refused."""
    try:
        return await asked
    except LeaseGone as error:
        raise Refused("batch_gone", "Nothing of this batch was acknowledged by this request.") from error
    except OwnerRefused as error:
        code = _CODES.get(error.state, "bad_request")
        raise Refused(code, f"{error}.", reason=error.detail if code == "must_refetch" else None) from error
    except DatabaseUnavailable as error:
        raise Refused("unavailable", str(error), {"retry-after": "2"}) from error
