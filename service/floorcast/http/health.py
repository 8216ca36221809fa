"""Is the process alive, and is it ready: for load balancers, supervisors and people."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse

from floorcast import __version__

_PATIENCE_SECONDS = 3.0
"""A check that cannot tell by then has told."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold for this process to be of use."""

    name: str
    ok: bool
    # A sentence: what is so, or what is wrong.
    reason: str


class Health(Protocol):
    """Knows whether this process is of use right now."""

    async def checks(self) -> Sequence[Check]:
        """Return every check that matters; must not raise, and should answer in a second."""
        ...


@dataclass(frozen=True, slots=True)
class HealthEndpoints:
    """/healthz and /readyz."""

    health: Health

    async def alive(self, _request: Request) -> JSONResponse:
        """GET /healthz: that this is answered at all is the answer."""
        return _answer(200, {"status": "alive", "version": __version__})

    async def ready(self, _request: Request) -> JSONResponse:
        """GET /readyz: 200 when every check holds, else 503; both with all reasons."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                checks = await self.health.checks()
        except TimeoutError:
            checks = [Check("checks", ok=False, reason=f"did not finish within {_PATIENCE_SECONDS:g} s")]
        ready = all(check.ok for check in checks)
        status = "ready" if ready else "not ready"
        return _answer(200 if ready else 503, {"status": status, "checks": [asdict(check) for check in checks]})


def _answer(status: int, body: dict[str, object]) -> JSONResponse:
    return JSONResponse(body, status, headers={"cache-control": "no-store"})
