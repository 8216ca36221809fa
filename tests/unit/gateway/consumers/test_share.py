"""Into which share a row falls."""

from collections import Counter

from floorcast.gateway.consumers.share import share_of


def test_a_row_stays_in_its_share_for_ever() -> None:
    """Were it another one after an update of Floorcast, two workers would have it at a time."""
    assert share_of("inventory_items", '{"id" : "a"}', 64) == 29
    assert share_of("bins", '{"id" : 1}', 7) == 5


def test_shares_are_about_equal() -> None:
    """A worker that has all of it would be the only one."""
    counted = Counter(share_of("bins", f'{{"id" : {key}}}', 4) for key in range(4000))
    assert set(counted) == {0, 1, 2, 3}
    assert min(counted.values()) > 900
