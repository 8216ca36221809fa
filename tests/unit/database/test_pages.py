"""Rows wait in pages: what comes out is what went in, nothing is counted twice, and nothing stays."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.database.pages import MOST_FILES, PAGE_BYTES, Pages, Room
from floorcast.errors import PicturesBusy, PictureTooLarge

Row = tuple[str, bytes]

sizes = st.one_of(st.integers(1, 60), st.sampled_from([PAGE_BYTES - 1, PAGE_BYTES, PAGE_BYTES + 1, 3 * PAGE_BYTES]))
rows = st.lists(st.tuples(st.sampled_from("abc"), sizes.map(lambda size: b"x" * size)), max_size=30).map(sorted)


def filled(room: Room, rows: list[Row], most_bytes: int = 10**9) -> Pages:
    """Pages with rows, written out whenever they ask for it."""
    pages = Pages(room, most_bytes)
    for table, row in rows:
        pages.add(table, row)
        if pages.wants_writing:
            pages.write_out()
    pages.end_page()
    if pages.has_unwritten:
        pages.write_out()
    return pages


@given(rows=rows, memory=st.sampled_from([0, PAGE_BYTES, 10**9]), most=st.integers(1, 4 * PAGE_BYTES))
def test_what_comes_out_is_what_went_in(rows: list[Row], memory: int, most: int) -> None:
    """Table by table, in chunks of the size that was asked for, from memory or from the file."""
    room = Room(10**9, memory)
    pages = filled(room, rows)
    expected = {table: b",".join(row for at, row in rows if at == table) for table, _ in rows}
    found: dict[str, list[bytes]] = {}
    order = []
    for table, chunk in pages.chunks(most):
        order.append(table)
        found.setdefault(table, []).append(chunk)
        assert len(chunk) <= most or chunk.count(b",") == 0 or len(chunk) <= PAGE_BYTES
    assert order == sorted(order)
    assert {table: b",".join(chunks) for table, chunks in found.items()} == expected
    assert room.held == pages.size
    assert room.in_memory <= memory
    pages.release()
    assert (room.held, room.in_memory) == (0, 0)


def test_pages_go_with_the_last_who_holds_them() -> None:
    """And then they are not there any more for anybody."""
    room = Room(10**9, 0)
    pages = filled(room, [("a", b"1"), ("a", b"2")])
    pages.hold()
    pages.release()
    reading = pages.chunks(10)
    assert next(reading) == ("a", b"1,2")
    pages.release()
    with pytest.raises(ValueError, match="given up"):
        pages.hold()
    with pytest.raises(ValueError, match="given up"):
        list(pages.chunks(10))


def test_a_picture_has_a_bound_and_all_have_one() -> None:
    """The one is the picture's own fault, the other nobody's."""
    room = Room(100_000, 100_000)
    first = filled(room, [("a", b"x" * 60_000)])
    second = Pages(room, 30_000)
    second.add("a", b"x" * 20_000)
    second.add("a", b"x" * 20_000)
    with pytest.raises(PictureTooLarge):
        second.end_page()
    third = Pages(room, 90_000)
    third.add("a", b"x" * 50_000)
    with pytest.raises(PicturesBusy):
        third.end_page()
    for pages in (first, second, third):
        pages.release()
    assert (room.held, room.files) == (0, 0)


def test_only_so_many_have_a_file() -> None:
    """A gateway's files are for its sockets first."""
    room = Room(10**9, 0)
    many = [filled(room, [("a", b"x")]) for _ in range(MOST_FILES)]
    one_more = Pages(room, 10**9)
    one_more.add("a", b"x")
    one_more.end_page()
    with pytest.raises(PicturesBusy, match="files"):
        one_more.write_out()
    many.pop().release()
    one_more.write_out()
    for pages in (*many, one_more):
        pages.release()
    assert (room.held, room.files) == (0, 0)


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """The kernel refuses to write more, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_said_and_leaves_nothing() -> None:
    """What is in memory was not lost, but there is no way to tell more of it: the picture is given up."""
    room = Room(10**9, 0)
    pages = Pages(room, 10**9)
    for _ in range(100):
        pages.add("a", b"x" * PAGE_BYTES)
    pages.end_page()
    with no_file_larger_than(20_000), pytest.raises(PicturesBusy, match="is full"):
        pages.write_out()
    pages.release()
    assert room.held == 0
