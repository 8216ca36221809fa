"""The HTTP application with stand-ins at our own Protocols, and a client that calls it without a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import SecretStr
from starlette.applications import Starlette
from tests.builders import SECRET
from tests.unit.http.keeper import Keeper
from tests.unit.http.pigeonholes import Pigeonholes

from floorcast.access.claims import Claims, TokenVerifier
from floorcast.broadcast import Broadcast
from floorcast.database.caller import Caller
from floorcast.errors import DatabaseUnavailable
from floorcast.http.application import build_application
from floorcast.http.health import Check
from floorcast.http.metrics import Metrics
from floorcast.settings import Settings


@dataclass
class World:
    """Answers as it is told to; remembers who asked."""

    away: bool = False
    broken: bool = False
    checks_to_give: Sequence[Check] = (Check("postgres", ok=True, reason="answers"),)
    callers: list[Caller] = field(default_factory=list)
    said: list[tuple[str, list[Broadcast]]] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)
    unknown: bool = False
    askers: list[tuple[str, str]] = field(default_factory=list)

    async def warehouses(self, caller: Caller) -> str:
        """As `Warehouses`."""
        self._meet(caller)
        return '[{"id":"w","weight":183.0500}]'

    async def schemas(self, role: str, user: str) -> Mapping[str, Any] | None:
        """As `Schemas`."""
        self.askers.append((role, user))
        if self.away:
            raise DatabaseUnavailable("Postgres is away.")
        version = "0123456789abcdef"
        found = {"lathes": {"$id": f"/v1/schemas/lathes/{version}", "x-floorcast-version": version}}
        return None if self.unknown else found

    async def checks(self) -> Sequence[Check]:
        """As `Health`."""
        return self.checks_to_give

    def _meet(self, caller: Caller) -> None:
        self.callers.append(caller)
        if self.broken:
            raise RuntimeError("a fault of ours with secret details")
        if self.away:
            raise DatabaseUnavailable("Postgres is away.")

    async def announce(self, claims: Claims, messages: Sequence[Broadcast]) -> None:
        """As `Announcer`."""
        if self.away:
            raise DatabaseUnavailable("Postgres is away.")
        self.said.append((claims.user, list(messages)))

    def application(self, **settings: float) -> Starlette:
        """All of it."""
        return build_application(
            settings=Settings(jwt_secret=SecretStr(SECRET), progress_seconds=2.5, **settings),  # type: ignore[arg-type]
            warehouses=self,
            verifier=TokenVerifier(secret=SECRET, audience="authenticated"),
            health=self,
            metrics=self.metrics,
            announcer=self,
            schemas=self,
            consumers=Pigeonholes(),
            webhooks=Keeper(),
        )

    def client(self, **settings: float) -> httpx.AsyncClient:
        """A client of the application."""
        application = self.application(**settings)
        # Starlette raises faults again after answering, for its server to log; here the answer is what counts.
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://floor")
