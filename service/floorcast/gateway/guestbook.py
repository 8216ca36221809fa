"""Who is present in which room, and what changed since it was last told (pure).

State and differences cannot disagree: both come from the same place. What changes between two turns is kept as what was
there before, so a difference is that which leads from what everybody was told to what is now, whatever came between.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from floorcast.stream.statement import Entry

Place = tuple[str, str]
"""Gateway and slot: where an entry is said, whoever it is of."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of a room since it was last told."""

    joins: tuple[Entry, ...]
    # As they were told. An entry with another meta leaves with the old one and joins with the new one.
    leaves: tuple[Entry, ...]


class Guestbook:
    """The entries of all gateways, by room."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._rooms: dict[str, dict[Place, Entry]] = {}
        # Room → bytes of what everybody in it is shown with.
        self._weights: Counter[str] = Counter()
        # Room → place → what was told of it last, None for nothing; only what was touched since.
        self._told: dict[str, dict[Place, Entry | None]] = {}

    @property
    def stirred(self) -> bool:
        """Whether there may be something to tell."""
        return bool(self._told)

    def change(self, place: Place, before: Entry | None, after: Entry | None) -> None:
        """Put `after` where `before` was; None: nobody."""
        if before is not None:
            self._weights[before.room] -= len(before.meta)
        if before is not None and (after is None or after.room != before.room):
            self._touch(place, before.room)
            entries = self._rooms[before.room]
            del entries[place]
            if not entries:
                del self._rooms[before.room]
                del self._weights[before.room]
        if after is not None:
            self._weights[after.room] += len(after.meta)
            self._touch(place, after.room)
            self._rooms.setdefault(after.room, {})[place] = after

    def turn(self) -> Mapping[str, Difference]:
        """Return what became of each room since the last turn; from now on that is told."""
        told, self._told = self._told, {}
        found: dict[str, Difference] = {}
        for room, places in told.items():
            entries = self._rooms.get(room, _NOBODY)
            changed = [(before, entries.get(place)) for place, before in places.items()]
            changed = [(before, after) for before, after in changed if before != after]
            if changed:
                joins = tuple(after for _, after in changed if after is not None)
                leaves = tuple(before for before, _ in changed if before is not None)
                found[room] = Difference(joins, leaves)
        return found

    def entries(self, room: str) -> Iterable[Entry]:
        """Return who is in a room now."""
        return self._rooms.get(room, _NOBODY).values()

    def size(self, room: str) -> int:
        """Return how many entries a room has now."""
        return len(self._rooms.get(room, _NOBODY))

    def weight(self, room: str) -> int:
        """Return how many bytes everybody in a room is shown with now."""
        return self._weights[room]

    def _touch(self, place: Place, room: str) -> None:
        # Only the first touch in a turn knows what was told.
        self._told.setdefault(room, {}).setdefault(place, self._rooms.get(room, _NOBODY).get(place))


def shown(entries: Iterable[Entry]) -> bytes:
    """Return entries as clients are shown them: `{"<key>":{"metas":[…]}}`."""
    metas: dict[str, list[bytes]] = {}
    for entry in entries:
        metas.setdefault(entry.key, []).append(entry.meta)
    people = (b'%b:{"metas":[%b]}' % (orjson.dumps(key), b",".join(its)) for key, its in metas.items())
    return b"{%b}" % b",".join(people)


def shown_difference(differences: Iterable[Difference]) -> bytes:
    """Return differences of several rooms as one: `{"joins":…,"leaves":…}`."""
    differences = tuple(differences)
    joins = shown(entry for each in differences for entry in each.joins)
    return b'{"joins":%b,"leaves":%b}' % (joins, shown(entry for each in differences for entry in each.leaves))


_NOBODY: Mapping[Place, Entry] = {}
