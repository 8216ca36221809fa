"""The noun that everything carries."""

from dataclasses import FrozenInstanceError, fields

import pytest
from tests.builders import a_change

from floorcast.change import GRANTS, Change


def test_a_change_cannot_be_altered_on_its_way() -> None:
    """It is shared by every audience of a tick."""
    with pytest.raises(FrozenInstanceError):
        a_change().n = 2  # type: ignore[misc]


def test_a_change_has_what_the_trail_has_and_its_place() -> None:
    """The fields are the contract between the tick's readers and everything behind them."""
    assert [field.name for field in fields(Change)] == [
        "n",
        "xid",
        "seq",
        "table",
        "op",
        "key",
        "warehouse",
        "old_warehouse",
        "actor",
        "at",
        "old",
        "new",
        "retired",
        "old_retired",
    ]


def test_the_grants_table_is_named_as_capture_names_it() -> None:
    """Tables outside `public` carry their schema; a gateway that looked for another name would follow no access."""
    assert GRANTS == "floorcast.grants"
