"""Lines of history: what can be played, and why the others cannot."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from floorcast.factory.history import HistoricalOrder, NotHistoryError, Refusal, read_history

HEADER = "BscStartDate,Asset,OriginalShorttext,PMType,Cost\n"


def read(*lines: str, assets: frozenset[str] | None = None) -> list[HistoricalOrder | Refusal]:
    """Read lines under the header."""
    return list(read_history([HEADER, *(line + "\n" for line in lines)], assets))


def refusal(line: str, assets: frozenset[str] | None = None) -> str:
    """Return why a line is refused."""
    (item,) = read(line, assets=assets)
    assert isinstance(item, Refusal)
    assert item.line == 2
    return item.reason


def test_a_line_becomes_an_order_with_nothing_mended() -> None:
    """Blanks at the ends and misspellings stay as they were typed."""
    (order,) = read("2004-07-01,A, BUCKET WON'T OPNE ,PM01,183.05")
    assert order == HistoricalOrder(
        2, datetime(2004, 7, 1, tzinfo=UTC), "A", " BUCKET WON'T OPNE ", "PM01", Decimal("183.05")
    )


def test_a_credit_has_a_negative_cost() -> None:
    """It is legitimate."""
    (order,) = read("2004-07-01,A,refund,PM01,-339.81")
    assert isinstance(order, HistoricalOrder)
    assert order.cost == Decimal("-339.81")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("2004-02-30,A,text,PM01,1", "bad date"),
        ("01.07.2004,A,text,PM01,1", "bad date"),
        ("20040701,A,text,PM01,1", "bad date"),
        (",A,text,PM01,1", "bad date"),
        ("2004-07-01,,text,PM01,1", "no asset"),
        ("2004-07-01,A;drop,text,PM01,1", "bad asset"),
        ("2004-07-01,A,,PM01,1", "empty text"),
        ("2004-07-01,A,   ,PM01,1", "empty text"),
        (f"2004-07-01,A,{'x' * 501},PM01,1", "501 characters"),
        ("2004-07-01,A,a\0b,PM01,1", "NUL"),
        ("2004-07-01,A,gr\udcfcn,PM01,1", "not UTF-8"),
        ("2004-07-01,A,text,PM99,1", "unknown PMType 'PM99'"),
        ("2004-07-01,A,text,PM01,", "bad number ''"),
        ("2004-07-01,A,text,PM01,ten", "bad number 'ten'"),
        ("2004-07-01,A,text,PM01,NaN", "bad number"),
        ("2004-07-01,A,text,PM01,Infinity", "bad number"),
        ("2004-07-01,A,text,PM01,1e3", "bad number"),
        ("2004-07-01,A,text,PM01,1_000", "bad number"),
        ("2004-07-01,A,text,PM01,1.005", "more than two digits"),
        ("2004-07-01,A,text,PM01,1000000000000", "too large"),
        ("2004-07-01,A,text,PM01", "4 columns instead of 5"),
        ("2004-07-01,A,one, two,PM01,1", "6 columns instead of 5"),
        ('2004-07-01,A,"never closed,PM01,1', "unexpected end of data"),
    ],
)
def test_what_cannot_be_played_says_why(line: str, why: str) -> None:
    """In words that help to mend the file."""
    assert why in refusal(line)


def test_an_asset_that_nobody_named_is_unknown() -> None:
    """When it is said which assets there are, others are mistakes."""
    assert "unknown asset 'F': known are A, B" in refusal("2004-07-01,F,text,PM01,1", frozenset({"A", "B"}))


def test_a_bad_line_costs_only_itself() -> None:
    """A quote that is never closed does not swallow what follows, and numbers count from the header."""
    items = read('2004-07-01,A,"open,PM01,1', "2004-07-02,A,fine,PM01,1", "", "bad", "2004-07-03,A,fine,PM01,1")
    assert [(type(item).__name__, item.line) for item in items] == [
        ("Refusal", 2),
        ("HistoricalOrder", 3),
        ("Refusal", 5),
        ("HistoricalOrder", 6),
    ]


def test_columns_may_stand_in_any_order() -> None:
    """Their names say what they are."""
    lines = ["Cost,Asset,PMType,OriginalShorttext,BscStartDate,Site\r\n", '5,A,PM02,"one, two",2004-07-01,x\r\n']
    (order,) = read_history(lines)
    assert isinstance(order, HistoricalOrder)
    assert (order.text, order.cost, order.kind) == ("one, two", Decimal(5), "PM02")


@pytest.mark.parametrize("first", ["", "a,b,c\n", "BscStartDate,Asset,PMType,Cost\n"])
def test_a_file_without_the_columns_is_not_history(first: str) -> None:
    """It is said once, and not for each of its lines."""
    with pytest.raises(NotHistoryError, match="OriginalShorttext"):
        list(read_history([first, "1,2,3\n"]))
