"""What clients are told: one table, and how long each code has them wait."""

from floorcast.codes import CODES, Wait


def test_a_wait_is_between_its_bounds() -> None:
    """Whoever draws the smallest share waits the least, nobody longer than the most."""
    wait = Wait(1, 10)
    assert wait.seconds(0.0) == 1
    assert wait.seconds(0.5) == 5.5
    assert wait.seconds(1.0) == 10


def test_failing_again_doubles_the_longest_wait_up_to_half_a_minute() -> None:
    """A server that is down for an hour is not asked ten times a second by everybody."""
    wait = Wait(0, 3)
    assert [wait.seconds(1.0, failures) for failures in range(5)] == [3, 6, 12, 24, 30]
    assert wait.seconds(1.0, 10_000) == 30


def test_a_code_without_data_lost_keeps_its_cursor() -> None:
    """Only what says that the past is not yours, or not continuable, takes the cursor away."""
    assert {code.code for code in CODES.values() if not code.cursor_holds} == {
        "forbidden",
        "revoked",
        "must_refetch",
        "bad_cursor",
    }
