"""Where a channel goes on (pure): `<incarnation>/<tick>-<n>`, for whoever has everything up to that change.

`n` is 0 where the whole tick is known, as in the answer to a join.
"""

from floorcast.position import Position


def read_resume(text: str) -> tuple[str, Position] | None:
    """Return history and position; None for anything else."""
    incarnation, separator, position = text.rpartition("/")
    try:
        return (incarnation, Position.parse(position)) if separator else None
    except ValueError:
        return None
