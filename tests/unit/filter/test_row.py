"""filter/row.py: a row is read with every digit."""

from decimal import Decimal

import pytest

from floorcast.filter.row import RowMismatch, read_row


def test_numbers_keep_their_digits() -> None:
    """A float has about sixteen."""
    row = read_row(b'{"a":9007199254740993,"b":12345678901234567890.10,"c":1e+300,"d":"NaN","e":null,"f":-0}')
    assert row == {
        "a": 9007199254740993,
        "b": Decimal("12345678901234567890.10"),
        "c": Decimal("1e300"),
        "d": "NaN",
        "e": None,
        "f": 0,
    }


def test_a_row_may_be_as_deep_as_it_likes() -> None:
    """A technician can write such a document; nobody's filter looks into it, so nobody's stream is to end by it."""
    deep = b"[" * 100_000 + b'{"x":"]}\\""}' + b"]" * 100_000
    row = read_row(b'{"a":1,"doc":{"b":%b,"c":[]},"text":"[{\\"","list":[[],{}],"cost":1.50}' % deep)
    assert row == {"a": 1, "doc": {}, "text": '[{"', "list": [], "cost": Decimal("1.50")}


def test_an_integer_may_be_as_long_as_it_likes() -> None:
    """131,072 digits are a numeric; Python's integers are not read from so many."""
    row = read_row(b'{"a":%b,"b":7}' % (b"9" * 131_072))
    assert row["a"] == Decimal("9" * 131_072)
    assert row["b"] == 7
    assert isinstance(row["b"], int)


@pytest.mark.parametrize("written", [b"[]", b"null", b'{"a":1', b"", b"[" * 100_000, b'{"a":\xff}'])
def test_what_is_no_row_is_refused(written: bytes) -> None:
    """As everything is of which nobody can say what it is."""
    with pytest.raises(RowMismatch):
        read_row(written)
