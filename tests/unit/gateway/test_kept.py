"""Things that are made once and kept for others, within so many bytes."""

from floorcast.gateway.kept import Kept


def test_the_longest_unused_are_dropped() -> None:
    """What was asked for again stays."""
    kept: Kept[bytes] = Kept(25, len)
    for name in ("one", "two"):
        kept.keep(name, b"x" * 10)
    assert kept.find("one")
    kept.keep("three", b"x" * 10)
    assert kept.find("two") is None
    assert kept.find("one")
    assert kept.held_bytes == 20


def test_what_has_the_same_name_takes_its_place() -> None:
    """Its weight with it."""
    kept: Kept[bytes] = Kept(25, len)
    kept.keep("one", b"x" * 10)
    kept.keep("one", b"x" * 4)
    assert kept.held_bytes == 4
    kept.clear()
    assert (kept.held_bytes, kept.find("one")) == (0, None)


def test_the_newest_is_kept_however_heavy() -> None:
    """Somebody has just asked for it."""
    kept: Kept[bytes] = Kept(25, len)
    kept.keep("one", b"x" * 10)
    kept.keep("two", b"x" * 100)
    assert kept.find("one") is None
    assert kept.find("two") is not None
