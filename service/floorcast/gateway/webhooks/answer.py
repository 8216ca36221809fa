"""What a receiver's answer means (pure).

| answer | meaning |
|---|---|
| 2xx | taken, but for the changes that the body rejects: `{"rejected": [{"id": "…", "reason": "…"}]}` |
| 413, 422 | one of these cannot be taken: they are sent in smaller messages, until it stands alone and is rejected |
| 410 | nothing is wanted any more: the webhook is switched off |
| anything else, or none | not now: again later, `Retry-After` obeyed |

An answer that says something about changes which cannot be understood counts as none: nothing is lost by sending
again, and something may be by guessing.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from floorcast.gateway.webhooks.schedule import asked_seconds

ANSWER_BYTES = 262_144
"""As much of an answer's body is read."""

_LONGEST_REASON = 500

_GONE = 410
_TOO_LARGE = 413
_UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    # Names in lower case.
    headers: Mapping[str, str]
    # No more than `ANSWER_BYTES`.
    body: bytes
    # Whether there was more.
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """The receiver has all of it, but for what is rejected."""

    # Id → reason.
    rejected: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Unfit:
    """Something in it cannot be taken, and the receiver does not say what."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Not now."""

    reason: str
    # What the receiver asks to wait.
    asked_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing more, for good."""

    reason: str


Verdict = Taken | Unfit | Failed | Gone


def judge(answer: Answer, ids: Collection[str], now: datetime) -> Verdict:
    """Say what an answer means.

    Args:
        answer: what came back.
        ids: of the changes that were sent.
        now: with a zone.
    """
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004 — HTTP's own numbers
        return _taken(answer, ids)
    reason = f"answered {status}" + _said(answer)
    if status == _GONE:
        return Gone(reason)
    if status in (_TOO_LARGE, _UNPROCESSABLE) and ids:
        return Unfit(reason)
    if 300 <= status < 400:  # noqa: PLR2004
        # Where it points was not judged, and whoever controls the receiver would choose it.
        return Failed(f"answered {status}: redirects are not followed")
    asked = answer.headers.get("retry-after")
    return Failed(reason, asked_seconds(asked, now) if asked is not None else None)


def _taken(answer: Answer, ids: Collection[str]) -> Taken | Failed:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not answer.body or not (kind == "application/json" or kind.endswith("+json")):
        return Taken({})
    if answer.cut:
        return Failed(f"answered {answer.status} with JSON of more than {ANSWER_BYTES} bytes")
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return Failed(f"answered {answer.status} with what is not the JSON that it says it is")
    return _read(said["rejected"], ids) if isinstance(said, dict) and "rejected" in said else Taken({})


def _read(listed: object, ids: Collection[str]) -> Taken | Failed:
    rejected: dict[str, str] = {}
    for entry in listed if isinstance(listed, list) else [None]:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            return Failed('rejected something in another form than {"rejected": [{"id": "…", "reason": "…"}]}')
        if entry["id"] not in ids:
            return Failed(f"rejected a change that was not in the message: {_short(entry['id'])}")
        rejected[entry["id"]] = _short(str(entry.get("reason") or "")) or "rejected"
    return Taken(rejected)


def _said(answer: Answer) -> str:
    """What the answer says for people, on one line."""
    text = _short(answer.body[: 4 * _LONGEST_REASON].decode(errors="replace"))
    return f": {text}" if text else ""


def _short(text: str) -> str:
    # Lines of a log are one line, and what Postgres stores has no NUL.
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST_REASON]
