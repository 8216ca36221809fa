"""Why something ended, and what follows from that (pure). Nothing is decided here but by the one table of codes.

What only a client can see (nobody answers, the line is dead) has codes of its own, in the form of that table.
"""

import json
from collections.abc import Mapping

from floorcast.client.channel import Payload
from floorcast.codes import CODES, ErrorCode, Wait
from floorcast.errors import ClientError

_LONGEST_HINT = 3600.0
"""Seconds; a server that says more is not believed."""


def _own(code: str, message: str, *, reconnect: bool = True) -> ErrorCode:
    return ErrorCode(code, message, "", reconnect, True, wait=Wait(0, 1) if reconnect else None)


OWN: Mapping[str, ErrorCode] = {
    code.code: code
    for code in (
        _own("unreachable", "Nobody answers at the address."),
        _own("refused", "The connection or the joining was refused without a code that is known here."),
        _own("connection_lost", "The connection ended, or has fallen silent."),
        _own("no_reply", "What was asked got no reply in time."),
        _own("topic_failed", "The server ended this joining without saying why."),
        _own("topic_closed", "The server ended this joining for good.", reconnect=False),
        _own("closed_for_good", "The server closed the socket and asks not to come back.", reconnect=False),
        _own("out_of_step", "Something is missing in what arrived, or came twice."),
        _own("token_unavailable", "No token could be had."),
    )
}
"""Codes that no server sends, by name."""


def known(code: str) -> ErrorCode:
    """Return what the table says of a code; one that a newer server made up is a refusal to try again later."""
    return CODES.get(code) or OWN.get(code) or OWN["refused"]


def may_return(error: ClientError, *, renewable: bool) -> bool:
    """Can coming back by oneself help? An expired token stays expired, unless it can be renewed."""
    return known(error.code).reconnect and (renewable or error.code != "token_expired")


def seconds_before_return(error: ClientError, share: float, failures: int) -> float:
    """Return how long to wait: what the answer says, else what the table says; see `codes.Wait.seconds`."""
    if error.retry_after_seconds is not None:
        return min(max(0.0, error.retry_after_seconds), _LONGEST_HINT)
    wait = known(error.code).wait
    return 0.0 if wait is None else wait.seconds(share, failures)


def refused_reply(response: Payload, otherwise: str = "refused") -> ClientError:
    """Read an error reply, `must_refetch` or `revoked`; the reason on the wire begins with its code already."""
    code = str(response.get("code") or otherwise)
    reason = str(response.get("reason") or "no reason given").removeprefix(f"{code}: ")
    hint = response.get("hint")
    detail = f"{reason} {hint}" if hint else reason
    return ClientError(code, detail, reason=reason, retry_after_seconds=_hinted(response.get("retry_after_ms")))


def refused_presence(response: Payload) -> ClientError | None:
    """Read from the answer to a join why one is not shown to others although one asked for it; None when one is."""
    code = (response.get("presence") or {}).get("code")
    return None if code is None else ClientError(str(code), known(str(code)).message)


def refused_handshake(status: int, headers: Mapping[str, str], body: bytes | bytearray | None) -> ClientError:
    """Read why a handshake was refused."""
    try:
        answer = json.loads(body or b"{}")
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    code = str(answer.get("code") or ("token_invalid" if status == 401 else "refused"))  # noqa: PLR2004 — HTTP's number
    detail = str(answer.get("error") or f"the server answered {status}")
    after = _hinted(answer.get("retry_after_ms"))
    return ClientError(code, detail, retry_after_seconds=_header(headers) if after is None else after)


def closed_socket(number: int | None, reason: str) -> ClientError:
    """Read why a socket was closed, by its close code; None when it ended without one."""
    code = next((code for code in CODES.values() if number is not None and code.close == number), None)
    if code is not None:
        return ClientError(code.code, f"{code.message} {code.hint}")
    said = f" with {number}" if number is not None else ""
    # The field's habit, for codes that a newer server made up: 4500–4999 do not come back.
    for_good = number is not None and 4500 <= number < 5000  # noqa: PLR2004
    detail = f"the connection ended{said} {reason}".strip()
    return ClientError("closed_for_good" if for_good else "connection_lost", detail)


def _header(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def _hinted(milliseconds: object) -> float | None:
    return milliseconds / 1000 if isinstance(milliseconds, int | float) else None
