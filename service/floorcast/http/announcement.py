"""What a request says in rooms (pure): a body becomes broadcasts, or a list of what is wrong with it.

A payload is cut out of the text in which it came, never read and written again: every digit of it arrives.
"""

import json
from collections.abc import Callable
from typing import Any

from floorcast.broadcast import Broadcast, Room

MOST_MESSAGES = 100
"""Of one request."""

MOST_BYTES = 262_144
"""Of a payload."""

LONGEST_NAME = 255
"""Bytes of a topic or an event."""

_BLANK, _INVALID = "can't be blank", "is invalid"

Faults = dict[str, Any]
"""What is wrong, by field, in Supabase's words."""

Written = tuple[Any, str]
"""A value, and the text that it was written in."""

Read = Callable[[str, str, int], tuple[Any, int]]
"""Reads the value of a member of that name which begins there in a text; returns it and where it ends."""


class Unsayable(Exception):  # noqa: N818 — not an error of ours but the answer that the caller gets
    """A body says nothing that could be told."""

    def __init__(self, faults: Faults) -> None:
        """Keep what is wrong, by field."""
        super().__init__(str(faults))
        self.faults = faults


class TooMany(Exception):  # noqa: N818 — as above
    """More than `MOST_MESSAGES` at once."""


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


# Numbers stay text: nobody reads them, and one of a million digits would cost more than it brings.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_number)
_SPACE = " \t\n\r"


def read_batch(body: bytes) -> list[Broadcast]:
    """Read `{"messages": [{"topic", "event", "payload", "private"}]}`.

    Raises:
        Unsayable: it is not that, or any of its messages is not.
        TooMany: there are more than may be.
    """
    text = _text(body)
    try:
        said, end = _object(text, _skip(text, 0), _part)
        if _skip(text, end) != len(text):
            raise Unsayable({"body": [_INVALID]})
    except (ValueError, RecursionError):
        raise Unsayable({"body": [_INVALID]}) from None
    items = said.get("messages", (None, ""))[0]
    if not isinstance(items, list):
        raise Unsayable({"messages": [_BLANK if items is None else _INVALID]})
    told: list[Broadcast] = []
    wrong: list[Faults] = []
    for item in items:
        faults: Faults = {}
        if isinstance(item, dict):
            broadcast = _message({name: value for name, (value, _) in item.items()}, item, faults)
            told += [broadcast] if broadcast is not None else []
        else:
            faults["message"] = [_INVALID]
        wrong.append(faults)
    if any(wrong):
        raise Unsayable({"messages": wrong})
    return told


def read_single(room: Room, event: str, body: bytes, *, binary: bool) -> Broadcast:
    """Read what is said by itself: a JSON object, or any bytes.

    Raises:
        Unsayable: it is not that, or larger than may be.
    """
    text = "" if binary else _text(body).strip(_SPACE)
    faults: Faults = {}
    value: Any = {}
    if not binary:
        try:
            value, end = _DECODER.raw_decode(text)
            if end != len(text):
                value = None
        except (ValueError, RecursionError):
            value = None
    fields = {"topic": room.name, "event": event, "private": room.private, "payload": value}
    told = _message(fields, {"payload": (value, text)}, faults)
    if binary and len(body) > MOST_BYTES:
        faults["payload"] = [f"should be at most {MOST_BYTES} byte(s)"]
    if told is None or faults:
        raise Unsayable(faults)
    return Broadcast(room, event, body, binary=True) if binary else told


def _message(value: dict[str, Any], written: dict[str, Written], faults: Faults) -> Broadcast | None:
    """Read one message, or note what is wrong with it."""
    for field in ("topic", "event"):
        name = value.get(field)
        if name is None or name == "":
            faults[field] = [_BLANK]
        elif not isinstance(name, str) or not _is_text(name):
            faults[field] = [_INVALID]
        elif len(name.encode()) > LONGEST_NAME:
            faults[field] = [f"should be at most {LONGEST_NAME} byte(s)"]
    private = value.get("private")
    if private is not None and not isinstance(private, bool):
        faults["private"] = [_INVALID]
    told = written["payload"][1].encode() if "payload" in written else b""
    if value.get("payload") is None:
        faults["payload"] = [_BLANK]
    elif not isinstance(value["payload"], dict):
        faults["payload"] = [_INVALID]
    elif len(told) > MOST_BYTES:
        faults["payload"] = [f"should be at most {MOST_BYTES} byte(s)"]
    if faults:
        return None
    return Broadcast(Room(value["topic"], bool(private)), value["event"], told, text=True)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Unsayable({"body": [_INVALID]}) from None


def _is_text(name: str) -> bool:
    """Whether it can be written: half of a pair of surrogates cannot, and NUL is refused by others."""
    return not any("\ud800" <= character <= "\udfff" or character == "\0" for character in name)


def _part(name: str, text: str, at: int) -> tuple[Any, int]:
    """Read a member of the whole: messages one by one, anything else as it is."""
    if name != "messages" or text[at : at + 1] != "[":
        return _DECODER.raw_decode(text, at)
    items: list[Any] = []
    at = _skip(text, at + 1)
    if text[at : at + 1] == "]":
        return items, at + 1
    while True:
        item, at = (
            _object(text, at, lambda _, text, at: _DECODER.raw_decode(text, at))
            if text[at : at + 1] == "{"
            else _DECODER.raw_decode(text, at)
        )
        items.append(item)
        if len(items) > MOST_MESSAGES:
            raise TooMany
        at = _skip(text, at)
        if text[at : at + 1] == "]":
            return items, at + 1
        at = _skip(text, _pass(text, at, ","))


def _object(text: str, at: int, read: Read) -> tuple[dict[str, Written], int]:
    """Read an object member by member, each with the text that it was written in; a ValueError when it is none."""
    members: dict[str, Written] = {}
    at = _skip(text, _pass(text, at, "{"))
    if text[at : at + 1] == "}":
        return members, at + 1
    while True:
        name, at = _DECODER.raw_decode(text, at)
        if not isinstance(name, str) or text[at - 1] != '"':
            raise ValueError("a name is a string")
        start = _skip(text, _pass(text, _skip(text, at), ":"))
        value, at = read(name, text, start)
        members[name] = value, text[start:at]
        at = _skip(text, at)
        if text[at : at + 1] == "}":
            return members, at + 1
        at = _skip(text, _pass(text, at, ","))


def _pass(text: str, at: int, mark: str) -> int:
    if text[at : at + 1] != mark:
        raise ValueError(f"{mark} is missing")
    return at + 1


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _SPACE:
        at += 1
    return at
