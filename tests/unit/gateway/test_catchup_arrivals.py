"""Errands through a large tick that lets people in: pages that are told know what comes in later ones."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.fixtures.errands import Counter, a_counter, turns, until
from tests.fixtures.gateway import NORTH, SOUTH, Stream, a_grant, a_shape, an_operation, readable

from floorcast.errors import DatabaseUnavailable, TickNotKept
from floorcast.operation import Operation, PersonTable
from floorcast.tick import Anchor


@pytest.fixture
def stream() -> Stream:
    """Anna may be in north, Carl in south; a large tick is read two changes at a time."""
    stream = Stream(page_size=2).granting(anna={NORTH: "technician"}, carl={SOUTH: "technician"})
    persons = {"users": PersonTable("id", is_key=True)}
    tables, policy = stream.base.tables | {"users"}, (*stream.base.policy, readable("users"))
    shapes = {**stream.base.shapes, "users": a_shape("users")}
    stream.base = replace(stream.base, tables=tables, persons=persons, policy=policy, shapes=shapes)
    return stream


@pytest.fixture
async def counter(stream: Stream) -> AsyncIterator[Counter]:
    """A gateway without sockets."""
    async with a_counter(stream) as counter:
        yield counter


def _carl(n: int, text: str, by: str = "carl") -> Operation:
    return an_operation(n, f"user:{by}", "users", text=text, key=b'{"id": "%b"}' % by.encode())


def _texts(frames: list[tuple[str, Any]]) -> list[str]:
    return [
        change["new"]["text"]
        for event, payload in frames
        if event == "changes"
        for change in payload["changes"]
        if change["table"] == "users"
    ]


LARGE = (
    _carl(1, "before"),
    *(an_operation(n) for n in range(2, 6)),
    a_grant("carl", NORTH, "technician", 6),
    an_operation(7),
    _carl(8, "as he is"),
    an_operation(9),
)


async def test_who_is_let_in_by_a_large_tick_is_told_as_he_is_at_its_end(counter: Counter) -> None:
    """What he was in an earlier page was not for that warehouse to see; where he was, everything is told."""
    anna, carl = counter.reader(), counter.reader("carl")
    anna.join()
    carl.join(topic="warehouse:south")
    counter.tick(*LARGE, large=True)
    await until(lambda: not counter.errands)
    assert _texts(anna.frames()) == ["as he is"]
    assert _texts(carl.frames()) == ["before", "as he is"]


async def test_who_is_let_in_and_changed_in_an_earlier_page_alone_is_told(counter: Counter) -> None:
    """His newest state need not be in the last page."""
    anna = counter.reader()
    anna.join()
    counter.tick(_carl(1, "as he is"), *LARGE[1:7], large=True)
    await until(lambda: not counter.errands)
    assert _texts(anna.frames()) == ["as he is"]


async def test_a_tick_that_lets_nobody_in_is_read_once(counter: Counter) -> None:
    """To look for people first costs nothing where there are none; who left does not count."""
    asked: list[Sequence[str]] = []
    whole = counter.past.pages

    def pages(tick: int, places: Sequence[str], anchor: Anchor) -> AsyncIterator[tuple[Operation, ...]]:
        asked.append(places)
        return whole(tick, places, anchor)

    counter.past.pages = pages  # type: ignore[method-assign]
    counter.reader().join()
    counter.tick(*LARGE[1:5], a_grant("carl", SOUTH, None, 6, "technician"), large=True)
    await until(lambda: not counter.errands)
    assert [tuple(places) for places in asked] == [(NORTH, "organization:quarry", "user:anna")]
    counter.tick(*LARGE, large=True)
    await until(lambda: not counter.errands)
    assert [tuple(places) for places in asked[1:]] == [
        ("user:carl",),
        (NORTH, "organization:quarry", "user:anna", "user:carl"),
    ]


async def test_nothing_is_told_while_it_is_not_known_who_came(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres is away while it is looked for: it is looked for again."""
    failures, whole = [], counter.past.pages
    monkeypatch.setattr("floorcast.backoff.Backoff.next_seconds", lambda _: 0.0)

    async def pages(tick: int, places: Sequence[str], anchor: Anchor) -> AsyncIterator[tuple[Operation, ...]]:
        async for page in whole(tick, places, anchor):
            yield page
            if list(places) == ["user:carl"] and len(failures) < 2:
                failures.append(page)
                assert "changes" not in [event for event, _ in anna.frames()]
                raise DatabaseUnavailable("Postgres was taken away by the test")

    monkeypatch.setattr(counter.past, "pages", pages)
    anna = counter.reader()
    anna.join()
    counter.tick(*LARGE, large=True)
    await until(lambda: not counter.errands)
    assert len(failures) == 2
    assert _texts(anna.frames()) == ["as he is"]


async def test_who_came_is_not_known_of_a_tick_that_is_not_kept(counter: Counter) -> None:
    """Whoever was to be told of it reads again."""

    async def pages(*_: object) -> AsyncIterator[tuple[Operation, ...]]:
        raise TickNotKept("gone")
        yield ()

    counter.past.pages = pages  # type: ignore[method-assign]
    anna = counter.reader()
    anna.join()
    counter.tick(*LARGE, large=True)
    await until(lambda: not counter.errands)
    assert [payload["reason"] for event, payload in anna.frames() if event == "must_refetch"] == ["trimmed"]


async def test_what_was_settled_while_something_else_was_tracked_is_not_kept(counter: Counter) -> None:
    """Others would be told of tables that are not sent any more."""
    held = counter.past.pages

    async def pages(tick: int, places: Sequence[str], anchor: Anchor) -> AsyncIterator[tuple[Operation, ...]]:
        async for page in held(tick, places, anchor):
            if list(places) == ["user:carl"]:
                counter.hub.chronicle.tracked_changed += 1
            yield page

    counter.past.pages = pages  # type: ignore[method-assign]
    anna = counter.reader()
    anna.join()
    tick = counter.tick(*LARGE, large=True)
    await until(lambda: not counter.errands)
    await turns()
    assert counter.catch_ups._sources.settled.find((NORTH, tick)) is None
    assert _texts(anna.frames()) == ["as he is"]
