"""filter/index.py: whom a row concerns, and what it costs to know, in evaluations."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.filter.shapes import condition

from floorcast.filter.condition import Condition
from floorcast.filter.index import Index, Sides
from floorcast.filter.matcher import Matcher, compile_matcher
from floorcast.filter.row import Row, RowMismatch

PEOPLE = [f"a0eebc99-9c0b-4ef8-bb6d-{number:012x}" for number in range(2000)]


class Counter:
    """Compiles conditions that count how often they are asked."""

    def __init__(self) -> None:
        """Nobody asked."""
        self.evaluations = 0
        self.compiled = 0

    def compile(self, asked: Condition) -> Matcher:
        """Use as the index does."""
        self.compiled += 1
        matches = compile_matcher(asked)

        def counted(row: Row) -> bool | None:
            self.evaluations += 1
            return matches(row)

        return counted


def an_order(**columns: Any) -> Row:
    """A row."""
    return Row({"status": "open", "number": 7, "assigned_to": PEOPLE[0]} | columns)


def filled(filters: Mapping[Any, str], counter: Counter | None = None) -> Index[Any]:
    """An index in which everybody has a filter on work orders."""
    index: Index[Any] = Index((counter or Counter()).compile)
    for key, text in filters.items():
        index.add(key, {"orders": condition(text)})
    return index


def test_both_sides_of_a_change_are_told() -> None:
    """In, out, in and out: enter, leave, update. Who was not concerned before and is not now hears nothing."""
    index = filled({"new": "status=eq.new", "open": "status=eq.open", "any": "number=gt.0", "none": "number=gt.10"})
    assert index.candidates("orders", an_order(status="new"), an_order()) == {
        "new": Sides(before=True, after=False),
        "any": Sides(before=True, after=True),
        "open": Sides(before=False, after=True),
    }
    assert index.candidates("orders", None, an_order()) == {"any": (False, True), "open": (False, True)}
    assert index.candidates("orders", an_order(), None) == {"any": (True, False), "open": (True, False)}
    assert index.candidates("orders", None, None) == index.candidates("equipment", an_order(), an_order()) == {}


def test_thousands_with_one_filter_cost_what_one_costs() -> None:
    """Even if each has written it in his own way."""
    counter = Counter()
    ways = ["status=eq.open,number=lt.9", "number=not.gte.9,status=in.(open)", "not.or(status.neq.open,number.gte.9)"]
    index = filled({number: ways[number % 3] for number in range(2000)}, counter)
    assert len(index.candidates("orders", an_order(number=10), an_order())) == 2000
    assert (counter.compiled, counter.evaluations) == (1, 2)


@pytest.mark.parametrize(
    "text",
    [
        "assigned_to=eq.{0}",
        "assigned_to=in.({0},{1})",
        "status=eq.open,assigned_to=eq.{0}",
        "or(assigned_to.eq.{0},and(assigned_to.eq.{1},number.gt.3))",
        "number=gt.3,or(id.eq.{0},assigned_to.eq.{0})",
    ],
)
def test_thousands_with_one_value_each_cost_what_one_costs(text: str) -> None:
    """Everybody asks for what is his own; a row is one person's."""
    counter = Counter()
    index = filled({number: text.format(person, PEOPLE[number - 1]) for number, person in enumerate(PEOPLE)}, counter)
    found = index.candidates("orders", an_order(assigned_to=PEOPLE[40]), an_order(assigned_to=PEOPLE[50]))
    assert {40, 50} <= found.keys() <= {40, 41, 50, 51}
    assert counter.evaluations <= 8


def test_a_condition_is_found_by_the_value_that_fewest_have() -> None:
    """Everybody is in one hall and asks for one machine."""
    counter = Counter()
    hall = PEOPLE[0]
    index = filled({number: f"assigned_to=eq.{hall},id=eq.{person}" for number, person in enumerate(PEOPLE)}, counter)
    assert index.candidates("orders", None, an_order(id=PEOPLE[7], assigned_to=hall)).keys() == {7}
    # The first had nothing to choose by.
    assert counter.evaluations <= 2


def test_an_alternative_is_found_by_whichever_part_holds() -> None:
    """Also by one for which there is no value to look."""
    index = filled({"either": "or(status.eq.new,number.gt.5)"})
    assert index.candidates("orders", None, an_order(status="new", number=1)).keys() == {"either"}
    assert index.candidates("orders", None, an_order(status="open", number=7)).keys() == {"either"}
    assert not index.candidates("orders", None, an_order(status="open", number=1))


def test_the_rest_is_evaluated_once_for_each_distinct_condition() -> None:
    """There is nothing to find it by."""
    counter = Counter()
    index = filled({number: f"number=gt.{number % 10}" for number in range(1000)}, counter)
    assert len(index.candidates("orders", None, an_order())) == 700
    assert counter.evaluations == 10


def test_who_is_gone_costs_nothing_and_leaves_nothing() -> None:
    """Screens come and go for months."""
    counter = Counter()
    texts = ["assigned_to=eq.{}", "number=gt.3", "status=in.(open,new),number=gt.1", "or(id.eq.{0},status.eq.open)"]
    index = filled({number: texts[number % 4].format(PEOPLE[number % 7]) for number in range(100)}, counter)
    for number in range(100):
        index.remove(number)
        index.remove(number)
    assert index.candidates("orders", an_order(), an_order()) == {}
    assert counter.evaluations == 0
    assert not index._tables
    assert not index._asked_by


def test_one_may_have_conditions_on_several_tables() -> None:
    """And none on others, of which the index knows nothing."""
    index: Index[str] = Index()
    index.add("board", {"orders": condition("status=eq.open"), "parts": condition("number=lt.5")})
    index.add("all", {})
    with pytest.raises(AssertionError):
        index.add("all", {})
    assert index.candidates("orders", None, an_order()).keys() == {"board"}
    assert index.candidates("parts", None, an_order(number=3)).keys() == {"board"}
    index.remove("board")
    assert index.candidates("parts", None, an_order(number=3)) == {}


@pytest.mark.parametrize("text", ["number=eq.5", "number=gt.5", "status=eq.open,number=gt.5"])
def test_a_row_of_another_shape_is_not_guessed_at(text: str) -> None:
    """Nobody could say whom it concerns."""
    with pytest.raises(RowMismatch):
        filled({1: text}).candidates("orders", None, an_order(number="five"))


FILTERS = st.sampled_from(
    [
        "status=eq.open",
        "status=in.(open,new)",
        "status=neq.open",
        "status=in.()",
        "status=not.in.()",
        "status=eq.open,number=in.(1,2)",
        "number=in.(1,2),number=in.(2,3)",
        "or(status.eq.new,number.eq.3)",
        "or(status.eq.new,number.gt.2)",
        "or(and(status.eq.new,number.eq.1),and(status.eq.open,number.eq.3))",
        "not.and(status.neq.open,number.neq.2)",
        "status=isdistinct.open",
        "status=is.null",
        "number=lte.2",
    ]
)
ROWS = st.none() | st.builds(
    lambda status, number: Row({"status": status, "number": number}),
    st.sampled_from([None, "open", "new", "closed"]),
    st.sampled_from([None, 1, 2, 3]),
)


@given(st.dictionaries(st.integers(0, 30), FILTERS, max_size=20), st.sets(st.integers(0, 30)), ROWS, ROWS)
def test_nobody_is_missed_whoever_came_and_went(
    filters: dict[int, str], gone: set[int], old: Row | None, new: Row | None
) -> None:
    """A row concerns those whose filter lets it through, asked one by one."""
    index = filled(filters)
    for key in gone:
        index.remove(key)
    expected = {}
    for key in filters.keys() - gone:
        matches = compile_matcher(condition(filters[key]))
        sides = tuple(row is not None and matches(row) is True for row in (old, new))
        if any(sides):
            expected[key] = sides
    assert index.candidates("orders", old, new) == expected
