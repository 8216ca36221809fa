"""What a client hands back to go on."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.cursor import (
    LONGEST,
    Cursor,
    Splice,
    Terms,
    digest,
    encode_cursor,
    encode_place,
    parse_cursor,
    seal_digest,
)
from floorcast.snapshot import Snapshot
from floorcast.tick import Anchor

xids = st.integers(0, 2**64 - 1)
ticks = st.integers(0, 2**63 - 1)
terms = st.builds(Terms.of, st.text(max_size=9), *(st.binary(max_size=9).map(digest) for _ in range(3)))
splices = st.none() | st.builds(
    Splice, st.builds(Snapshot, xids, xids, st.frozensets(xids, max_size=20)), st.integers(0, 2**63)
)


def _encoded(under: Terms, tick: int, splice: Splice | None = None, anchor: Anchor | None = None) -> str | None:
    return encode_cursor(under.encode(), encode_place(tick, anchor or Anchor(tick, "")), tick, splice)


@given(terms, st.integers(0, 2**62), st.integers(0, 2**32 - 1), st.text(max_size=64), splices)
def test_what_is_handed_out_is_read_back(under: Terms, tick: int, ahead: int, seal: str, splice: Splice | None) -> None:
    """With the tick by which its history is told; a splice that is over is left out."""
    text = _encoded(under, tick, splice, Anchor(tick + ahead, seal))
    assert text is not None
    kept = splice if splice is not None and tick < splice.until else None
    assert parse_cursor(text) == Cursor(under, tick, tick + ahead, seal_digest(seal), kept)


def test_no_cursor_stands_ahead_of_its_anchor_or_too_far_behind_it() -> None:
    """It would say nothing of its tick, or there is no room to say it."""
    assert encode_place(8, Anchor(7, "")) is None
    assert encode_place(7, Anchor(7 + 2**32, "")) is None
    assert _encoded(Terms.of("x", *(digest(b""),) * 3), 7, None, Anchor(6, "")) is None


def test_a_cursor_without_an_anchor_is_of_no_history() -> None:
    """They were given out before there were any; whoever kept one is told to read again, not that it is none."""
    cursor = parse_cursor("f1." + "A" * 43)
    assert cursor.terms.history != Terms.of("", b"", b"", b"").history
    assert cursor.terms.history == b""


def test_a_cursor_knows_its_picture_up_to_the_last_tick_that_may_hold_of_it() -> None:
    """The very last is behind it as a whole."""
    splice = Splice(Snapshot(5, 9, frozenset({7})), 12)
    under = Terms.of("first", b"12345", b"12345", b"12345")
    kept = [parse_cursor(_encoded(under, tick, splice) or "").splice for tick in (10, 11, 12, 13)]
    assert kept == [splice, splice, None, None]


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda data: "f2." + data.hex()))
def test_what_is_no_cursor_is_refused_and_nothing_else_happens(text: str) -> None:
    """Whatever a stranger sends."""
    with pytest.raises(ValueError, match="not a "):
        parse_cursor(text)


@given(terms, ticks, st.integers(0, 55), st.characters(codec="utf-8"))
def test_a_cursor_with_a_letter_changed_is_another_or_none(under: Terms, tick: int, at: int, letter: str) -> None:
    """It is read, or refused with a ValueError; it grants nothing either way."""
    text = _encoded(under, tick) or ""
    changed = text[: at + 3] + letter + text[at + 4 :]
    with suppress(ValueError):
        assert isinstance(parse_cursor(changed), Cursor)


def test_a_snapshot_of_very_many_transactions_has_no_cursor_for_a_moment() -> None:
    """Better than one that no server reads; it lasts for two ticks."""
    crowd = Snapshot(1, 10**6, frozenset(range(1, 10**6, 700)))
    under = Terms.of("x", *(digest(b""),) * 3)
    assert _encoded(under, 5, Splice(crowd, 7)) is None
    assert len(_encoded(under, 7, Splice(crowd, 7)) or "") < LONGEST


@given(xids, xids, st.frozensets(xids, max_size=5), xids)
def test_a_snapshot_sees_what_had_ended_when_it_was_taken(
    xmin: int, xmax: int, running: frozenset[int], xid: int
) -> None:
    """As pg_visible_in_snapshot says, whose model this is."""
    text = f"{xmin}:{xmax}:{','.join(map(str, sorted(running)))}"
    seen = Snapshot.parse(text).sees(xid)
    assert seen == (xid < xmin or (xid < xmax and xid not in running))


@pytest.mark.parametrize("text", ["", "1:2", "1:2:x", "a:b:", "1:2:3,", "-1:2:"])
def test_what_is_no_snapshot_is_refused(text: str) -> None:
    """It came out of a cursor, that is, from a stranger."""
    with pytest.raises(ValueError, match="not a snapshot"):
        Snapshot.parse(text)
