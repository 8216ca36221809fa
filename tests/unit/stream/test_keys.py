"""Redis keys: one slot, and no two histories in one stream."""

from fnmatch import fnmatchcase

from floorcast.stream import keys

PRESENCE = (keys.PRESENCE_GATEWAYS, keys.PRESENCE_STATEMENTS, keys.presence_key("g"))
ALL = (keys.NEWEST, keys.feed_key("i"), keys.known_key("i"), keys.log_key("i", "w"), *PRESENCE)


def test_all_keys_of_a_shard_live_in_one_slot() -> None:
    """Publishing a tick is one atomic call, on a cluster too."""
    assert {key[key.index("{") : key.index("}") + 1] for key in ALL} == {"{0}"}


def test_streams_of_two_histories_never_share_a_key() -> None:
    """Ids of the one would be refused in the other."""
    assert keys.feed_key("i") != keys.feed_key("j")
    assert keys.known_key("i") != keys.known_key("j")
    assert keys.log_key("i", "w") != keys.log_key("j", "w")


def test_a_sweep_finds_every_stream_and_leaves_what_is_published_alone() -> None:
    """Without `newest` the feed would begin anew; who is present is so in any history."""
    found = {key for key in ALL for pattern in keys.HISTORIES if fnmatchcase(key, pattern)}
    assert found == {keys.feed_key("i"), keys.known_key("i"), keys.log_key("i", "w")}
    assert fnmatchcase(keys.log_key("i", "w"), keys.log_pattern("i"))
    assert not fnmatchcase(keys.log_key("j", "w"), keys.log_pattern("i"))
