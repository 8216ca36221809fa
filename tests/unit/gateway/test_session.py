"""One subscriber's side of the conversation."""

import json
import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from tests.builders import some_limits
from tests.fixtures.gateway import NORTH, SOUTH, a_base, a_grant, a_rule, an_operation, readable
from tests.fixtures.outboxes import Listening, read_frames
from tests.fixtures.present import Lobby, fold

from floorcast.access.claims import Claims
from floorcast.errors import TokenError
from floorcast.gateway.admission import Admission, Limits, Pace
from floorcast.gateway.audience import Member
from floorcast.gateway.hub import Hub
from floorcast.gateway.joining import Joining
from floorcast.gateway.session import FRAMES_AT_ONCE, FRAMES_PER_SECOND, Close, Rules, Session
from floorcast.gateway.wire import Version

START = a_base(tick=7, grants={"anna": {NORTH: "technician", SOUTH: "manager"}})
"""Anna may be in both warehouses."""


def _verify(token: str) -> Claims:
    """`user role expires_at` stands for a token."""
    try:
        user, role, expires_at = token.split()
    except ValueError:
        raise TokenError("token_invalid", "not three words") from None
    return Claims(user, role, float(expires_at), {})  # type: ignore[arg-type]


class Talk:
    """A session and what it answered."""

    def __init__(
        self,
        version: Version = 2,
        topics: int = 5,
        *,
        ready: bool = True,
        limits: Limits | None = None,
        claims: Claims = Claims("anna", "authenticated", 100.0, {}),  # noqa: B008 — a value, not a thing
    ) -> None:
        """Speak as Anna, if nobody else is named."""
        self.hub = Hub(5.0)
        if ready:
            self.hub.begin(START)
        self.listening = Listening()
        self.welcomed: list[Member] = []
        self.lobby = Lobby()
        admission = Admission(limits or some_limits(), Random(1))
        rules = Rules(self.hub, _verify, topics, admission, self._welcome, self.lobby.presence)
        self.session = Session(rules, claims, version, self.listening.outbox, 0.0)

    def _welcome(self, member: Member, _: Joining) -> None:
        self.welcomed.append(member)

    def say(self, *frame: Any) -> list[Any]:
        """Send a frame, return the frames of the answer."""
        body = frame[0] if isinstance(frame[0], dict) else frame
        said = len(self.listening.transport.stream)
        answer = self.session.receive(json.dumps(body).encode(), 0.0)
        assert isinstance(answer, bytes)
        if answer:
            self.listening.outbox.put(answer)
        self.listening.outbox.release()
        return read_frames(self.listening.transport.stream[said:])

    def code(self, *frame: Any) -> str:
        """Send a frame, return the code of the error that answers it."""
        (answer,) = self.say(*frame)
        assert answer[4]["status"] == "error"
        return str(answer[4]["response"]["code"])


JOIN: Callable[..., tuple[Any, ...]] = lambda topic="warehouse:north", ref="1", **payload: (  # noqa: E731 — a frame's shape
    ref,
    ref,
    topic,
    "phx_join",
    payload,
)


def test_a_join_is_a_membership_when_it_is_answered() -> None:
    """Nothing can come between position and first change."""
    talk = Talk()
    (reply,) = talk.say(*JOIN(tables=["equipment"]))
    assert reply[4]["response"] == {
        "position": "7-0",
        "incarnation": "first",
        "role": "technician",
        "tables": ["equipment"],
        "keys": {"equipment": ["id"]},
        "cursor": talk.session.members[0].audience.cursor(7),
    }
    talk.hub.deliver(8, "at", [an_operation(), an_operation(2, table="equipment")], "")
    talk.hub.hand_out()
    assert talk.listening.events() == ["phx_reply", "changes"]


@pytest.mark.parametrize(("version", "events"), [(1, ["phx_reply"]), (2, ["phx_close", "phx_reply"])])
def test_joining_again_replaces_without_hurting_old_clients(version: Version, events: list[str]) -> None:
    """A vsn 1 client would take the old joining's phx_close for the new one's."""
    talk = Talk(version)
    frame: Any = {"topic": "warehouse:north", "event": "phx_join", "payload": {}, "ref": "1"}
    names = (lambda found: [f["event"] for f in found]) if version == 1 else (lambda found: [f[3] for f in found])
    if version == 1:
        talk.say(frame)
        assert names(talk.say(frame | {"ref": "2"})) == events
    else:
        talk.say(*JOIN(ref="1"))
        answer = talk.say(*JOIN(ref="2"))
        assert names(answer) == events
        assert answer[0][:2] == ["1", "1"], "it names the joining that ended"
    assert len(talk.session.members) == 1
    assert talk.hub.deliver(8, "at", [an_operation()], "") == 1


def test_what_waits_for_an_earlier_joining_is_not_sent_to_the_next_one() -> None:
    """It was decided under another token, and comes before the position that the new answer names."""
    talk = Talk()
    talk.say(*JOIN())
    talk.listening.outbox.pause()
    talk.hub.deliver(8, "", [an_operation()], "")
    talk.hub.hand_out()
    talk.say(*JOIN(ref="2"))
    talk.listening.outbox.resume()
    assert talk.listening.events() == ["phx_reply", "phx_close", "phx_reply"]


def test_leaving_is_answered_then_closed() -> None:
    """A topic that is not joined is left just as well."""
    talk = Talk()
    assert [frame[3] for frame in talk.say("9", "9", "warehouse:north", "phx_leave", {})] == ["phx_reply"]
    talk.say(*JOIN(ref=3))
    reply, close = talk.say(3, 4, "warehouse:north", "phx_leave", {})
    assert (reply[:2], close[:2], close[3]) == ([3, 4], [3, 3], "phx_close")
    assert talk.hub.deliver(8, "at", [an_operation()], "") == 0


def test_a_topic_in_capitals_keeps_its_spelling_and_means_the_same_warehouse() -> None:
    """The client knows it by what it wrote; a uuid is the same in either."""
    talk = Talk()
    site = "0a0b0c0d-0000-4000-8000-00000000000f"
    talk.hub.deliver(8, "at", [a_grant("anna", site, "technician")], "")
    talk.say(*JOIN(f"warehouse:{site.upper()}"))
    talk.hub.deliver(9, "at", [an_operation(1, site)], "")
    talk.hub.hand_out()
    assert talk.listening.frames[0][2] == f"warehouse:{site.upper()}"


def test_a_heartbeat_is_answered_even_without_a_ref() -> None:
    """Python sends null."""
    assert Talk().say(None, None, "phoenix", "heartbeat", {}) == [
        [None, None, "phoenix", "phx_reply", {"status": "ok", "response": {}}]
    ]


def test_before_the_beginning_joins_wait() -> None:
    """Not refused for good."""
    assert Talk(ready=False).code(*JOIN()) == "not_ready"


@pytest.mark.parametrize("narrow", ["joins", "user_joins"])
def test_more_joins_than_are_taken_at_a_time_are_told_when_to_ask_again(narrow: str) -> None:
    """The socket stays, and what it has joined goes on."""
    talk = Talk(limits=some_limits(**{narrow: Pace(1, 1)}))
    talk.say(*JOIN())
    (answer,) = talk.say(*JOIN("warehouse:south"))
    assert answer[4]["response"]["code"] == "too_many_joins"
    assert 500 <= answer[4]["response"]["retry_after_ms"] <= 2_500
    assert talk.hub.deliver(8, "at", [an_operation()], "") == 1


def test_every_refusal_after_which_one_may_ask_again_says_when() -> None:
    """A thousand screens that were too early do not ask again in the same instant."""
    waits = {Talk(ready=False).say(*JOIN())[0][4]["response"]["retry_after_ms"] for _ in range(20)}
    assert len(waits) > 5
    assert max(waits) <= 3_000
    assert "retry_after_ms" not in Talk().say(*JOIN("warehouse:nowhere"))[0][4]["response"]


def test_no_more_topics_than_allowed() -> None:
    """Joining one again is not one more."""
    talk = Talk(topics=1)
    talk.say(*JOIN())
    assert talk.code(*JOIN("warehouse:south")) == "too_many_topics"
    assert [frame[3] for frame in talk.say(*JOIN())] == ["phx_close", "phx_reply"]


def test_a_newer_token_counts_silently() -> None:
    """Absent, equal and project keys are nothing new."""
    talk = Talk()
    talk.say(*JOIN())
    for token, expires_at in (("anna authenticated 500", 500.0), (None, 500.0), ("sb_publishable_x", 500.0)):
        assert talk.say("1", "2", "warehouse:north", "access_token", {"access_token": token}) == []
        assert talk.session.expires_at == expires_at


@pytest.mark.parametrize("token", ["bert authenticated 500", "nonsense", "", 5, ["x"]])
def test_a_token_that_is_not_accepted_leaves_the_older_one(token: object) -> None:
    """Another user's above all."""
    talk = Talk()
    talk.say(*JOIN())
    assert talk.code("1", "2", "warehouse:north", "access_token", {"access_token": token}) == "token_invalid"
    assert (talk.session.user, talk.session.expires_at, len(talk.session.members)) == ("anna", 100.0, 1)


NOBODY = Claims("", "anon", math.inf, {})
"""Who has a project's public key."""


def test_who_came_with_a_public_key_may_say_once_who_he_is() -> None:
    """Front ends connect before anybody has signed in; what is sent to a socket is one user's from then on."""
    talk = Talk(claims=NOBODY)
    assert talk.code(*JOIN()) == "forbidden"
    (reply,) = talk.say(*JOIN(access_token="anna authenticated 500"))
    assert reply[4]["status"] == "ok"
    assert (talk.session.user, talk.session.role, talk.session.expires_at) == ("anna", "authenticated", 500.0)
    assert talk.code(*JOIN("warehouse:south", access_token="bert authenticated 500")) == "token_invalid"


def test_a_server_without_a_name_does_not_become_somebody() -> None:
    """What it was told already is more than a person may see."""
    talk = Talk(claims=Claims("", "service_role", 100.0, {}))
    talk.say(*JOIN())
    assert talk.code(*JOIN("warehouse:south", access_token="anna authenticated 500")) == "token_invalid"
    assert (talk.session.user, len(talk.session.members)) == ("", 1)


def test_who_says_who_he_is_is_counted_as_that_user() -> None:
    """Else sockets opened with the public key would be a way around the limit for one user."""
    talk = Talk(claims=NOBODY, limits=some_limits(user_joins=Pace(1, 1)))
    talk.say(*JOIN(access_token="anna authenticated 500"))
    assert talk.code(*JOIN("warehouse:south")) == "too_many_joins"


def test_a_token_of_a_lesser_role_ends_what_it_may_not_have() -> None:
    """At once, in the words of a withdrawal."""
    talk = Talk()
    talk.say(*JOIN())
    talk.say(*JOIN("warehouse:south"))
    told = talk.say("1", "2", "warehouse:north", "access_token", {"access_token": "anna anon 500"})
    assert [frame[3] for frame in told] == ["revoked", "phx_close"] * 2
    assert talk.session.members == ()


def test_who_may_not_join_learns_nothing_of_tables() -> None:
    """Access is asked first."""
    talk = Talk()
    talk.hub.deliver(8, "at", [a_grant("anna", NORTH, None)], "")
    assert talk.code(*JOIN(tables=["no such table"])) == "forbidden"


def test_more_frames_than_allowed_close_the_socket() -> None:
    """A burst is welcome, a flood is not; time makes room again."""
    talk = Talk()
    heartbeat = b'[null,null,"phoenix","heartbeat",{}]'
    for _ in range(int(FRAMES_AT_ONCE)):
        assert isinstance(talk.session.receive(heartbeat, 0.0), bytes)
    assert talk.session.receive(heartbeat, 0.0) == Close("too_many_frames")
    for _ in range(int(FRAMES_PER_SECOND)):
        assert isinstance(talk.session.receive(heartbeat, 1.5), bytes)


def test_the_end_leaves_every_topic() -> None:
    """The socket is gone; the hub keeps nothing of it."""
    talk = Talk()
    talk.say(*JOIN())
    talk.say(*JOIN("warehouse:south"))
    talk.session.end()
    assert talk.hub.deliver(8, "at", [an_operation(), an_operation(2, SOUTH)], "") == 0


def test_a_table_that_the_role_does_not_read_is_refused_like_one_that_is_not_there() -> None:
    """What exists beyond one's rights is not one's to learn."""
    talk = Talk()
    talk.hub.deliver(8, "at", [a_rule(*readable("work_orders", "manager"))], "")
    answers = [talk.say(*JOIN(tables=[table]))[0][4]["response"] for table in ("work_orders", "no_such_table")]
    assert [answer["code"] for answer in answers] == ["unknown_table"] * 2
    assert answers[0]["reason"].replace("work_orders", "no_such_table") == answers[1]["reason"]
    (reply,) = talk.say(*JOIN())
    assert reply[4]["response"]["tables"] == ["equipment"]
    (reply,) = talk.say(*JOIN("warehouse:south"))
    assert reply[4]["response"]["tables"] == ["equipment", "work_orders"]


def test_a_token_of_another_role_that_sees_more_reads_again() -> None:
    """A trusted server has no columns hidden; the topic goes on from another picture."""
    talk = Talk()
    talk.say(*JOIN())
    told = talk.say("1", "2", "warehouse:north", "access_token", {"access_token": "anna service_role 500"})
    assert [frame[3] for frame in told] == ["must_refetch", "phx_error"]
    assert talk.session.members == ()


def test_presence_is_asked_for_in_the_join_and_by_an_event_of_its_own() -> None:
    """It is shown once the join is answered; what cannot be done is refused with a code, and when to try again."""
    talk = Talk()
    (answer,) = talk.say(*JOIN(presence={"meta": {}}))
    assert answer[4]["response"]["presence"] == {"tracked": True}
    talk.lobby.turn(0.0)
    assert list(fold(talk.listening.frames)) == ["anna"]
    track = {"type": "presence", "event": "track", "payload": {"work_order": "WO-7"}}
    (answer,) = talk.say("1", "2", "warehouse:north", "presence", track)
    assert answer[4] == {"status": "ok", "response": {}}
    for n in range(28):
        talk.say("1", "3", "warehouse:north", "presence", {**track, "payload": {"n": n}})
    (answer,) = talk.say("1", "4", "warehouse:north", "presence", track)
    assert answer[4]["response"]["code"] == "presence_too_often"
    assert answer[4]["response"]["retry_after_ms"] == 500
    assert talk.code("1", "5", "warehouse:south", "presence", track) == "unmatched_topic"


def test_whoever_was_cut_off_is_told_again_who_is_present() -> None:
    """Differences were taken back with what waited, and where the stream goes on does not depend on them."""
    talk = Talk()
    talk.say(*JOIN(presence=True))
    talk.lobby.turn()
    outbox = talk.listening.outbox
    outbox.pause()
    outbox.put(b"a difference", "warehouse:north", None)
    outbox.put(bytes(100_000), "warehouse:north", 7)
    assert talk.session.lag() is None
    assert [member.since for member in talk.session.members] == [7]
    outbox.resume()
    talk.lobby.turn()
    assert talk.listening.events() == ["phx_reply", "presence_state", "presence_state"]
