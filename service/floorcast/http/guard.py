"""What holds for every request and every answer: bounds on the way in, security headers on the way out."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from floorcast.http.problem import problem

QUERY_BYTES = 2_048
HEADER_BYTES = 16_384
HEADERS = 64
"""Enough for a token of the largest issuers. The front door bounds every head and body, and their time; behind
another server, only what is here holds."""

# No inline script or style, nothing from elsewhere: text from the database can never become code on a screen.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """ASGI middleware, outermost, so that errors pass through it too."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is too large, else pass on; add the headers to whatever answers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        reason = oversize(scope)
        app = self._app if reason is None else problem("handshake_too_large", reason)
        await app(scope, receive, send_guarded)


def oversize(scope: Scope) -> str | None:
    """Say which bound a request breaks, or None."""
    if len(scope["query_string"]) > QUERY_BYTES:
        return f"The query is longer than {QUERY_BYTES} bytes."
    headers = scope["headers"]
    if len(headers) > HEADERS:
        return f"There are more than {HEADERS} headers."
    if sum(len(name) + len(value) for name, value in headers) > HEADER_BYTES:
        return f"The headers are longer than {HEADER_BYTES} bytes together."
    return None
