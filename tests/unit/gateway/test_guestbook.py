"""Guestbook: what is told of them is what became of them."""

import json

from floorcast.gateway.guestbook import Difference, Guestbook, shown, shown_difference
from floorcast.stream.statement import Entry


def _entry(ref: str, room: str = "north", key: str = "anna") -> Entry:
    return Entry(room, key, ref, json.dumps({"phx_ref": ref}).encode())


def test_what_comes_and_goes_between_two_turns_is_not_told() -> None:
    """Nobody has to draw somebody who is gone already."""
    guestbook = Guestbook()
    guestbook.change(("g", "a"), None, _entry("1"))
    guestbook.change(("g", "a"), _entry("1"), None)
    assert guestbook.stirred
    assert guestbook.turn() == {}
    assert not guestbook.stirred


def test_several_changes_of_one_are_told_as_one() -> None:
    """The old meta that leaves is the one that was told."""
    guestbook = Guestbook()
    guestbook.change(("g", "a"), None, _entry("1"))
    assert guestbook.turn() == {"north": Difference((_entry("1"),), ())}
    guestbook.change(("g", "a"), _entry("1"), _entry("2"))
    guestbook.change(("g", "a"), _entry("2"), _entry("3"))
    assert guestbook.turn() == {"north": Difference((_entry("3"),), (_entry("1"),))}


def test_who_changes_rooms_leaves_one_and_joins_the_other() -> None:
    """Each room is told its part."""
    guestbook = Guestbook()
    guestbook.change(("g", "a"), None, _entry("1"))
    guestbook.turn()
    guestbook.change(("g", "a"), _entry("1"), _entry("2", "south"))
    assert guestbook.turn() == {
        "north": Difference((), (_entry("1"),)),
        "south": Difference((_entry("2", "south"),), ()),
    }
    assert guestbook.size("north") == 0
    assert guestbook.size("south") == 1


def test_people_are_shown_by_key_as_phoenix_clients_expect() -> None:
    """Two tabs of one person are two metas."""
    entries = [_entry("1"), _entry("2", key="bert"), _entry("3")]
    assert json.loads(shown(entries)) == {
        "anna": {"metas": [{"phx_ref": "1"}, {"phx_ref": "3"}]},
        "bert": {"metas": [{"phx_ref": "2"}]},
    }
    assert json.loads(shown([])) == {}


def test_differences_of_several_rooms_are_one() -> None:
    """Who sees both is sent one frame."""
    differences = [Difference((_entry("1"),), ()), Difference((_entry("2"),), (_entry("3"),))]
    assert json.loads(shown_difference(differences)) == {
        "joins": {"anna": {"metas": [{"phx_ref": "1"}, {"phx_ref": "2"}]}},
        "leaves": {"anna": {"metas": [{"phx_ref": "3"}]}},
    }


def test_a_key_may_be_any_text() -> None:
    """A `sub` is what the issuer of tokens makes it."""
    assert json.loads(shown([_entry("1", key='a"b\\ä')])) == {'a"b\\ä': {"metas": [{"phx_ref": "1"}]}}
