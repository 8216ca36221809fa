"""Every Redis key, in one place.

The braces are a hash tag: all keys of a shard live on one node of a cluster, so that publishing a tick is one atomic
call. There is one shard today. The incarnation is part of every key of a history: two histories never share a stream.
"""

_SHARD = "floorcast:{0}"

NEWEST = f"{_SHARD}:newest"
"""Hash `incarnation`, `tick`, `seal`: what is published now; what the scripts compare and set, all three together, so
that a relay of another history is refused as surely as a late one."""


def feed_key(incarnation: str) -> str:
    """Stream: one entry per tick, `<tick>-0`, and progress behind it, `<tick>-<k>`."""
    return f"{_SHARD}:feed:{incarnation}"


def log_key(incarnation: str, place: str) -> str:
    """Stream: one entry per tick that concerned the place, `<tick>-0`; its `behind` says since when there was none."""
    return f"{_SHARD}:log:{incarnation}:{place}"


def known_key(incarnation: str) -> str:
    """Hash: what all logs were told behind the tick `behind` and up to the tick `tick`.

    `@<place>` is the newest tick of that place; one that is not named had none in between.
    """
    return f"{_SHARD}:known:{incarnation}"


def log_pattern(incarnation: str) -> str:
    """Glob over all logs of a history."""
    return f"{_SHARD}:log:{incarnation}:*"


HISTORIES = tuple(f"{_SHARD}:{kind}:*" for kind in ("feed", "known", "log"))
"""Globs over the keys of all histories."""

PRESENCE_GATEWAYS = f"{_SHARD}:presence:gateways"
"""Hash: gateway → `<number of its last statement>:<milliseconds of Redis's clock when it last spoke>`."""

PRESENCE_STATEMENTS = f"{_SHARD}:presence:statements"
"""Stream: what gateways said lately, for those that listen. Bounded; whoever misses something reads `presence_key`."""


def presence_key(gateway: str) -> str:
    """Hash: slot → entry, everybody who is present at one gateway; as of its last statement."""
    return f"{_SHARD}:presence:entries:{gateway}"


MEMORIES = f"{_SHARD}:memories"
"""Sorted set: the names of all `memory_key`, each with when it ends, in milliseconds."""


def memory_key(name: str) -> str:
    """Hash: joining → `<milliseconds until when> <incarnation> <tick>`, of one person, topic and bindings; it ends."""
    return f"{_SHARD}:memory:{name}"


BROADCASTS = f"{_SHARD}:broadcasts"
"""Stream: what people said in rooms lately, of all gateways. Bounded in number and age; it keeps nothing for later."""
