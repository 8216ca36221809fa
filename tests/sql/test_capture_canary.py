"""The canary: a change that only tells that changes arrive."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import connect
from tests.sql.trail import Connection, changes

TOUCH = "select * from floorcast.touch_canary(%s)"


@pytest.fixture
def gateway(service: Connection) -> Connection:
    """A session as gateways have it."""
    service.execute("set role floorcast_gateway")
    return service


def touch(connection: Connection, seconds: float) -> tuple[int, bool]:
    """Beat, and whether it was written now."""
    row = connection.execute(TOUCH, [seconds]).fetchone()
    assert row is not None
    return row["beat"], row["written"]


def test_one_that_is_young_is_left_at_that(gateway: Connection, owner: Connection) -> None:
    """However many gateways ask, since their feed has stopped, one of them writes."""
    assert touch(gateway, 0) == (1, True)
    assert [touch(gateway, 60) for _ in range(3)] == [(1, False)] * 3
    assert touch(gateway, 0) == (2, True)
    written = changes(owner, "floorcast.canary", "op", "key", "warehouse", "actor")
    assert written == [("insert", {"slot": slot}, None, "system:floorcast_gateway") for slot in (1, 2)]


def test_a_clock_that_was_set_back_does_not_stop_it(gateway: Connection, owner: Connection) -> None:
    """Else nobody would write one for as long as the clock was set back by."""
    touch(gateway, 0)
    owner.execute("update floorcast.canary set written_at = clock_timestamp() + interval '1 hour'")
    assert touch(gateway, 60) == (2, True)
    assert touch(gateway, 60) == (2, False)


def test_its_rows_are_written_in_turn(gateway: Connection, owner: Connection) -> None:
    """A thousand keys: none of them gets a history that makes the trail's index slow."""
    owner.execute("insert into floorcast.canary select n % 1000, n, now() from generate_series(1001, 2000) as n")
    assert touch(gateway, 0) == (2001, True)
    (last,) = changes(owner, "floorcast.canary", "op", "key", "old", "new")[-1:]
    assert (last[0], last[1], last[2]["beat"], last[3]["beat"]) == ("update", {"slot": 1}, 1001, 2001)
    row = owner.execute("select count(*) as count, max(beat) as newest from floorcast.canary").fetchone()
    assert row == {"count": 1000, "newest": 2001}


def test_many_at_one_moment_fail_for_nobody(database: Database) -> None:
    """They meet in one slot; each beat is written by one of them."""

    def gateway(_: int) -> list[tuple[int, bool]]:
        with connect(database.service_url) as connection:
            connection.execute("set role floorcast_gateway")
            return [touch(connection, 0) for _ in range(40)]

    with ThreadPoolExecutor(4) as pool:
        touched = [each for some in pool.map(gateway, range(4)) for each in some]
    written = sorted(beat for beat, is_new in touched if is_new)
    assert written == list(range(1, len(written) + 1))
    assert max(beat for beat, _ in touched) == len(written)
