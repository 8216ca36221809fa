"""First pictures for many at once: who asks for the same is given the same, read once.

Ten thousand kiosks that come back after a power cut ask for one picture; a read that is under way, or was finished a
moment ago, serves all of them.
"""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol

from floorcast.database.picture_request import PictureRequest, sharing_key
from floorcast.database.spool import Spool
from floorcast.errors import DatabaseUnavailable
from floorcast.gateway.sharing import may_be_shared

_PATIENCE = 2
"""So often somebody waits for what another reads; then, if nothing of it was for him, he reads himself."""


class PictureSource(Protocol):
    """Where pictures are read; `database.spool.Spooler` is one."""

    async def read(self, request: PictureRequest) -> Spool:
        """Read a picture; raises DatabaseUnavailable, PicturesBusy, PictureTooLarge, PictureUnreadable."""
        ...


@dataclass(slots=True, eq=False)
class _Flight:
    """A read that is under way, in the name of whoever asked first."""

    reading: asyncio.Task[Spool] = field(init=False)
    waiting: int = 0
    # Known once it is read.
    may_be_shared: bool = False


class Pictures:
    """Reads pictures, each once for all who may be given the same."""

    def __init__(self, source: PictureSource, *, keep_seconds: float) -> None:
        """Take where to read; a finished picture is given to others for `keep_seconds` more."""
        self._source = source
        self._keep_seconds = keep_seconds
        self._flights: dict[Hashable, _Flight] = {}
        self._kept: dict[Hashable, Spool] = {}

    async def read(self, request: PictureRequest, *, not_before: int) -> Spool:
        """Return a picture, to be closed by the caller.

        Args:
            request: What is asked for.
            not_before: The caller's view is what it is since this tick: his role, the rules of access, the
                warehouse's organization. A picture that was read for somebody else before it is not given to him.

        Raises:
            DatabaseUnavailable: Postgres does not answer, or not in time.
            PicturesBusy: too many wait, or too much is held already.
            PictureTooLarge: it has more bytes than one may have.
            PictureUnreadable: a table is not as the request says.
        """
        key = sharing_key(request)
        for _ in range(_PATIENCE):
            kept = self._kept.get(key)
            if kept is not None and kept.tick >= not_before:
                return kept.share()
            flight = self._flights.get(key)
            if flight is None:
                return await self._board(key, self._depart(key, request))
            spool = await self._board(key, flight)
            if flight.may_be_shared and spool.tick >= not_before:
                return spool
            spool.close()
        return await self._source.read(request)

    async def close(self) -> None:
        """End what is being read and give up what is kept."""
        readings = [flight.reading for flight in self._flights.values()]
        for reading in readings:
            reading.cancel()
        if readings:
            await asyncio.wait(readings)
        for kept in self._kept.values():
            kept.close()
        self._kept.clear()

    def _depart(self, key: Hashable, request: PictureRequest) -> _Flight:
        flight = self._flights[key] = _Flight()
        flight.reading = asyncio.create_task(self._fly(key, flight, request), name="shared picture")
        return flight

    async def _fly(self, key: Hashable, flight: _Flight, request: PictureRequest) -> Spool:
        try:
            spool = await self._source.read(request)
        finally:
            # Nobody boards any more.
            self._forget(key, flight)
        flight.may_be_shared = may_be_shared(request, spool.law)
        # Nobody else would come for what is somebody's own, and a crowd of such would take all the room.
        if flight.may_be_shared and self._keep_seconds and not request.is_personal:
            self._keep(key, spool)
        return spool

    async def _board(self, key: Hashable, flight: _Flight) -> Spool:
        """Wait for a read; the last one who stops waiting ends it."""
        flight.waiting += 1
        try:
            # Waits without being what the read depends on: it goes on when one of many is cancelled.
            await asyncio.wait({flight.reading})
            if flight.reading.cancelled():
                raise DatabaseUnavailable("This gateway is being stopped.")
            return flight.reading.result().share()
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                self._forget(key, flight)
                flight.reading.cancel()
                flight.reading.add_done_callback(_give_up)

    def _forget(self, key: Hashable, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    def _keep(self, key: Hashable, spool: Spool) -> None:
        earlier = self._kept.get(key)
        if earlier is not None:
            earlier.close()
        kept = self._kept[key] = spool.share()
        asyncio.get_running_loop().call_later(self._keep_seconds, self._give_up_kept, key, kept)

    def _give_up_kept(self, key: Hashable, kept: Spool) -> None:
        if self._kept.get(key) is kept:
            del self._kept[key]
            kept.close()


def _give_up(reading: asyncio.Task[Spool]) -> None:
    """Close what a read was for, once all who waited have their own."""
    if not reading.cancelled() and reading.exception() is None:
        reading.result().close()
