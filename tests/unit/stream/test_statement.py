"""Statements: what is written is read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.stream.statement import (
    Entry,
    Gone,
    Said,
    Statement,
    mark_milliseconds,
    mark_number,
    read_entries,
    read_heard,
    statement_fields,
)

ENTRIES = st.builds(
    Entry,
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text("abc-123"),
    st.sampled_from([b"{}", b'{"phx_ref":"1","page":"\xc3\xa4","n":[1,2.5,null,true]}']),
)
CHANGES = st.dictionaries(st.text("0123456789", min_size=1), st.none() | ENTRIES)


@given(CHANGES)
def test_changes_arrive_as_they_were_made(changes: dict[str, Entry | None]) -> None:
    """Through the stream, for those who listen."""
    told, _ = statement_fields(Statement(3, 4, changes))
    assert read_heard({b"gateway": b"g", b"number": b"4", b"changes": told}) == Said("g", 4, changes)


@given(CHANGES)
def test_entries_are_read_as_they_were_made(changes: dict[str, Entry | None]) -> None:
    """Through the hash, for those who missed something."""
    _, fields = statement_fields(Statement(3, 4, changes))
    written = [(str(slot).encode(), bytes(text)) for slot, text in zip(fields[::2], fields[1::2], strict=True) if text]
    assert read_entries(written) == {slot: entry for slot, entry in changes.items() if entry is not None}


def test_what_is_said_anew_is_read_as_a_whole() -> None:
    """It may be large, so the stream only says that it is there."""
    told, fields = statement_fields(Statement(None, 4, {"1": Entry("north", "anna", "r", b"{}")}))
    assert fields
    assert read_heard({b"gateway": b"g", b"number": b"4", b"changes": told}) == Said("g", 4, None)


def test_that_a_gateway_is_gone_is_read() -> None:
    """Whoever buried it."""
    assert read_heard({b"gateway": b"g", b"gone": b"1"}) == Gone("g")


@pytest.mark.parametrize(("mark", "number", "milliseconds"), [("0:17", 0, 17), ("12:1790000000000", 12, 1790000000000)])
def test_a_mark_says_what_was_said_and_when(mark: str, number: int, milliseconds: int) -> None:
    """As the script writes it."""
    assert mark_number(mark) == number
    assert mark_milliseconds(mark) == milliseconds
