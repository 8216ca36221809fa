"""Documents that seldom change: who has one already is told so, and not sent it again."""

import hashlib

from starlette.requests import Request
from starlette.responses import Response


def document(request: Request, body: bytes, media_type: str, headers: dict[str, str]) -> Response:
    """Answer with a body, or 304 where the caller's `If-None-Match` names it."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    headers = {"etag": etag, "access-control-allow-origin": "*"} | headers
    asked = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    if etag in asked or "*" in asked:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers | {"content-type": media_type})
