"""A keeper of webhooks that answers as it is told to."""

from collections.abc import Mapping
from typing import Any

from floorcast.database.caller import Caller


class Keeper:
    """Remembers what it was asked; answers or refuses as it is told to."""

    def __init__(self) -> None:
        """Answer."""
        self.asked: list[tuple[object, ...]] = []
        self.refusal: Exception | None = None

    async def put(self, caller: Caller, consumer: str, url: str, scheme: str, most: int) -> Mapping[str, Any]:
        """As `Webhooks`."""
        return self._note("put", caller.role, consumer, url, scheme, most)

    async def show(self, caller: Caller, consumer: str) -> Mapping[str, Any]:
        """As `Webhooks`."""
        return self._note("show", caller.role, consumer)

    async def remove(self, caller: Caller, consumer: str) -> None:
        """As `Webhooks`."""
        self._note("remove", caller.role, consumer)

    async def rotate(self, caller: Caller, consumer: str, scheme: str | None) -> Mapping[str, Any]:
        """As `Webhooks`."""
        return self._note("rotate", caller.role, consumer, scheme)

    async def ping(self, caller: Caller, consumer: str) -> Mapping[str, Any]:
        """As `Webhooks`."""
        return self._note("ping", caller.role, consumer)

    def _note(self, *what: object) -> Mapping[str, Any]:
        self.asked.append(what)
        if self.refusal is not None:
            raise self.refusal
        return {"url": "https://erp.example/"}
