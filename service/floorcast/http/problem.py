"""Refusals as `application/problem+json` (RFC 9457), from the one table of codes."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from floorcast.errors import CODES


class Refused(Exception):  # noqa: N818 — not an error of ours but the answer that the caller gets
    """Ends a request with a code of `errors.CODES` and a sentence about this very request."""

    def __init__(
        self, code: str, detail: str, headers: dict[str, str] | None = None, *, reason: str | None = None
    ) -> None:
        """Keep what the answer is made of; `reason` is one of `codes.REFETCH_REASONS`, with `must_refetch`."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = headers
        self.reason = reason


def problem(
    code: str, detail: str, headers: dict[str, str] | None = None, *, reason: str | None = None
) -> JSONResponse:
    """Build the answer: what happened in general and here, and what to do."""
    entry = CODES[code]
    status = entry.status or 500
    body = {
        "type": f"urn:floorcast:error:{code}",
        "title": entry.message,
        "status": status,
        "detail": detail,
        "code": code,
        "hint": entry.hint,
        **({"reason": reason} if reason is not None else {}),
    }
    headers = {"cache-control": "no-store"} | (headers or {})
    if status == 401:  # noqa: PLR2004 — RFC 9110 wants the scheme named with this very status
        headers["www-authenticate"] = 'Bearer realm="floorcast"'
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def refuse(_request: Request, error: Exception) -> JSONResponse:
    """Answer a `Refused`."""
    assert isinstance(error, Refused)  # noqa: S101 — registered for this class only
    return problem(error.code, error.detail, error.headers, reason=error.reason)
