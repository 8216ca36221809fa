"""Which history a gateway follows, by seals."""

from floorcast.cursor import Terms, digest, parse_cursor, seal_digest
from floorcast.gateway.seals import Seals

STEM = Terms.of("first", *(digest(b""),) * 3).encode()


def test_every_cursor_is_anchored_at_the_newest_tick() -> None:
    """Also one of the past: where that tick is, everything before it is what was told."""
    seals = Seals()
    seals.begin(7, "seven")
    seals.note(8, "eight")
    for tick in (8, 7, 3):
        cursor = parse_cursor(seals.cursor(STEM, tick) or "")
        assert (cursor.tick, cursor.anchor, cursor.seal) == (tick, 8, seal_digest("eight"))


def test_what_is_not_remembered_is_not_known_either_way() -> None:
    """As far back as the gateway remembers ticks, and the one behind which it begins."""
    seals = Seals()
    seals.begin(7, "seven")
    for tick in range(8, 13):
        seals.note(tick, str(tick))
    seals.forget_before(10)
    assert [seals.agrees(tick, seal_digest(str(tick))) for tick in (9, 10, 12, 13)] == [None, True, True, None]
    assert seals.agrees(11, seal_digest("other")) is False
    seals.forget_before(99)
    assert seals.agrees(12, seal_digest("12")) is True


def test_what_was_known_of_one_beginning_is_forgotten_at_the_next() -> None:
    """Its anchors are of another origin: what was read under them does not hold."""
    seals = Seals()
    seals.begin(7, "seven")
    seals.note(8, "eight")
    first = seals.anchor
    seals.begin(7, "other")
    assert seals.agrees(8, seal_digest("eight")) is None
    assert seals.agrees(7, seal_digest("seven")) is False
    assert first.origin != seals.anchor.origin
    seals.note(8, "more")
    assert seals.anchor.origin == f"{7} other"
