"""Links of a floor, in a thread of their own: whoever listens or breaks things does not slow them down."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from tests.trial.link import Link


class Wires:
    """Every link between our processes and the servers; methods may be called from any thread and block."""

    def __init__(self) -> None:
        """Nothing leads anywhere yet."""
        # (who, where) as ("relay-0", "postgres").
        self.links: dict[tuple[str, str], Link] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wires", daemon=True)
        self._thread.start()

    def open(self, who: str, where: str, url: str) -> str:
        """Lead somebody to a server, and return the address that he should use for it; the same for the same."""
        link = self.links.get((who, where))
        if link is None:
            link = self.links[who, where] = Link(url)
            self._do(link.heal())
        return link.url

    def some(self, who: str, where: str) -> list[Link]:
        """Return the links between parties whose names begin so."""
        found = [link for (one, other), link in self.links.items() if one.startswith(who) and other.startswith(where)]
        assert found, f"nobody called {who}… is linked to {where}…"
        return found

    def cut(self, who: str, where: str) -> None:
        """End connections and refuse new ones."""
        self._each(who, where, lambda link: link.cut())

    def drop(self, who: str, where: str) -> None:
        """End connections; new ones pass."""
        self._each(who, where, lambda link: link.drop())

    def freeze(self, who: str, where: str) -> None:
        """Let nothing pass and nobody know."""
        self._each(who, where, lambda link: _now(link.freeze))

    def slow(self, who: str, where: str, delay: float) -> None:
        """Let each chunk take so many seconds, each way."""
        self._each(who, where, lambda link: _now(link.slow, delay))

    def heal(self, who: str = "", where: str = "") -> None:
        """Undo all of these."""
        self._each(who, where, lambda link: link.heal())

    def lead_to(self, where: str, port: int) -> None:
        """Move a server to another port for everybody who comes from now on."""
        self._each("", where, lambda link: _now(link.lead_to, f"tcp://127.0.0.1:{port}"))

    def who_has(self, port: int) -> str | None:
        """Return who comes to a server from this port."""
        return next((who for (who, _), link in self.links.items() if port in link.far_ports), None)

    def close(self) -> None:
        """Cut everything and end the thread."""
        for link in self.links.values():
            self._do(link.cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _each(self, who: str, where: str, what: Any) -> None:
        for link in self.some(who, where):
            self._do(what(link))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


async def _now(what: Any, *values: Any) -> None:
    what(*values)
