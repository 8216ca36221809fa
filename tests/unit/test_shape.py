"""shape.py: what a tracked table looks like."""

from dataclasses import replace

import pytest

from floorcast.shape import Scope, TableShape

COLUMNS = {"id": "uuid", "name": "text", "site": "uuid"}


def a_shape(
    columns: dict[str, str] = COLUMNS, key: tuple[str, ...] = ("id",), scope: Scope = "warehouse", place: str = "site"
) -> TableShape:
    """A table of three columns, unless told otherwise."""
    return TableShape("lathes", columns, key, scope, place)


def test_equal_shapes_have_one_fingerprint() -> None:
    """A cursor holds it, and is taken by another process."""
    assert a_shape().fingerprint == a_shape(dict(COLUMNS)).fingerprint
    assert len(a_shape().fingerprint) == 16
    assert hash(a_shape()) == hash(a_shape(dict(COLUMNS)))


@pytest.mark.parametrize(
    "other",
    [
        a_shape(COLUMNS | {"note": "text"}),
        a_shape(COLUMNS | {"name": "varchar"}),
        a_shape(dict(reversed(COLUMNS.items()))),
        a_shape(key=("id", "site")),
        a_shape(scope="organization"),
        a_shape(place="id"),
        replace(a_shape(), layout="1:-1"),
    ],
)
def test_whatever_changes_a_row_changes_the_fingerprint(other: TableShape) -> None:
    """A client that goes on with another shape would show the wrong columns, or none."""
    assert other.fingerprint != a_shape().fingerprint
