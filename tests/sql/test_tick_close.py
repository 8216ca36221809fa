"""Closing a tick: what it holds, what it costs, who may."""

import psycopg
import pytest
from tests.fixtures.tampering import by_force
from tests.sql.plant import Connection, value
from tests.sql.trail import changes

CLOSE = "select * from floorcast.close_tick(2000, 1048576)"


def test_a_fresh_database_begins_at_tick_zero(owner: Connection) -> None:
    """What was there before is behind it."""
    (tick,) = owner.execute("select tick, count, bytes from floorcast.tick").fetchall()
    assert tick == {"tick": 0, "count": 0, "bytes": 0}


def test_ticks_are_dense_numbers_and_each_has_what_came_since_the_one_before(bins: Connection) -> None:
    """No number is skipped, whatever happens in between."""
    for key in (1, 2, 3):
        with bins.transaction(force_rollback=True):
            bins.execute("insert into bins values (99, 'n')")
        bins.execute("insert into bins values (%s, 'n')", [key])
        (row,) = bins.execute(CLOSE.encode()).fetchall()
        assert (row["tick"], row["n"], row["count"], row["key"]) == (key, 1, 1, f'{{"id" : {key}}}')


def test_nothing_new_closes_nothing_and_costs_no_transaction_id(bins: Connection) -> None:
    """It is asked every few milliseconds; transaction ids end."""
    with bins.transaction():
        assert bins.execute(CLOSE.encode()).fetchall() == []
        assert value(bins, "select pg_current_xact_id_if_assigned()::text") is None
    assert value(bins, "select max(tick) from floorcast.tick") == 0


def test_a_large_tick_comes_without_its_changes(bins: Connection) -> None:
    """By count or by bytes: one row says that it is there, and the leader's memory stays small."""
    bins.execute("insert into bins select i, 'n' from generate_series(1, 4) as i")
    (row,) = bins.execute("select * from floorcast.close_tick(3, 1000000)").fetchall()
    assert (row["tick"], row["count"], row["n"], row["new"]) == (1, 4, None, None)
    bins.execute("update bins set label = repeat('x', 1000)")
    (row,) = bins.execute("select * from floorcast.close_tick(1000, 4000)").fetchall()
    assert (row["tick"], row["count"], row["n"]) == (2, 4, None)
    assert row["bytes"] > 4000


def test_bytes_are_those_of_the_rows_old_and_new(bins: Connection) -> None:
    """What decides whether a tick is large."""
    bins.execute("insert into bins values (1, 'n', 'é')")
    bins.execute("update bins set label = 'x'")
    bins.execute("delete from bins")
    (first, *_) = bins.execute(CLOSE.encode()).fetchall()
    expected = value(
        bins,
        "select sum(coalesce(octet_length(old::text), 0) + coalesce(octet_length(new::text), 0))::int"
        " from floorcast.change",
    )
    assert first["bytes"] == expected


def test_the_time_of_a_tick_is_before_its_snapshot(bins: Connection) -> None:
    """All that had committed by then is in it or before it: a tick is progress, and a later time a false promise."""
    bins.execute("insert into bins values (1, 'n')")
    before = value(bins, "select clock_timestamp()")
    bins.execute(
        "with late as materialized (select pg_sleep(0.05) is null as never)"
        " select c.* from late, floorcast.close_tick(2000 + late.never::int, 1048576) as c"
    )
    closed, after = (
        value(bins, "select closed_at from floorcast.tick where tick = 1"),
        value(bins, "select clock_timestamp()"),
    )
    assert before <= closed < after
    assert (after - closed).total_seconds() >= 0.05


def test_the_relay_may_close_and_owns_nothing(bins: Connection, service: Connection) -> None:
    """It cuts the trail as its own small role."""
    bins.execute("insert into bins values (1, 'n')")
    service.execute("set role floorcast_relay")
    (row,) = service.execute(CLOSE.encode()).fetchall()
    assert row["tick"] == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute("update floorcast.tick set tick = 5 where tick = 1")


def test_a_tick_reads_what_is_new_and_not_the_trail(bins: Connection) -> None:
    """However long the trail is: two index ranges. Statistics are of no use here, so it must hold without them too.

    Nor may a plan that was made for an empty trail be kept for a long one.
    """
    bins.execute("vacuum analyze floorcast.change")
    for _ in range(10):
        assert bins.execute(CLOSE.encode()).fetchall() == []
    bins.execute(
        by_force(
            "insert into floorcast.change (op, table_name, key, actor, new)"
            " select 'insert', 'bins', '{}', 'x', '{}' from generate_series(1, 30000)"
        )
    )
    bins.execute(CLOSE.encode())
    for key, analyze in enumerate(("select 1", "analyze floorcast.change")):
        bins.execute(analyze.encode())
        bins.execute("insert into bins values (%s, 'n')", [key])
        # What earlier transactions counted is still with the session; from here on, only this one's is.
        bins.execute("select pg_stat_force_next_flush()")
        with bins.transaction():
            assert len(bins.execute(CLOSE.encode()).fetchall()) == 1
            read = value(
                bins,
                "select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int"
                " from pg_stat_xact_user_tables where relname like 'change\\_%%'",
            )
        assert read < 100


def test_the_trail_gets_its_next_partitions_in_time(bins: Connection) -> None:
    """Two ranges ahead: the one that is being filled and the next."""
    assert value(bins, "select floorcast.extend_trail()") == 0
    bins.execute("insert into bins values (1, 'n')")
    assert value(bins, "select count(*) from floorcast.change_default") == 0


def test_a_range_that_began_in_the_default_partition_does_not_stop_the_relay(bins: Connection) -> None:
    """No relay ran for ten million transactions: writes went on, and the next leader must be able to begin."""
    name = value(
        bins,
        "select min(inhrelid::regclass::text) from pg_inherits where inhparent = 'floorcast.change'::regclass"
        " and inhrelid <> 'floorcast.change_default'::regclass",
    )
    bins.execute(f"alter table floorcast.change detach partition {name}".encode())
    bins.execute(f"drop table {name}".encode())
    bins.execute("insert into bins values (1, 'n')")
    assert value(bins, "select count(*) from floorcast.change_default") == 1
    assert value(bins, "select floorcast.extend_trail()") == 0
    bins.execute("insert into bins values (2, 'n')")
    assert len(bins.execute(CLOSE.encode()).fetchall()) == 2
    assert changes(bins, "bins", "op") == ["insert", "insert"]
