"""What a channel's join asks for (pure), read as tolerantly as Supabase reads it: what makes no sense was not said.

Clients of several years are in the field, and some write booleans as text or leave null in lists. Nothing here refuses;
what cannot be subscribed to is told in a `system` message, by binding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_BINDINGS = 100
"""Of one channel; the rest is not looked at, and said so."""

MOST_REPLAYED = 25
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Replay:
    """Broadcasts of the past to be told again."""

    # Unix milliseconds.
    since: int
    limit: int


@dataclass(frozen=True, slots=True)
class Config:
    """A join's payload, understood."""

    # `postgres_changes`, one by one and word for word: they are echoed.
    bindings: tuple[Mapping[str, Any], ...] = ()
    # Who sends a broadcast is sent it, too.
    hears_itself: bool = False
    # Who sends a broadcast is told that it was taken.
    acknowledged: bool = False
    replay: Replay | None = None
    # "" for one that we make.
    presence_key: str = ""
    presence: bool = False
    private: bool = False
    # Where the last change stood that the client has: see `resume.py`. None: it begins now.
    resume: str | None = None
    # Rows that leave a filter, or sight, are told as deleted.
    leaves: bool = False
    # The newest of the tokens that came with it.
    token: str | None = None


def read_config(payload: object) -> Config:
    """Read a join's payload, whatever it is."""
    told = _object(payload)
    config = _object(told.get("config"))
    broadcast, presence = _object(config.get("broadcast")), _object(config.get("presence"))
    key = presence.get("key", "")
    resume = config.get("resume")
    token = next((told[name] for name in ("user_token", "access_token") if isinstance(told.get(name), str)), None)
    return Config(
        bindings=_bindings(config.get("postgres_changes")),
        hears_itself=is_true(broadcast.get("self")),
        acknowledged=is_true(broadcast.get("ack")),
        replay=_replay(broadcast.get("replay")),
        presence_key=_key(key),
        presence=is_true(presence.get("enabled")) or bool(key),
        private=is_true(config.get("private")),
        resume=resume if isinstance(resume, str) and resume else None,
        leaves=_object(config.get("postgres_changes_options")).get("leaves") == "delete",
        token=token,
    )


def is_true(value: object) -> bool:
    """Whether something says yes: `true`, or its text in any case."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _bindings(value: object) -> tuple[Mapping[str, Any], ...]:
    return tuple(each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def _key(value: object) -> str:
    text = str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    return text if len(text.encode(errors="replace")) <= LONGEST_KEY else ""


def _replay(value: object) -> Replay | None:
    told = _object(value)
    since, limit = told.get("since"), told.get("limit", MOST_REPLAYED)
    if isinstance(since, bool) or not isinstance(since, (int, float)):
        return None
    most = int(limit) if isinstance(limit, (int, float)) and not isinstance(limit, bool) else MOST_REPLAYED
    return Replay(int(since), max(1, min(most, MOST_REPLAYED)))
