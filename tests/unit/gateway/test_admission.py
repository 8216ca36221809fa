"""Admission: how many may come at a time, and when the others are asked to come back."""

from random import Random

import pytest
from tests.builders import some_limits

from floorcast.gateway.admission import Admission, Gate, Later, Pace


def a_gate(per_second: float = 10, at_once: float = 5, most_keys: int = 100) -> Gate:
    """A gate whose chance repeats."""
    return Gate(Pace(per_second, at_once), Random(1), most_keys)


def crowd(gate: Gate, count: int, now: float, key: str = "") -> list[float]:
    """Let some ask at once; returns the waits of those who were refused."""
    waits = []
    for _ in range(count):
        if gate.has_room(key, now):
            gate.take(key, now)
        else:
            waits.append(gate.refuse(key, now))
    return waits


def test_a_quiet_gate_lets_as_many_in_as_fit_and_then_as_many_as_the_pace_allows() -> None:
    """Five at once, then one each tenth of a second."""
    gate = a_gate()
    assert len(crowd(gate, 20, 100.0)) == 15
    assert len(crowd(gate, 20, 100.1)) == 19
    assert len(crowd(gate, 20, 100.35)) == 18
    assert len(crowd(gate, 20, 200.0)) == 15, "no more gathers than fit"


def test_keys_do_not_take_each_others_room() -> None:
    """What one user does costs another nothing."""
    gate = a_gate()
    assert crowd(gate, 50, 1.0, "loud")
    assert crowd(gate, 5, 1.0, "quiet") == []


def test_whoever_is_refused_is_spread_over_the_time_that_the_crowd_needs() -> None:
    """A hundred at ten a second: nobody is sent away for longer than that takes, and they do not come back together."""
    waits = crowd(a_gate(), 105, 1.0)
    assert len(waits) == 100
    assert max(waits) > 7
    assert max(waits) <= 0.5 + 10
    assert max(waits[:10]) <= 1.5, "who comes first waits least"
    assert len({round(wait, 1) for wait in waits}) > 30


def test_a_crowd_that_comes_back_when_told_is_soon_inside() -> None:
    """In little more than the time that its number takes at this pace, with few refusals each."""
    gate = a_gate(per_second=500, at_once=1000)
    asking = sorted((0.0, number) for number in range(5_000))
    refusals = 0
    last = 0.0
    while asking:
        now, number = asking.pop(0)
        if gate.has_room("", now):
            gate.take("", now)
            last = max(last, now)
        else:
            refusals += 1
            asking.append((now + gate.refuse("", now), number))
            asking.sort()
    assert last < 12
    assert refusals < 3 * 5_000


def test_no_wait_is_longer_than_half_a_minute() -> None:
    """However many strangers were refused, whoever comes in between is not sent away for an hour."""
    gate = a_gate()
    assert max(crowd(gate, 10_000, 1.0)) <= 30.5


def test_only_so_many_are_remembered() -> None:
    """Whatever strangers send; and a quiet time is forgotten altogether."""
    gate = a_gate(most_keys=100)
    for number in range(10_000):
        gate.take(f"stranger {number}", 1.0)
    assert len(gate) == 100
    for number in range(100):
        gate.take(f"visitor {number}", 1_000.0 + number)
    assert len(gate) <= 2


def code(later: Later | None) -> str | None:
    """The code of a refusal."""
    return None if later is None else later.code


def test_a_full_gateway_refuses_and_says_when_to_come_back() -> None:
    """As many sockets as it may have; the next one hears when."""
    admission = Admission(some_limits(sockets=2), Random(1))
    assert admission.knock("", 1, 1.0) is None
    later = admission.knock("", 2, 1.0)
    assert later is not None
    assert later.code == "too_many_connections"
    assert 0.5 <= later.seconds <= 1


def test_strangers_take_nobodys_place() -> None:
    """Whoever has no good token never enters, and the process's bucket is as full as before."""
    admission = Admission(some_limits(connects=Pace(1, 3)), Random(1))
    for _ in range(50):
        assert admission.knock("", 0, 1.0) is None
    for _ in range(3):
        assert admission.enter("anna", 1.0) is None
    assert code(admission.knock("", 0, 1.0)) == "too_many_connections"


def test_an_address_is_counted_whatever_comes_of_it_when_that_is_configured() -> None:
    """Where it is not, nobody asks for it."""
    admission = Admission(some_limits(address_connects=Pace(1, 3)), Random(1))
    assert admission.counts_addresses
    assert [code(admission.knock("a", 0, 1.0)) for _ in range(4)] == [None, None, None, "connecting_too_often"]
    assert admission.knock("b", 0, 1.0) is None
    assert not Admission(some_limits(), Random(1)).counts_addresses


@pytest.mark.parametrize("narrow", ["joins", "user_joins"])
def test_joins_are_counted_for_all_and_for_each(narrow: str) -> None:
    """One user's loop is his own trouble; everybody's crowd is everybody's."""
    admission = Admission(some_limits(**{narrow: Pace(1, 3)}), Random(1))
    assert [code(admission.join("anna", 1.0)) for _ in range(4)] == [None, None, None, "too_many_joins"]
    assert code(admission.join("bert", 1.0)) == ("too_many_joins" if narrow == "joins" else None)


def test_one_users_sockets_are_counted_too() -> None:
    """A page that reconnects in a loop does not take the others' places."""
    admission = Admission(some_limits(user_connects=Pace(1, 3)), Random(1))
    assert [code(admission.enter("anna", 1.0)) for _ in range(4)] == [None, None, None, "connecting_too_often"]
    assert admission.enter("bert", 1.0) is None


def test_who_has_no_name_takes_no_users_place() -> None:
    """A stranger with the public key must not be able to keep everybody out who is about to say who he is."""
    admission = Admission(some_limits(user_connects=Pace(1, 2), user_joins=Pace(1, 2)), Random(1))
    assert [admission.enter("", 0.0) for _ in range(20)] == [None] * 20
    assert [admission.join("", 0.0) for _ in range(20)] == [None] * 20
    narrow = Admission(some_limits(connects=Pace(1, 2), joins=Pace(1, 2)), Random(1))
    for _ in range(2):
        assert narrow.knock("", 0, 0.0) is None
        assert narrow.enter("", 0.0) is None
        assert narrow.join("", 0.0) is None
    assert narrow.knock("", 0, 0.0) is not None, "the process counts them"
    assert narrow.join("", 0.0) is not None
