"""Values that are valid as they come: a test names only what it is about."""

import time
from dataclasses import replace
from typing import Any

import jwt
import orjson

from floorcast.change import Change
from floorcast.gateway.admission import Limits, Pace

SECRET = "a secret for tests only, longer than 32 bytes"
WAREHOUSE = "00000000-0000-4000-8000-0000000000a1"
OTHER_WAREHOUSE = "00000000-0000-4000-8000-0000000000a2"
USER = "00000000-0000-4000-8000-0000000000b1"
ROW = "00000000-0000-4000-8000-0000000000c1"


def a_change(**vary: Any) -> Change:
    """An update of a work order, first of its tick. `op` alone brings the `old` and `new` that belong to it."""
    row = {"id": ROW, "warehouse_id": vary.get("warehouse", WAREHOUSE), "title": "BUCKET WON'T OPEN"}
    before, after = (orjson.dumps({**row, "status": status}).decode() for status in ("open", "in_progress"))
    operation = vary.get("op", "update")
    change = Change(
        n=1,
        xid="731",
        seq=1,
        table="work_orders",
        op=operation,
        key=orjson.dumps({"id": ROW}).decode(),
        warehouse=WAREHOUSE,
        old_warehouse=None,
        actor=USER,
        at="2026-11-23T10:11:12.345678+00:00",
        old=None if operation == "insert" else before,
        new=None if operation == "delete" else after,
    )
    return replace(change, **vary)


def some_claims(**vary: Any) -> dict[str, Any]:
    """What a token of a person says, good for an hour; a claim that is None is left out."""
    now = int(time.time())
    claims = {"sub": USER, "role": "authenticated", "aud": "authenticated", "iat": now, "exp": now + 3600, **vary}
    return {name: value for name, value in claims.items() if value is not None}


def a_token(*, secret: str = SECRET, **vary: Any) -> str:
    """`some_claims`, signed with the secret of the tests."""
    return jwt.encode(some_claims(**vary), secret, algorithm="HS256")


def some_limits(**vary: Any) -> Limits:
    """What a gateway admits: more than a test asks for."""
    wide = Pace(1_000, 1_000)
    named: dict[str, Any] = {
        "connects": wide,
        "user_connects": wide,
        "address_connects": None,
        "joins": wide,
        "user_joins": wide,
        "sockets": 1_000,
    }
    return Limits(**(named | vary))
