"""filter/pattern.py: LIKE. Whether PostgreSQL agrees, edge/test_conditions.py asks it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.filter.pattern import CAPITALS, SMALL, compile_like, fold

SYMBOLS = {"%": ".*", "_": ".", "\\%": "%", "\\_": "_", "\\a": "a", "a": "a", "b": "b", "\\\\": r"\\"}


@given(st.lists(st.sampled_from(sorted(SYMBOLS)), max_size=8), st.text("ab%_\\\n", max_size=8))
def test_it_is_like_what_an_expression_would_match(symbols: list[str], text: str) -> None:
    """One that goes back and forth, and so needs no thought."""
    expression = re.compile("".join(SYMBOLS[symbol] for symbol in symbols), re.DOTALL)
    assert compile_like("".join(symbols))(text) == (expression.fullmatch(text) is not None)


@pytest.mark.parametrize("pattern", ["%a" * 40 + "b", "%_a" * 40 + "b", "_%" * 40 + "b"])
def test_a_pattern_that_was_made_to_take_forever_does_not(pattern: str) -> None:
    """Whoever may filter could stop a gateway otherwise. Trying every way would not end in this test's time."""
    assert not compile_like(pattern)("a" * 20_000)
    assert compile_like(pattern)("a" * 20_000 + "b")


def test_a_backslash_stands_before_something() -> None:
    """PostgreSQL would say so at the first row that comes so far."""
    with pytest.raises(ValueError, match="backslash"):
        compile_like("a\\")
    assert compile_like("a\\\\")("a\\")


def test_capitals_are_letters_of_which_there_is_a_small_one() -> None:
    """One for one: `translate` in SQL takes them so."""
    assert len(CAPITALS) == len(SMALL) == len(set(CAPITALS))
    assert fold("ÄÖÜ ŁŽ ΩΉ ЖЁ ß İ 1") == "äöü łž ωή жё ß İ 1"
    assert fold(CAPITALS) == SMALL
    assert fold(SMALL) == SMALL
