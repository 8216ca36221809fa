"""Where a gateway stands, and what the next thing means."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.gateway.course import MOST_MISSING, Course, is_news
from floorcast.stream.entry import FeedProgress


@dataclass(frozen=True)
class ALink:
    """A tick of a history; its seal tells which."""

    tick: int
    history: str = "first"
    before: str | None = None

    @property
    def seal(self) -> str:
        """Name of the tick in its history."""
        return f"{self.history}:{self.tick}"

    @property
    def previous_seal(self) -> str:
        """Name of the one before."""
        return f"{self.before or self.history}:{self.tick - 1}"


AT_FIVE = Course("first", 5, "first:5")


@pytest.mark.parametrize(
    ("link", "incarnation", "step"),
    [
        (ALink(6), "first", "deliver"),
        (ALink(5), "first", "ignore"),
        (ALink(3), "first", "ignore"),
        (ALink(7), "first", "consult"),
        (ALink(6, "second"), "first", "consult"),
        (ALink(5, "second"), "first", "consult"),
        (ALink(6), "second", "consult"),
    ],
)
def test_a_tick_is_believed_only_where_it_continues_exactly(link: ALink, incarnation: str, step: str) -> None:
    """By number, by seal and by history."""
    assert AT_FIVE.hear_tick(link, incarnation) == step


@pytest.mark.parametrize(("tick", "step"), [(5, "deliver"), (4, "ignore"), (6, "consult")])
def test_progress_is_believed_only_of_our_own_tick(tick: int, step: str) -> None:
    """Of a later one it would promise what was not delivered."""
    assert AT_FIVE.hear_progress(tick) == step


def test_the_newest_tick_of_the_feed_is_ours_or_a_doubt() -> None:
    """Older, another seal, another history; a newer one of ours is there to be read."""
    assert AT_FIVE.hear_newest("first", 5, "first:5") == "ignore"
    assert AT_FIVE.hear_newest("first", 5_000, "first:5000") == "read"
    for newest in (("first", 4, "first:4"), ("first", 5, "x"), ("second", 5, "first:5"), ("second", 6, "x")):
        assert AT_FIVE.hear_newest(*newest) == "consult"


def test_what_is_missing_comes_after_ours() -> None:
    """Ours proves that the history is the same."""
    headers = [ALink(5), ALink(6), ALink(7)]
    assert AT_FIVE.missing("first", headers) == headers[1:]
    assert AT_FIVE.missing("first", headers[:1]) == []


@pytest.mark.parametrize(
    ("incarnation", "headers", "reason"),
    [
        ("second", [ALink(5)], "incarnation"),
        ("first", [], "incarnation"),
        ("first", [ALink(5, "second")], "incarnation"),
        ("first", [ALink(5), ALink(6, "second")], "incarnation"),
        ("first", [ALink(6), ALink(7)], "trimmed"),
        ("first", [ALink(5), ALink(7)], "trimmed"),
        ("first", [ALink(tick) for tick in range(5, 7 + MOST_MISSING)], "trimmed"),
    ],
)
def test_what_cannot_go_on_has_a_reason(incarnation: str, headers: list[ALink], reason: str) -> None:
    """Never a skip."""
    assert AT_FIVE.missing(incarnation, headers) == reason


@given(st.lists(st.integers(1, 12), max_size=40))
def test_however_the_feed_mixes_ticks_each_is_delivered_once_and_in_order(heard: list[int]) -> None:
    """Against the plainest list: the whole history, as far as it was heard of."""
    course, delivered = Course("first", 0, "first:0"), []
    for number in heard:
        step = course.hear_tick(ALink(number), "first")
        found = [ALink(number)] if step == "deliver" else []
        if step == "consult":
            found = list(course.missing("first", [ALink(tick) for tick in range(course.tick, number + 1)]))  # type: ignore[arg-type]
        for link in found:
            delivered.append(link.tick)
            course = course.after(link)
    assert delivered == list(range(1, max(heard, default=0) + 1))


@pytest.mark.parametrize(
    ("tick", "k", "at", "news"),
    [
        (5, 4, "10:00", True),
        (5, 3, "10:00", False),
        # Redis was emptied and counts anew; what it says is later.
        (5, 1, "10:01", True),
        # Redis was restored and says again what it said.
        (5, 2, "09:59", False),
        # The clock was set back.
        (5, 4, "09:00", True),
        (6, 1, "09:00", True),
    ],
)
def test_a_sign_of_progress_is_old_only_where_its_place_and_its_time_are(
    tick: int, k: int, at: str, *, news: bool
) -> None:
    """An old one must not count as fresh; and neither a Redis nor a clock that begins anew may silence new ones."""
    last = FeedProgress(5, 3, "10:00")
    assert is_news(FeedProgress(tick, k, at), last) is news
    assert is_news(last, None)
