"""Output in pieces becomes whole lines."""

from hypothesis import given
from hypothesis import strategies as st

from floorcast.supervisor.lines import LONGEST_LINE, Lines


@given(st.text(st.characters(exclude_characters="\r\n", codec="utf-8")).map(str.encode), st.data())
def test_however_it_is_cut_a_line_comes_out_whole(text: bytes, data: st.DataObject) -> None:
    """Cuts may fall inside a character."""
    cut = data.draw(st.integers(0, len(text)))
    lines = Lines()
    assert [*lines.feed(text[:cut]), *lines.feed(text[cut:] + b"\n"), *lines.end()] == [text.decode()]


def test_the_last_line_needs_no_end() -> None:
    """A process that was killed left half a sentence; it is shown."""
    lines = Lines()
    assert [*lines.feed(b"one\r\ntwo")] == ["one"]
    assert [*lines.end()] == ["two"]
    assert [*lines.end()] == []


def test_a_line_without_end_is_passed_on_in_parts() -> None:
    """Memory stays bounded, whatever a process writes."""
    lines = Lines()
    parts = [part for _ in range(10) for part in lines.feed(b"x" * LONGEST_LINE)]
    assert sum(map(len, parts)) >= 9 * LONGEST_LINE


def test_what_is_no_text_is_shown_as_its_bytes() -> None:
    """Broken output must not break the one that shows it."""
    assert [*Lines().feed(b"caf\xe9\n")] == ["caf\\xe9"]
