"""filter/reading.py: a filter is held against the table; filters that ask the same become one condition."""

import pytest
from tests.unit.filter.shapes import ORDERS, condition

from floorcast.filter.condition import And, Or, columns_of, negate
from floorcast.filter.reading import read_filter
from floorcast.filter.syntax import FilterError

ID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("status=eq.a,stat=eq.b", 12, "work_orders has no column “stat”"),
        ("or(status.eq.a,cost.gt.9)", 15, "column “cost” is hidden from you"),
        ("number=eq.1.5", 10, "“1.5” is no value of type int4: it is an integer from -2147483648 to 2147483647"),
        ("number=in.(1,x)", 13, "“x” is no value of type int4"),
        ("number=eq.null", 10, "null is asked for with is.null"),
        ("number=in.(1,null)", 13, "nothing equals null"),
        ("status=in.(a,NULL)", 13, "nothing equals null"),
        ("open=eq.o", 8, "it is true or false"),
        ("id=eq.7", 6, "it is a uuid"),
        ("due_at=lt.tomorrow", 10, "it is written as in"),
        ("status=match.^a", 7, "a regular expression may take forever"),
        ("status=not.imatch.^a", 11, "a regular expression may take forever"),
        ("number=like.1%", 7, "like compares text"),
        ("status=like.a\\", 12, "cannot end with a backslash"),
        ("status=is.true", 10, "only a column of type bool is true"),
        ("open=is.maybe", 8, "is takes null, true, false or unknown"),
        ("priority=gt.low", 9, "not compared by order"),
        ("details=eq.{}", 8, "a column of type jsonb can only be asked whether it is.null"),
        ("tags=eq.{a}", 5, "a column of type _text"),
    ],
)
def test_what_the_table_cannot_be_asked_is_refused(text: str, place: int, reason: str) -> None:
    """At the join, with place and reason; not by silence, or by an error at the first change."""
    with pytest.raises(FilterError) as refused:
        read_filter(text, ORDERS, hidden={"cost"})
    assert (refused.value.place, reason in refused.value.reason) == (place, True), refused.value


def test_a_message_does_not_repeat_a_long_value() -> None:
    """It goes into replies and logs."""
    with pytest.raises(FilterError) as refused:
        condition("number=eq." + "9" * 1000)
    assert len(str(refused.value)) < 150


def test_a_blank_filter_asks_nothing() -> None:
    """As with Supabase."""
    assert read_filter("  ", ORDERS) is None


@pytest.mark.parametrize(
    "same",
    [
        ("cost=eq.183.05", "cost=eq.183.0500", "cost=in.(183.05, 18305e-2)", "cost.not.neq.183.05"),
        ("status=in.(a,b)", "status=in.(b,a,a)", "or(status.eq.a,status.eq.b)", "not.and(status.neq.a,status.neq.b)"),
        ("status=neq.a,status=neq.b", "status=not.in.(a,b)", "not.or(status.eq.b,status.eq.a)"),
        ("status=eq.a,number=lt.5", "number=not.gte.5,status=eq.a", "and(and(number.lt.5),status.eq.a,status=eq.a)"),
        ("or(status.eq.a,number.gt.5)", "not.and(number.lte.+5,not.or(status=eq.a))"),
        (f"id=eq.{ID}", f"id=eq.{ID.upper()}", f'id=eq."{{{ID}}}"'),
        ("due_at=gt.2026-11-23T10:00:00+02:00", "due_at=gt.2026-11-23T08:00Z", "due_at=gt.2026-11-23 08:00:00.0"),
        ("open=eq.t", "open=eq.YES", "open=in.(1)"),
        ("open=is.unknown", "open=is.NULL"),
        ("hours=eq.0", "hours=eq.-0.0"),
        ("status=ilike.ÄB%", "status=ilike.äb%"),
    ],
)
def test_filters_that_ask_the_same_are_one_condition(same: tuple[str, ...]) -> None:
    """They share their evaluation, their frames and, in a cursor, their name."""
    conditions = {condition(text) for text in same}
    assert len(conditions) == len({str(found) for found in conditions}) == 1
    assert condition(str(*conditions)) in conditions


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("status=like.a%", "status=ilike.a%"),
        ("status=eq.a", "status=not.isdistinct.a"),
        ("status=eq.a", "status=neq.a"),
        ("open=is.true", "open=eq.true"),
        ("status=eq.", 'status=eq." "'),
        ("status=eq.a,number=eq.1", "or(status.eq.a,number.eq.1)"),
        # Two lists of which a value is in both are not one list.
        ("status=in.(a,b),status=in.(b,c)", "status=eq.b"),
        ("status=in.()", "status=not.in.()"),
    ],
)
def test_filters_that_differ_stay_different(one: str, other: str) -> None:
    """Who shares a condition shares frames."""
    assert condition(one) != condition(other)
    assert str(condition(one)) != str(condition(other))


def test_a_condition_is_written_like_a_filter() -> None:
    """In one way only, whatever process writes it."""
    text = f'due_at=lt.2026-12-01,not.and(assigned_to=isdistinct.{ID},status=in.(b,"a, b",null_))'
    assert str(condition(text)) == (
        f'and(due_at.lt."2026-12-01T00:00:00+00:00",or(assigned_to.not.isdistinct.{ID},status.not.in.("a, b",b,null_)))'
    ).replace('"2026-12-01T00:00:00+00:00"', "2026-12-01T00:00:00+00:00")


def test_a_condition_tells_its_columns() -> None:
    """Whose view changes may not ask by what is hidden from now on."""
    assert columns_of(condition("status=eq.a,or(number.gt.5,not.and(open.is.true,details.is.null))")) == {
        "status",
        "number",
        "open",
        "details",
    }


def test_what_is_negated_twice_is_as_before() -> None:
    """And what joins is the other one in between."""
    both = condition("status=like.a%,number=lt.5")
    assert isinstance(both, And)
    assert isinstance(negate(both), Or)
    assert negate(negate(both)) == both
