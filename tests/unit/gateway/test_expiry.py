"""When a token's end is announced, and when it is the end."""

import pytest

from floorcast.gateway.expiry import due, next_look, notice_for


@pytest.mark.parametrize(("left", "notice"), [(86_400, 60), (600, 60), (300, 30), (5, 0.5), (0, 0), (-3, 0)])
def test_the_notice_is_a_minute_or_a_tenth_of_what_is_left(left: float, notice: float) -> None:
    """Whichever is less; a token that is accepted in its grace is not announced any more."""
    assert notice_for(left) == notice


def test_a_token_is_announced_then_graced_then_over() -> None:
    """Once each, in this order."""
    assert due(61, 60, 10) is None
    assert due(60, 60, 10) == "announce"
    assert due(59, 0, 10) is None, "it was announced"
    assert due(-9.9, 0, 10) is None
    assert due(-10, 0, 10) == "close"
    assert due(-10, 60, 10) == "close", "who was not looked at for long is not told of an end that is past"


@pytest.mark.parametrize(("left", "notice"), [(600.0, 60.0), (600.0, 0.0), (-3.0, 0.0)])
def test_the_next_look_is_when_something_is_due(left: float, notice: float) -> None:
    """Not a moment earlier."""
    later = next_look(left, notice, 10)
    assert due(left - later, notice, 10) is not None
    assert due(left - later + 0.001, notice, 10) is None
