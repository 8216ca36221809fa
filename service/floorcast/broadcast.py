"""A broadcast: what somebody says to everybody else in a room, and no row of any table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """Where broadcasts are heard. A private and a public room of the same name are two."""

    # The topic without `realtime:`.
    name: str
    # Who may listen and speak there, policies on `realtime.messages` say.
    private: bool


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Something said in a room."""

    room: Room
    event: str
    # JSON; any bytes where it is `binary`.
    payload: bytes
    binary: bool = False
    # It came as text, and is told as text in every version.
    text: bool = False
    # A JSON object about it: {"id": …} of one that the database keeps, {"id": …, "replayed": true} of one told again.
    meta: bytes | None = None
