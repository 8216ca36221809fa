"""Gateways that tell each other who is present: whatever is lost, doubled or late, in the end all know the same."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from floorcast.gateway.guestbook import Guestbook
from floorcast.gateway.roster import Roster
from floorcast.stream.statement import Entry, Gone, Heard, Muster, Said, Statement

LEASE = 10.0
ROOMS = ["north", "south"]


@dataclass
class Store:
    """What stream/presence.py keeps in Redis, and how its scripts decide; the scripts themselves: tests/edge."""

    milliseconds: int = 1_000_000
    marks: dict[str, str] = field(default_factory=dict)
    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)
    said: list[tuple[int, Heard]] = field(default_factory=list)

    def speak(self, gateway: str, statement: Statement, identity: int) -> Muster | None:
        """See presence_speak.lua."""
        known = int(self.marks[gateway].partition(":")[0]) if gateway in self.marks else None
        if statement.after is None:
            if known is not None and known >= statement.number:
                return None
            self.entries[gateway] = {}
        elif known != statement.after:
            return None
        for slot, entry in statement.changes.items():
            self.entries[gateway].pop(slot, None)
            if entry is not None:
                self.entries[gateway][slot] = entry
        if statement.number != statement.after:
            changes = None if statement.after is None else dict(statement.changes)
            self.said.append((identity, Said(gateway, statement.number, changes)))
        self.marks[gateway] = f"{statement.number}:{self.milliseconds}"
        return Muster(self.milliseconds, "", dict(self.marks))

    def bury(self, gateway: str, mark: str, identity: int) -> None:
        """See presence_bury.lua."""
        if self.marks.get(gateway) == mark:
            del self.marks[gateway]
            self.entries.pop(gateway, None)
            self.said.append((identity, Gone(gateway)))

    def read(self, gateway: str) -> tuple[int, dict[str, Entry]] | None:
        """A whole state."""
        if gateway not in self.marks:
            return None
        return int(self.marks[gateway].partition(":")[0]), dict(self.entries[gateway])


class Gateway:
    """A roster, and somebody who is shown all of it: what he was told, difference by difference."""

    def __init__(self, name: str) -> None:
        """Begin with nobody."""
        self.guestbook = Guestbook()
        self.roster = Roster(name, self.guestbook, LEASE)
        self.name = name
        self.own: dict[str, Entry] = {}
        self.after: int | None = None
        self.told: dict[str, dict[str, Entry]] = {room: {} for room in ROOMS}

    def turn(self) -> None:
        """Tell what changed."""
        for room, difference in self.guestbook.turn().items():
            for entry in difference.leaves:
                assert self.told[room].pop(entry.ref) == entry, "left as it was told"
            for entry in difference.joins:
                assert entry.ref not in self.told[room], "joined once"
                self.told[room][entry.ref] = entry
        for room in ROOMS:
            assert self.told[room] == {entry.ref: entry for entry in self.guestbook.entries(room)}


def a_gateway(name: str = "here") -> Gateway:
    """One that was not heard of."""
    return Gateway(name)


class Plant(RuleBasedStateMachine):
    """Some gateways and a Redis; everything that can go wrong between them."""

    gateways = st.integers(0, 2)

    def __init__(self) -> None:
        """Begin."""
        super().__init__()
        self.now = 100.0
        self.names = 0
        self.identities = 0
        self.store = Store()
        self.saved = Store()
        self.late: list[tuple[str, Statement]] = []
        self.all: list[Gateway] = []

    @initialize()
    def start(self) -> None:
        """Three gateways that know each other's people."""
        self.all = [self._new() for _ in range(3)]
        for which in range(3):
            self.change(which, "a", "north")
            self.change(which, "b", "south")
        self._settle(rounds=2)

    @rule(which=gateways, slot=st.sampled_from("abc"), room=st.sampled_from([*ROOMS, ""]))
    def change(self, which: int, slot: str, room: str) -> None:
        """Somebody comes, says something else, or goes."""
        gateway = self.all[which]
        if room:
            ref = f"{gateway.name}-{gateway.roster.new_name()}"
            gateway.own[slot] = Entry(room, "anna", ref, b"{}")
        else:
            gateway.own.pop(slot, None)
        gateway.roster.put(slot, gateway.own.get(slot))

    @rule(which=gateways, fate=st.sampled_from(["heard", "heard", "unanswered", "lost", "late"]))
    def speak(self, which: int, fate: str) -> None:
        """A statement, which may not arrive, arrive unnoticed, or arrive much later."""
        gateway = self.all[which]
        statement = gateway.roster.statement()
        if fate == "late":
            self.late.append((gateway.name, statement))
        if fate in ("lost", "late"):
            return
        muster = self.store.speak(gateway.name, statement, self._identity())
        if muster is None or fate == "unanswered":
            return
        gateway.roster.said()
        if gateway.after is None:
            gateway.after = self.identities
        for name, mark in gateway.roster.muster(muster, self.now):
            self.store.bury(name, mark, self._identity())

    @rule()
    def arrive(self) -> None:
        """What was on its way for long."""
        if self.late:
            self.store.speak(*self.late.pop(0), self._identity())

    @rule(which=gateways, most=st.sampled_from([1, 2, 100]))
    def listen(self, which: int, most: int) -> None:
        """Some of what was said, and no more."""
        gateway = self.all[which]
        if gateway.after is not None:
            after = gateway.after
            for identity, heard in [each for each in self.store.said if each[0] > after][:most]:
                gateway.roster.hear(heard)
                gateway.after = identity

    @rule(which=gateways)
    def read(self, which: int) -> None:
        """Whole states that are wanted."""
        roster = self.all[which].roster
        while (name := roster.next_wanted()) is not None:
            roster.learn(name, self.store.read(name), self.now)

    @rule(which=gateways)
    def turn(self, which: int) -> None:
        """State and differences agree at any time."""
        self.all[which].turn()

    @rule(which=gateways)
    def crash(self, which: int) -> None:
        """It ends without a word; another one begins."""
        self.all[which] = self._new()

    @rule(seconds=st.sampled_from([0.1, LEASE / 4, 2 * LEASE]))
    def wait(self, seconds: float) -> None:
        """Time passes: the longer wait is one in which nobody could speak."""
        self._pass(seconds)

    @rule(hours=st.sampled_from([-1, 1]))
    def set_clock(self, hours: int) -> None:
        """Redis's clock jumps."""
        self.store.milliseconds += hours * 3_600_000

    @rule(kept=st.integers(0, 3))
    def trim(self, kept: int) -> None:
        """Statements are lost to those who did not hear them yet."""
        self.store.said = self.store.said[len(self.store.said) - kept :] if kept else []

    @rule()
    def save(self) -> None:
        """A copy of Redis is written to disk."""
        self.saved = deepcopy(self.store)

    @rule(old=st.booleans())
    def lose(self, old: bool) -> None:  # noqa: FBT001 — hypothesis passes by name
        """Redis comes back empty, or as it was."""
        self.store = deepcopy(self.saved) if old else Store(self.store.milliseconds)

    def teardown(self) -> None:
        """When it is quiet for two leases, everybody knows the same."""
        self.late.clear()
        self._settle(rounds=16)
        present = {entry for gateway in self.all for entry in gateway.own.values()}
        for gateway in self.all:
            gateway.turn()
            assert {entry for room in ROOMS for entry in gateway.guestbook.entries(room)} == present

    def _settle(self, rounds: int) -> None:
        for _ in range(rounds):
            self._pass(LEASE / 4)
            for which in range(len(self.all)):
                self.speak(which, "heard")
                self.speak(which, "heard")
                self.listen(which, 10_000)
                self.read(which)

    def _new(self) -> Gateway:
        self.names += 1
        return Gateway(f"g{self.names}")

    def _identity(self) -> int:
        self.identities += 1
        return self.identities

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        self.store.milliseconds += int(seconds * 1000)


class TestPlant(Plant.TestCase):
    """Any order of anything."""

    settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


def _muster(marks: dict[str, str], milliseconds: int = 50_000) -> Muster:
    return Muster(milliseconds, "0-0", marks)


def _entry(ref: str = "r", room: str = "north") -> Entry:
    return Entry(room, "anna", ref, b"{}")


def _present(gateway: Gateway) -> Iterable[str]:
    return sorted(entry.ref for entry in gateway.guestbook.entries("north"))


@pytest.fixture
def here() -> Gateway:
    """A gateway that has heard, at second 50, of one other, and knows its one person."""
    gateway = a_gateway()
    gateway.roster.statement()
    gateway.roster.said()
    gateway.roster.muster(_muster({"there": "3:49000"}), 50.0)
    assert gateway.roster.next_wanted() == "there"
    gateway.roster.learn("there", (3, {"a": _entry()}), 50.0)
    assert _present(gateway) == ["r"]
    return gateway


def test_a_gateway_that_is_silent_for_a_lease_is_dead(here: Gateway) -> None:
    """And its people leave, once it is buried."""
    for second in (52.0, 54.0, 56.0, 58.0):
        assert not here.roster.muster(_muster({"there": "3:49000"}), second)
    assert here.roster.muster(_muster({"there": "3:49000"}), 60.0) == [("there", "3:49000")]
    assert _present(here) == ["r"]
    here.roster.hear(Gone("there"))
    assert not _present(here)


def test_silence_that_nobody_could_break_does_not_count(here: Gateway) -> None:
    """Redis was away for a minute: all gateways were silent, and none of them is dead."""
    assert not here.roster.muster(_muster({"there": "3:49000"}), 110.0)
    assert here.roster.muster(_muster({"there": "3:49000"}), 115.0) == []
    assert here.roster.muster(_muster({"there": "3:49000"}), 120.0) != []


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_makes_nobody_dead(here: Gateway, hours: int) -> None:
    """Only change counts, not what the time is."""
    jumped = 50_000 + hours * 3_600_000
    for step in range(1, 12):
        mark = f"3:{jumped + step * 2500}"
        assert not here.roster.muster(_muster({"there": mark}, jumped + step * 2500 + 5), 50.0 + step * 2.5)
    assert _present(here) == ["r"]


def test_a_gateway_that_redis_lost_has_a_lease_to_come_back(here: Gateway) -> None:
    """It says everything anew, and nobody saw its people flicker; else they leave."""
    for second in (52.0, 54.0, 56.0, 58.0):
        here.roster.muster(_muster({}), second)
        assert _present(here) == ["r"]
    here.roster.muster(_muster({}), 60.0)
    assert not _present(here)


def test_who_was_silent_for_long_already_is_not_shown_to_a_newcomer() -> None:
    """Redis was left behind by gateways that all died: their people are no ghosts, and are buried after a lease."""
    here = a_gateway()
    here.roster.muster(_muster({"there": "3:30000"}), 50.0)
    assert here.roster.next_wanted() is None
    here.roster.muster(_muster({"there": "3:52000"}), 52.5)
    assert here.roster.next_wanted() == "there"


def test_a_statement_that_was_missed_is_found_without_another_one(here: Gateway) -> None:
    """The mark is ahead of what was heard, and still is when numbers are compared the next time."""
    here.roster.muster(_muster({"there": "4:52000"}), 52.5)
    assert here.roster.next_wanted() is None, "it may be on its way"
    here.roster.muster(_muster({"there": "4:55000"}), 55.0)
    assert here.roster.next_wanted() == "there"


def test_a_storm_is_said_in_several_statements() -> None:
    """No entry of the stream is large, and what comes meanwhile waits its turn."""
    here = a_gateway()
    here.roster.statement()
    here.roster.said()
    for n in range(450):
        here.roster.put(str(n), _entry(str(n)))
    sizes = []
    while here.roster.pressing:
        statement = here.roster.statement()
        here.roster.said()
        sizes.append(len(statement.changes))
    assert sizes == [200, 200, 50]


def test_what_was_read_late_replaces_nothing_newer(here: Gateway) -> None:
    """Redis came back as it was earlier: its gateways say what is so now, and nobody comes or goes in between."""
    here.roster.hear(Said("there", 4, {"a": None, "b": _entry("s")}))
    here.roster.learn("there", (3, {"a": _entry()}), 51.0)
    assert _present(here) == ["s"]


def test_who_was_given_up_says_everything_anew_at_once() -> None:
    """It was only slow: its people are away no longer than it takes to say so."""
    here = a_gateway()
    here.roster.put("a", _entry())
    here.roster.statement()
    here.roster.said()
    assert not here.roster.pressing
    here.roster.hear(Gone("here"))
    assert here.roster.pressing
    statement = here.roster.statement()
    assert statement.after is None
    assert statement.changes == {"a": _entry()}


def test_a_gap_between_statements_is_not_passed_over(here: Gateway) -> None:
    """What was missed is read as a whole, and until then the old state stays."""
    here.roster.hear(Said("there", 5, {"b": _entry("s")}))
    assert _present(here) == ["r"]
    assert here.roster.next_wanted() == "there"
    here.roster.learn("there", (5, {"b": _entry("s")}), 51.0)
    assert _present(here) == ["s"]
