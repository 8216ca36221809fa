"""Presence: what a joining says of itself, and what it is shown of others."""

import json
from typing import Any

import pytest
from tests.fixtures.outboxes import Listening
from tests.fixtures.present import Lobby, counted, fold, metas

from floorcast.gateway.appearance import PresenceWish, Track, read_presence
from floorcast.gateway.presence import CALLS_AT_ONCE, LINGER_SECONDS, MOST_ENTRIES, MOST_IN_ROOM, Visitor
from floorcast.gateway.refusal import Refusal

ORDER, OTHER = "0e5a2063-6c58-4be8-8a79-3b4886e42e09", "WO-7"


@pytest.fixture
def lobby() -> Lobby:
    """A gateway at which nobody is."""
    return Lobby()


def _refused(call: Any, *arguments: Any, **named: Any) -> tuple[str, str]:
    with pytest.raises(Refusal) as caught:
        call(*arguments, **named)
    return caught.value.code, caught.value.detail


def test_whoever_comes_is_given_the_state_and_is_in_it(lobby: Lobby) -> None:
    """One frame, whatever else changed in the same turn; those who were there get the difference."""
    anna, bert = Listening("anna"), Listening("bert")
    lobby.join(anna, {"meta": {"name": "Anna"}})
    lobby.turn()
    lobby.join(bert, {"meta": {"name": "Bert"}})
    lobby.turn()
    assert anna.events() == ["presence_state", "presence_diff"]
    assert bert.events() == ["presence_state"]
    assert bert.frames[0][:3] == [None, None, "warehouse:north"]
    assert (
        metas(fold(anna.frames)) == metas(fold(bert.frames)) == {"anna": [{"name": "Anna"}], "bert": [{"name": "Bert"}]}
    )


def test_who_only_looks_is_not_present(lobby: Lobby) -> None:
    """A board on a wall need not be shown to anybody."""
    anna, board = Listening("anna"), Listening("board")
    lobby.join(board)
    lobby.join(anna, {"meta": {}})
    lobby.turn()
    assert metas(fold(board.frames)) == {"anna": [{}]}


def test_tabs_of_one_person_are_metas_under_one_key(lobby: Lobby) -> None:
    """Closing one of them leaves the other."""
    tabs = [Listening("anna"), Listening("anna")]
    for number, tab in enumerate(tabs):
        lobby.join(tab, {"meta": {"tab": number}})
    lobby.turn()
    assert metas(fold(tabs[0].frames)) == {"anna": [{"tab": 0}, {"tab": 1}]}
    lobby.leave(tabs[1])
    lobby.turn()
    assert metas(fold(tabs[0].frames)) == {"anna": [{"tab": 0}]}


def test_tracking_again_replaces_what_one_is_shown_with(lobby: Lobby) -> None:
    """The old meta leaves, the new one joins and names the old one, as Phoenix does."""
    anna = Listening("anna")
    lobby.join(anna, {"meta": {"page": "board"}})
    lobby.turn()
    lobby.track(anna, page="stock")
    lobby.turn()
    payload = anna.frames[-1][4]
    [before], [after] = payload["leaves"]["anna"]["metas"], payload["joins"]["anna"]["metas"]
    assert before["phx_ref"] == after["phx_ref_prev"] != after["phx_ref"]
    assert (before["page"], after["page"]) == ("board", "stock")


def test_tracking_the_same_again_changes_nothing(lobby: Lobby) -> None:
    """A client may say it as often as it draws, within reason."""
    anna = Listening("anna")
    lobby.join(anna, {"meta": {"page": "board"}})
    lobby.turn()
    lobby.track(anna, page="board")
    lobby.turn()
    assert anna.events() == ["presence_state"]


def test_nobody_is_present_in_another_ones_name(lobby: Lobby) -> None:
    """Key, user and refs are the server's; what a client says of them is left out."""
    anna = Listening("anna")
    lobby.join(anna, {"meta": {"user": "bert", "phx_ref": "1", "phx_ref_prev": "2", "name": "B"}})
    lobby.turn()
    [meta] = fold(anna.frames)["anna"]
    assert meta["user"] == "anna"
    assert meta["phx_ref"] != "1"
    assert "phx_ref_prev" not in meta


def test_people_at_a_work_order_are_shown_to_those_who_read_work_orders(lobby: Lobby) -> None:
    """In the state and in differences; the others see who is in the warehouse."""
    anna, bert, guest = Listening("anna"), Listening("bert"), Listening("guest")
    lobby.join(anna, {"meta": {}})
    lobby.track(anna, work_order=ORDER)
    lobby.join(guest, {"meta": {}}, orders=False)
    lobby.join(bert)
    lobby.turn()
    lobby.track(anna, work_order=OTHER)
    lobby.turn()
    assert metas(fold(bert.frames)) == {
        "anna": [{"work_order": ORDER}, {"work_order": OTHER}, {}],
        "guest": [{}],
    }
    assert metas(fold(guest.frames)) == {"anna": [{}], "guest": [{}]}
    assert guest.events() == ["presence_state"]
    assert _refused(lobby.track, guest, work_order=ORDER) == ("bad_presence", "you are not sent work_orders here")


def test_one_is_present_once_at_each_work_order(lobby: Lobby) -> None:
    """By id, however it is written; a number is one too."""
    anna = Listening("anna")
    lobby.join(anna)
    for order in (ORDER, ORDER.upper(), OTHER, 7, "7"):
        lobby.track(anna, work_order=order)
    lobby.turn()
    assert metas(fold(anna.frames)) == {"anna": [{"work_order": ORDER}, {"work_order": "7"}, {"work_order": OTHER}]}


def test_untracking_ends_what_it_names_or_everything(lobby: Lobby) -> None:
    """Supabase's clients send no payload with it."""
    anna = Listening("anna")
    lobby.join(anna, {"meta": {}})
    lobby.track(anna, work_order=ORDER)
    lobby.track(anna, work_order=OTHER)
    lobby.untrack(anna, work_order=OTHER)
    lobby.untrack(anna, work_order="unheard-of")
    lobby.turn()
    assert metas(fold(anna.frames)) == {"anna": [{"work_order": ORDER}, {}]}
    lobby.untrack(anna)
    lobby.turn()
    assert fold(anna.frames) == {}


def test_warehouses_do_not_see_each_other(lobby: Lobby) -> None:
    """Nor topics of one socket."""
    anna, bert = Listening("anna"), Listening("bert")
    lobby.join(anna, {"meta": {"in": "north"}})
    lobby.join(anna, {"meta": {"in": "south"}}, "south")
    lobby.join(bert, True, "south")
    lobby.turn()
    assert metas(fold(bert.frames)) == {"anna": [{"in": "south"}]}
    lobby.leave(anna, "south")
    lobby.turn()
    assert metas(fold([frame for frame in anna.frames if frame[2] == "warehouse:north"])) == {"anna": [{"in": "north"}]}


def test_who_left_is_shown_nothing_any_more(lobby: Lobby) -> None:
    """And is not missed twice."""
    anna, bert = Listening("anna"), Listening("bert")
    lobby.join(anna, {"meta": {}})
    lobby.join(bert, {"meta": {}})
    lobby.turn()
    lobby.leave(bert)
    lobby.leave(bert)
    lobby.turn()
    assert bert.events() == ["presence_state"]
    assert counted(fold(anna.frames)) == {"anna": 1}
    assert _refused(lobby.track, bert)[0] == "bad_presence"


def test_who_is_joined_again_at_once_was_never_away(lobby: Lobby) -> None:
    """A changed rule ends everybody's joining; it should not look as if everybody had gone home."""
    anna, bert = Listening("anna"), Listening("bert")
    for listening in (anna, bert):
        lobby.join(listening, {"meta": {}})
    lobby.track(bert, work_order=ORDER)
    lobby.turn()
    lobby.leave(bert, linger=True)
    lobby.turn()
    lobby.join(bert, {"meta": {}})
    lobby.track(bert, work_order=ORDER)
    lobby.turn(LINGER_SECONDS)
    lobby.turn(LINGER_SECONDS)
    assert anna.events() == ["presence_state"]
    assert not lobby.presence.waiting


def test_who_does_not_come_back_goes_after_a_while(lobby: Lobby) -> None:
    """Nobody lingers for ever; nor does what a new joining does not take up."""
    anna, bert = Listening("anna"), Listening("bert")
    lobby.join(anna)
    lobby.join(bert, {"meta": {}})
    lobby.track(bert, work_order=ORDER)
    lobby.turn()
    lobby.leave(bert, linger=True)
    lobby.join(bert, {"meta": {}})
    lobby.turn(LINGER_SECONDS)
    assert metas(fold(anna.frames)) == {"bert": [{}]}
    lobby.leave(bert, linger=True)
    lobby.turn(LINGER_SECONDS - 1)
    assert metas(fold(anna.frames)) == {"bert": [{}]}
    assert lobby.presence.waiting
    lobby.turn(1)
    assert fold(anna.frames) == {}
    assert not lobby.presence.waiting


def test_who_lingers_and_closes_his_socket_is_gone(lobby: Lobby) -> None:
    """He will not come back on it; his other sockets are not touched."""
    anna, bert, other = Listening("anna"), Listening("bert"), Listening("bert")
    lobby.join(anna)
    for listening in (bert, other):
        lobby.join(listening, {"meta": {}})
        lobby.leave(listening, linger=True)
    lobby.join(other, {"meta": {}})
    lobby.presence.close(bert.outbox)
    lobby.presence.close(anna.outbox)
    lobby.turn()
    assert counted(fold(anna.frames)) == {"bert": 1}


def test_nothing_is_shown_to_a_joining_before_its_answer(lobby: Lobby) -> None:
    """A client takes no frames of a topic that it has not joined; the others see whoever comes meanwhile."""
    anna, bert = Listening("anna"), Listening("bert")
    answered = False
    visitor = Visitor.of_warehouse(
        "bert", bert.outbox, "warehouse:north", 2, "north", orders=True, answered=lambda: answered
    )
    lobby.join(anna)
    lobby.presence.join(visitor, PresenceWish(Track("", {})))
    lobby.turn()
    assert bert.frames == []
    assert lobby.presence.waiting
    assert list(fold(anna.frames)) == ["bert"]
    answered = True
    lobby.turn()
    assert bert.events() == ["presence_state"]


def test_who_may_not_see_work_orders_any_more_is_at_none(lobby: Lobby) -> None:
    """From his next joining on, at once."""
    anna, bert = Listening("anna"), Listening("bert")
    lobby.join(anna)
    lobby.join(bert, {"meta": {}})
    lobby.track(bert, work_order=ORDER)
    lobby.leave(bert, linger=True)
    lobby.join(bert, {"meta": {}}, orders=False)
    lobby.turn()
    assert metas(fold(anna.frames)) == {"bert": [{}]}


def test_a_slow_reader_is_given_the_state_once_he_reads(lobby: Lobby) -> None:
    """However much comes and goes meanwhile, nothing of it waits for him."""
    anna, slow = Listening("anna"), Listening("slow")
    lobby.join(slow, {"meta": {}})
    lobby.join(anna, {"meta": {}})
    lobby.turn()
    slow.outbox.pause()
    for n in range(20):
        lobby.track(anna, n=n)
        lobby.turn()
    assert slow.outbox.waiting_bytes == 0
    assert lobby.presence.waiting
    slow.outbox.resume()
    lobby.turn()
    assert slow.events() == ["presence_state", "presence_state"]
    assert fold(slow.frames) == fold(anna.frames)
    lobby.track(anna, n="last")
    lobby.turn()
    assert slow.events()[-1] == "presence_diff"


def test_whose_frames_were_taken_back_is_given_the_state_again(lobby: Lobby) -> None:
    """Differences to what he never saw would be of no use."""
    anna = Listening("anna")
    lobby.join(anna, {"meta": {}})
    lobby.turn()
    lobby.presence.show_again(anna.outbox, "warehouse:north")
    lobby.turn()
    lobby.presence.show_all_again()
    lobby.turn()
    assert anna.events() == ["presence_state"] * 3
    lobby.leave(anna)
    lobby.presence.show_again(anna.outbox, "warehouse:north")
    lobby.turn()
    assert len(anna.events()) == 3


def test_the_frame_is_the_same_object_for_all_who_see_the_same(lobby: Lobby) -> None:
    """Encoded once; who speaks the other version gets another one."""
    anna, bert, old = Listening("anna"), Listening("bert"), Listening("old")
    lobby.join(anna)
    lobby.join(bert)
    lobby.join(old, {"meta": {}}, version=1)
    lobby.turn()
    assert anna.transport.written[0] is bert.transport.written[0]
    assert old.frames[0]["event"] == "presence_state"
    assert set(old.frames[0]["payload"]) == {"old"}


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (None, "the payload has no `event`"),
        ({"event": 1}, "the payload has no `event`"),
        ({"event": "vanish"}, "`event` is neither track nor untrack"),
        ({"event": "track"}, "what to be shown with is not an object"),
        ({"event": "TRACK", "payload": []}, "what to be shown with is not an object"),
        ({"event": "track", "payload": {"n": "x" * 1020}}, "what to be shown with has more than 1024 bytes"),
        (
            {"event": "track", "payload": json.loads('{"a":[' * 9 + "]}" * 9)},
            "what to be shown with is deeper than 16 levels",
        ),
        ({"event": "track", "payload": {"work_order": True}}, "`work_order` is not an id"),
        ({"event": "track", "payload": {"work_order": "a b"}}, "`work_order` is not an id"),
        ({"event": "untrack", "payload": {"work_order": {}}}, "`work_order` is not an id"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_the_reason(lobby: Lobby, payload: object, detail: str) -> None:
    """And nothing changes."""
    anna = Listening("anna")
    lobby.join(anna)
    assert _refused(lobby.presence.hear, anna.outbox, "warehouse:north", payload) == ("bad_presence", detail)
    lobby.turn()
    assert fold(anna.frames) == {}


def test_what_a_join_asks_for_is_read() -> None:
    """`true`, an object, or nothing."""
    assert read_presence(None) is None
    assert read_presence(False) is None
    for asked in (True, {}, {"meta": None}):
        wish = read_presence(asked)
        assert wish is not None
        assert wish.track is None
    for wrong in (1, "yes", [], {"meta": []}, {"meta": {"work_order": []}}):
        assert _refused(read_presence, wrong)[0] == "bad_presence"


def test_a_socket_is_at_a_few_work_orders(lobby: Lobby) -> None:
    """What one may cause to be kept, on every gateway, is bounded."""
    anna = Listening("anna")
    lobby.join(anna, {"meta": {}})
    for n in range(MOST_ENTRIES - 1):
        lobby.track(anna, work_order=n)
    assert _refused(lobby.track, anna, work_order="more")[0] == "presence_full"
    lobby.track(anna, work_order=0, note="changed")


def test_a_room_holds_only_so_many(lobby: Lobby) -> None:
    """Who finds it full is joined all the same, and told why he is not shown."""
    for n in range(MOST_IN_ROOM):
        assert lobby.join(Listening(f"u{n}"), {"meta": {}}) is None
    late = Listening("late")
    assert lobby.join(late, {"meta": {}}) == "presence_full"
    lobby.turn()
    assert len(fold(late.frames)) == MOST_IN_ROOM


def test_who_changes_too_often_is_refused_for_a_while(lobby: Lobby) -> None:
    """Each change is sent to everybody there; leaving and joining again helps nobody around it."""
    anna = Listening("anna")
    lobby.join(anna)
    for n in range(int(CALLS_AT_ONCE)):
        lobby.track(anna, n=n)
    assert _refused(lobby.track, anna, n="more")[0] == "presence_too_often"
    lobby.leave(anna)
    assert lobby.join(anna, {"meta": {}}) == "presence_too_often"
    lobby.turn(1.0)
    lobby.track(anna, n="later")
