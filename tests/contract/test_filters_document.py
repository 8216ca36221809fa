"""docs/filters.md says what there is: operators, types, bounds."""

import re

from tests.contract.documents import read, table_after

from floorcast.filter.kinds import KINDS
from floorcast.filter.syntax import DEEPEST, MOST_CHARACTERS, MOST_CLAUSES, MOST_PATTERNS, MOST_VALUES, OPERATORS

DOCUMENT = read("docs/filters.md")


def named_in_first_column(heading: str) -> set[str]:
    """What is written as code there."""
    return {name for row in table_after(DOCUMENT, heading) for name in re.findall(r"`(\w+)`", row[0])}


def test_every_operator_and_every_type_has_its_line() -> None:
    """What is not there is taken for something that cannot be asked."""
    assert named_in_first_column("## Grammar") == set(OPERATORS)
    # Two types go by another name in SQL, and one has no name of its own.
    assert named_in_first_column("## Types") == KINDS.keys() - {"enum", "bpchar"} | {"char"}


def test_the_bounds_are_those_of_the_code() -> None:
    """Somebody generates filters by them."""
    assert f"at most {MOST_CHARACTERS:,} characters, {MOST_CLAUSES} clauses, {MOST_PATTERNS} patterns" in DOCUMENT
    assert f"groups eight deep, and {MOST_VALUES} values in one `in`" in DOCUMENT
    assert DEEPEST == 8
