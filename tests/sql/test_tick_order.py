"""Order inside a tick: transactions whole, causes before effects, one row's changes along its chain."""

from collections.abc import Iterator
from itertools import groupby

import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, connect, value

CLOSE = b"select n, xid, seq, key, new from floorcast.close_tick(2000, 1048576) order by n"


@pytest.fixture
def other(database: Database) -> Iterator[Connection]:
    """A second writer."""
    with connect(database.owner_url) as connection:
        yield connection


def keys(connection: Connection) -> list[int]:
    """Keys of the changes of the next tick, in order."""
    return [int(row["key"].split(":")[1].strip(" }")) for row in connection.execute(CLOSE)]


def test_an_effect_never_precedes_its_cause(bins: Connection, other: Connection) -> None:
    """The older transaction touched the row last: by transaction id it would come first, and its row be undone."""
    bins.execute("insert into bins values (1, 'n', 'start'), (2, 'n', 'start')")
    bins.execute(CLOSE)
    with bins.transaction():
        bins.execute("update bins set label = 'older' where id = 2")
        other.execute("update bins set label = 'younger' where id = 1")
        bins.execute("update bins set label = 'older' where id = 1")
    rows = bins.execute(CLOSE).fetchall()
    assert [label.split('"label":')[1].split(",")[0] for label in (row["new"] for row in rows)] == [
        '"younger"',
        '"older"',
        '"older"',
    ]


def test_transactions_are_kept_whole(bins: Connection, other: Connection) -> None:
    """However their statements interleaved."""
    with bins.transaction(), other.transaction():
        for key in range(1, 6):
            bins.execute("insert into bins values (%s, 'n')", [key])
            other.execute("insert into bins values (%s, 'n')", [key + 10])
    rows = bins.execute(CLOSE).fetchall()
    assert [row["n"] for row in rows] == list(range(1, 11))
    assert len(list(groupby(row["xid"] for row in rows))) == 2


def test_within_a_transaction_the_order_is_that_of_its_statements(bins: Connection) -> None:
    """What it did first comes first."""
    with bins.transaction():
        for key in (3, 1, 2):
            bins.execute("insert into bins values (%s, 'n')", [key])
    assert keys(bins) == [3, 1, 2]


def test_an_open_transaction_delays_itself_only(bins: Connection, other: Connection) -> None:
    """It comes with the first tick after its commit, whole; everybody else's changes went on meanwhile."""
    with other.transaction():
        other.execute("insert into bins values (1, 'n')")
        for key in (10, 20, 30):
            bins.execute("insert into bins values (%s, 'n')", [key])
            assert keys(bins) == [key]
        other.execute("insert into bins values (2, 'n')")
        assert keys(bins) == []
    assert keys(bins) == [1, 2]


def test_a_transaction_that_rolled_back_leaves_no_gap(bins: Connection, other: Connection) -> None:
    """It was running at one tick and is gone at the next."""
    with other.transaction(force_rollback=True):
        other.execute("insert into bins values (1, 'n')")
        bins.execute("insert into bins values (10, 'n')")
        assert keys(bins) == [10]
    assert keys(bins) == []
    bins.execute("insert into bins values (20, 'n')")
    assert keys(bins) == [20]
    assert value(bins, "select max(tick) from floorcast.tick") == 2
