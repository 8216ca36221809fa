"""A batch is posted in order, and what is rejected takes only its own row with it."""

from hypothesis import given
from hypothesis import strategies as st

from floorcast.gateway.webhooks.delivery import Delivery, Item


def items(*keys: str) -> list[Item]:
    """Make changes of these rows, i:1-1 and so on."""
    return [Item(f"i:1-{number}", key, b"x" * 10) for number, key in enumerate(keys, 1)]


def ids(delivery: Delivery) -> list[str]:
    """Name what is in the next message."""
    return [item.id for item in delivery.message()]


def test_a_batch_goes_out_in_messages_in_order() -> None:
    """As many as may be in one, by number and by bytes."""
    delivery = Delivery(items(*"abcde"), most_items=2, most_bytes=1_000)
    assert ids(delivery) == ["i:1-1", "i:1-2"]
    # Until something is known about it, it is the same.
    assert ids(delivery) == ["i:1-1", "i:1-2"]
    delivery.taken({})
    assert ids(delivery) == ["i:1-3", "i:1-4"]
    delivery.taken({})
    assert ids(delivery) == ["i:1-5"]
    delivery.taken({})
    assert ids(delivery) == []
    assert dict(delivery.rejected) == {}


def test_a_message_is_bounded_in_bytes_but_one_change_always_goes() -> None:
    """However large a row is, it is told."""
    large = Item("i:1-2", "b", b"x" * 500)
    first, _, third = items(*"abc")
    delivery = Delivery([first, large, third], most_items=10, most_bytes=25)
    seen = []
    while delivery.message():
        seen.append(ids(delivery))
        delivery.taken({})
    assert seen == [["i:1-1"], ["i:1-2"], ["i:1-3"]]


def test_what_is_rejected_takes_what_follows_of_its_row_and_nothing_else() -> None:
    """In the same message, whatever the receiver says of it, and in later ones, which never go out."""
    delivery = Delivery(items("a", "b", "a", "b", "a", "c"), most_items=3, most_bytes=1_000)
    delivery.taken({"i:1-1": "no such item"})
    assert ids(delivery) == ["i:1-4", "i:1-6"]
    delivery.taken({})
    assert ids(delivery) == []
    # What follows it is parked with it, and was not refused itself.
    assert dict(delivery.rejected) == {"i:1-1": "no such item"}


def test_a_row_that_is_kept_back_stays_so_in_the_next_page_of_its_batch() -> None:
    """A large transaction comes in several."""
    delivery = Delivery(items("a", "b"), most_items=9, most_bytes=1_000)
    delivery.message()
    delivery.taken({"i:1-1": "no such item"})
    assert ids(delivery) == []
    delivery.go_on([Item("i:1-3", "a", b"x"), Item("i:1-4", "b", b"x")])
    assert ids(delivery) == ["i:1-4"]
    delivery.taken({})
    assert dict(delivery.rejected) == {"i:1-1": "no such item"}


def test_a_message_that_cannot_be_taken_is_narrowed_down_to_one_change() -> None:
    """The others are told, in order, and the one is rejected."""
    delivery = Delivery(items(*"abcdefgh"), most_items=8, most_bytes=1_000)
    told = []
    posts = 0
    while delivery.message():
        posts += 1
        if "i:1-6" in ids(delivery):
            delivery.unfit("answered 422")
        else:
            told += ids(delivery)
            delivery.taken({})
    assert told == [f"i:1-{number}" for number in (1, 2, 3, 4, 5, 7, 8)]
    assert dict(delivery.rejected) == {"i:1-6": "answered 422"}
    assert posts <= 10


@given(
    st.lists(st.sampled_from("abcd"), max_size=30),
    st.sets(st.integers(1, 30)),
    st.sets(st.integers(1, 30)),
    st.integers(1, 7),
)
def test_each_change_is_told_once_or_kept_back_with_its_row(
    keys: list[str], refused: set[int], poison: set[int], most: int
) -> None:
    """Whatever is rejected, by name or by refusing the message it is in."""
    delivery = Delivery(items(*keys), most_items=most, most_bytes=45)
    told: list[Item] = []
    while delivery.message():
        message = delivery.message()
        assert len(message) <= most
        if any(int(item.id[4:]) in poison for item in message):
            delivery.unfit("answered 422")
            continue
        rejected = {item.id: "no" for item in message if int(item.id[4:]) in refused}
        told += [item for item in message if item.id not in rejected]
        delivery.taken(rejected)
    numbers = [int(item.id[4:]) for item in told]
    assert numbers == sorted(set(numbers))
    firsts = set()
    for key in set(keys):
        own = [number for number, one in enumerate(keys, 1) if one == key]
        bad = [number for number in own if number in refused | poison]
        first = bad[0] if bad else len(keys) + 1
        firsts |= set(bad[:1])
        # Everything before the first that is rejected was told. Of what follows it only what was in the same message.
        assert [number for number in own if number < first] == [n for n in numbers if n in own and n < first]
        assert sum(number > first for number in numbers if number in own) < most
    assert {int(one[4:]) for one in delivery.rejected} == firsts
