"""What is wrong with a chain, and an anchor as it is kept."""

from dataclasses import replace

import pytest

from floorcast.verification import Anchor, Anchored, Chain, SealedTick, Surroundings, judge_anchor, judge_surroundings

ANCHOR = Anchor("i", 7, "5ea1", "2026-11-23T10:00:00.000000+00:00", 8, "71")
FOUND = Anchored("5ea1", "2026-11-23T10:00:00.000000+00:00", 8, knows_incarnation=True, system_identifier="71")
AROUND = Surroundings(0, 0, 0, 0, (), ())
GOOD = SealedTick(1, "5ea1", "then", 2, 10, 2, 10, is_whole=True)


def told(chain: Chain, *ticks: SealedTick) -> list[tuple[int | None, str]]:
    """Where and what."""
    return [(fault.tick, fault.text) for tick in ticks for fault in chain.judge(tick)]


def test_a_chain_without_gaps_whose_seals_hold_has_no_fault() -> None:
    """And says how much it was."""
    chain = Chain(0)
    assert told(chain, replace(GOOD, tick=0, found_count=0), *(replace(GOOD, tick=tick) for tick in range(1, 9))) == []
    assert (chain.ticks, chain.changes) == (9, 16)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"found_count": 1}, "had 2 changes and has 1: 1 change removed"),
        ({"found_count": 4}, "had 2 changes and has 4: 2 changes added"),
        ({"found_bytes": 11}, "had 10 bytes of rows and have 11"),
        ({}, "edited, or put into another order"),
    ],
)
def test_a_broken_seal_says_what_can_be_seen_of_the_cause(found: dict[str, int], words: str) -> None:
    """Whoever investigates begins there."""
    chain = Chain(0)
    told(chain, replace(GOOD, tick=0))
    ((tick, text),) = told(chain, replace(GOOD, is_whole=False, **found))
    assert (tick, words in text) == (1, True), text


def test_a_gap_is_one_fault_at_its_first_tick() -> None:
    """The tick behind it cannot be sealed again, and is not blamed for that."""
    chain = Chain(0)
    told(chain, replace(GOOD, tick=0))
    assert [tick for tick, _ in told(chain, replace(GOOD, tick=4, is_whole=None), replace(GOOD, tick=5))] == [1]
    ((_, text),) = told(chain, replace(GOOD, tick=7, is_whole=None))
    assert text.startswith("Tick 6 is missing")


def test_the_first_tick_is_believed_unless_it_is_the_beginning() -> None:
    """Its predecessor is not looked at; that of tick 0 is known to everybody."""
    assert told(Chain(5), replace(GOOD, tick=5, is_whole=False)) == []
    assert [tick for tick, _ in told(Chain(0), replace(GOOD, tick=0, is_whole=False))] == [0]


def test_what_lies_outside_the_ticks_is_judged_where_it_can_be() -> None:
    """Rows below a first tick that was kept may be what is left of dropped ones."""
    assert list(judge_surroundings(AROUND, 0)) == []
    assert "2 changes older" in next(judge_surroundings(replace(AROUND, older=2), 0)).text
    assert list(judge_surroundings(replace(AROUND, older=2), 5)) == []
    assert "never opened" in next(judge_surroundings(replace(AROUND, first_tick=3, older=2), 3)).text
    assert list(judge_surroundings(replace(AROUND, first_tick=3, older=2, book=("x",)), 3)) == []
    assert (
        "2 changes of transactions that are yet to come" in next(judge_surroundings(replace(AROUND, future=2), 0)).text
    )
    assert "1 change of" in next(judge_surroundings(replace(AROUND, first_tick=3, future=1, book=("x",)), 5)).text
    assert "Nothing refuses changes of a, b" in next(judge_surroundings(replace(AROUND, unguarded=("a", "b")), 0)).text


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"seal": None}, "the newest one is 5"),
        ({"seal": "0"}, "another seal than the anchor"),
        ({"seal": "0", "knows_incarnation": False}, "incarnation i is not known"),
        ({"system_identifier": "72"}, "another cluster"),
        ({"ticks": 9}, "came back"),
    ],
)
def test_an_anchor_finds_what_differs(found: dict[str, object], words: str) -> None:
    """Each alone."""
    (fault,) = judge_anchor(ANCHOR, replace(FOUND, **found), 0, 5)  # type: ignore[arg-type]
    assert words in fault.text


def test_an_anchor_that_agrees_finds_nothing() -> None:
    """Fewer ticks below it are retention's."""
    assert list(judge_anchor(ANCHOR, FOUND, 0, 9)) == []
    assert list(judge_anchor(ANCHOR, replace(FOUND, ticks=3), 5, 9)) == []
    (fault,) = judge_anchor(ANCHOR, replace(FOUND, seal=None), 8, 9)
    assert "proves nothing any more" in fault.text
    (fault,) = judge_anchor(ANCHOR, replace(FOUND, seal=None), 0, 9)
    assert "was removed" in fault.text


def test_an_anchor_is_read_as_it_was_written() -> None:
    """Years later, perhaps."""
    assert Anchor.parse(ANCHOR.to_json()) == ANCHOR


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", ANCHOR.to_json().replace("7,", "true,"), "{" * 9])
def test_what_is_no_anchor_is_refused(text: str) -> None:
    """With a sentence."""
    with pytest.raises(ValueError, match=r"it is not|is missing"):
        Anchor.parse(text)
