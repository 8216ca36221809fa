"""What is held of a warehouse: whole steps only, each once, wherever the line breaks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.client import Change, Changes, Joined, PresenceDiff, PresenceState, Progress, Snapshot
from floorcast.client.replica import Replica
from floorcast.errors import ClientError

AT = "2026-11-23T10:11:12.345678+00:00"
KEYS = {"work_orders": ["id"], "assignments": ["order", "person"]}
JOIN = {"position": "0-0", "role": "viewer", "tables": list(KEYS), "keys": KEYS, "cursor": None}


def a_change(op: str = "update", table: str = "work_orders", position: str = "1-1", **row: Any) -> dict[str, Any]:
    """Return a change as it is on the wire; `row` holds its key."""
    change = {"position": position, "op": op, "by": "update", "table": table, "actor": "anna", "at": AT}
    change["key"] = {column: row[column] for column in KEYS[table]}
    return change if op == "leave" else change | {"new": row}


def a_tick(tick: int, *changes: dict[str, Any], **vary: Any) -> dict[str, Any]:
    """Return a `changes` frame that is a whole tick, unless told otherwise."""
    return {"tick": tick, "at": AT, "changes": list(changes), "cursor": f"c{tick}"} | vary


def a_picture(tick: int, **tables: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a picture in one frame."""
    return {"tick": tick, "at": AT, "part": 1, "end": True, "rows": tables, "cursor": f"c{tick}"}


def a_replica(*orders: dict[str, Any], tick: int = 5) -> Replica:
    """Return a replica with a picture of these work orders."""
    replica = Replica()
    replica.join("snapshot", JOIN, None)
    assert isinstance(replica.receive("snapshot", a_picture(tick, work_orders=list(orders))), Snapshot)
    return replica


def test_a_picture_in_parts_replaces_everything_as_one_step() -> None:
    """What was there before stays until the last part is here, and then is gone."""
    replica = a_replica({"id": 1})
    first = {"tick": 9, "at": AT, "part": 1, "end": False, "rows": {"work_orders": [{"id": 2}]}}
    assert replica.receive("snapshot", first) is None
    assert list(replica.rows("work_orders")) == [1]
    last = first | {"part": 2, "end": True, "rows": {"work_orders": [{"id": 3}]}, "cursor": "c9"}
    told = replica.receive("snapshot", last)
    assert told == Snapshot(9, AT, {"work_orders": [{"id": 2}, {"id": 3}]}, "c9")
    assert dict(replica.rows("work_orders")) == {2: {"id": 2}, 3: {"id": 3}}
    assert replica.cursor == "c9"


def test_enter_and_update_put_a_row_and_leave_takes_it_away() -> None:
    """By key, whatever was there."""
    replica = a_replica({"id": 1, "status": "open"})
    told = replica.receive(
        "changes", a_tick(6, a_change(id=1, status="done"), a_change("enter", id=2), a_change("leave", id=3))
    )
    assert isinstance(told, Changes)
    assert [change.op for change in told.changes] == ["update", "enter", "leave"]
    assert dict(replica.rows("work_orders")) == {1: {"id": 1, "status": "done"}, 2: {"id": 2}}
    replica.receive("changes", a_tick(7, a_change("leave", id=1)))
    assert list(replica.rows("work_orders")) == [2]
    assert replica.cursor == "c7"


def test_a_key_of_several_columns_is_a_tuple_in_the_order_of_the_key() -> None:
    """Whatever the order in which a frame names them."""
    replica = a_replica()
    replica.receive("changes", a_tick(6, a_change("enter", "assignments", person="anna", order=7)))
    assert list(replica.rows("assignments")) == [(7, "anna")]


def test_a_tick_in_parts_changes_nothing_before_its_end() -> None:
    """Rows and cursor are those of the last whole tick."""
    replica = a_replica({"id": 1})
    part = a_tick(6, a_change("leave", id=1), part=1, end=False)
    del part["cursor"]
    assert replica.receive("changes", part) is None
    assert (list(replica.rows("work_orders")), replica.cursor) == ([1], "c5")
    told = replica.receive("changes", a_tick(6, a_change("enter", id=2), part=2, end=True))
    assert isinstance(told, Changes)
    assert len(told.changes) == 2
    assert (list(replica.rows("work_orders")), replica.cursor) == ([2], "c6")


def test_a_loss_in_the_middle_of_a_tick_leaves_nothing_of_it() -> None:
    """The next joining tells the whole tick."""
    replica = a_replica()
    replica.receive("changes", a_tick(6, a_change("enter", id=1), part=1, end=False))
    replica.join("cursor", JOIN, None)
    assert replica.cursor == "c5"
    replica.receive("changes", a_tick(6, a_change("enter", id=1), a_change("enter", id=2)))
    assert list(replica.rows("work_orders")) == [1, 2]


def test_what_a_new_joining_repeats_is_passed_over() -> None:
    """A cursor may stand for a little less than was heard; never is a tick applied twice."""
    replica = a_replica()
    replica.receive("changes", a_tick(6, a_change("enter", id=1)))
    replica.receive("changes", a_tick(7, a_change("leave", id=1)))
    replica.join("cursor", JOIN, None)
    assert replica.receive("changes", a_tick(6, a_change("enter", id=1))) is None
    replica.receive("progress", {"position": "6-0", "at": AT, "cursor": "c6"})
    assert dict(replica.rows("work_orders")) == {}
    assert replica.cursor == "c7"
    assert replica.receive("changes", a_tick(8, a_change("enter", id=2))) is not None


@pytest.mark.parametrize(
    "frame",
    [
        a_tick(6, part=2, end=True),
        a_tick(5),
        a_tick(3),
        {"tick": 9, "at": AT, "part": 3, "end": True, "rows": {}, "cursor": "c9"},
    ],
)
def test_what_does_not_follow_is_out_of_step(frame: dict[str, Any]) -> None:
    """A part without those before it, a tick that was told: nothing changes, and a new joining mends it."""
    replica = a_replica({"id": 1})
    with pytest.raises(ClientError, match="out_of_step"):
        replica.receive("snapshot" if "rows" in frame else "changes", frame)
    assert (list(replica.rows("work_orders")), replica.cursor) == ([1], "c5")


def test_nothing_may_come_before_the_end_of_what_began() -> None:
    """Not a later tick, not a sign of progress: it would be a gap."""
    for name, frame in (("changes", a_tick(7)), ("progress", {"position": "6-0", "at": AT, "cursor": "c6"})):
        replica = a_replica()
        replica.receive("changes", a_tick(6, part=1, end=False))
        with pytest.raises(ClientError, match="out_of_step"):
            replica.receive(name, frame)
        assert replica.cursor == "c5"


def test_a_part_that_is_missing_is_a_gap() -> None:
    """However much of the tick is here already."""
    replica = a_replica()
    replica.receive("changes", a_tick(6, part=1, end=False))
    with pytest.raises(ClientError, match="out_of_step"):
        replica.receive("changes", a_tick(6, part=3, end=True))


def test_nothing_is_applied_to_half_a_picture() -> None:
    """Not even what the picture has already."""
    replica = Replica()
    replica.join("snapshot", JOIN, None)
    replica.receive("snapshot", {"tick": 6, "at": AT, "part": 1, "end": False, "rows": {}})
    with pytest.raises(ClientError, match="out_of_step"):
        replica.receive("changes", a_tick(5))


def test_a_tick_may_begin_again_and_a_folded_one_stands_for_all_before_it() -> None:
    """Both happen to a slow reader who is switched to catch-up."""
    replica = a_replica()
    replica.receive("changes", a_tick(6, a_change("enter", id=1), part=1, end=False))
    assert replica.receive("changes", a_tick(6, a_change("enter", id=2), part=1, end=False)) is None
    told = replica.receive("changes", a_tick(9, a_change("enter", id=3), folded=True))
    assert isinstance(told, Changes)
    assert told.folded
    assert list(replica.rows("work_orders")) == [3]


def test_progress_moves_the_cursor() -> None:
    """So that a quiet warehouse's cursor does not grow too old."""
    replica = a_replica()
    assert replica.receive("progress", {"position": "8-0", "at": AT, "cursor": "c8"}) == Progress("8-0", AT, "c8")
    assert replica.cursor == "c8"


def test_forgetting_leaves_nothing() -> None:
    """Not the rows, not the cursor; and another history may begin with a smaller tick."""
    replica = a_replica({"id": 1})
    replica.forget()
    assert (dict(replica.rows("work_orders")), replica.cursor) == ({}, None)
    replica.join("snapshot", JOIN, None)
    assert isinstance(replica.receive("snapshot", a_picture(2, work_orders=[{"id": 9}])), Snapshot)
    assert isinstance(replica.receive("changes", a_tick(3)), Changes)


def test_joining_from_now_has_the_servers_cursor_and_continuing_ones_own() -> None:
    """A loss before the first change must not leave out what came between."""
    replica = Replica(keep_rows=False)
    told = replica.join("now", JOIN | {"cursor": "c3"}, None)
    assert told == Joined("now", "0-0", "viewer", tuple(KEYS), {t: tuple(k) for t, k in KEYS.items()}, "c3", None)
    replica.receive("changes", a_tick(4))
    assert replica.join("cursor", JOIN | {"cursor": "c9"}, None).cursor == "c4"


def test_rows_are_refused_for_tables_that_do_not_come_and_where_none_are_kept() -> None:
    """A misspelt name is no empty table."""
    with pytest.raises(KeyError, match="work_ordrs"):
        a_replica().rows("work_ordrs")
    with pytest.raises(KeyError, match="keeps no rows"):
        Replica(keep_rows=False).rows("work_orders")
    assert dict(a_replica().rows("assignments")) == {}


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("changes", {"tick": 6, "at": AT}),
        ("changes", a_tick(6, {"op": "enter"})),
        ("changes", a_tick(6, a_change("enter", id=1) | {"key": {}})),
        ("progress", {"position": "soon", "at": AT}),
        ("snapshot", {"tick": 6, "at": AT, "rows": []}),
        ("presence_state", {"anna": 1}),
    ],
)
def test_what_is_not_as_documented_is_a_bad_frame(name: str, payload: dict[str, Any]) -> None:
    """And changes nothing."""
    replica = a_replica({"id": 1})
    with pytest.raises(ClientError, match="bad_frame"):
        replica.receive(name, payload)
    assert (list(replica.rows("work_orders")), replica.cursor) == ([1], "c5")


def test_events_of_a_newer_server_mean_nothing() -> None:
    """It may have more to say than we understand."""
    assert a_replica().receive("weather", {"rain": True}) is None


def test_who_is_here_follows_from_state_and_diffs() -> None:
    """A person with two tabs leaves with the second; a changed meta joins and leaves at once."""
    replica = a_replica()
    tabs = {"anna": {"metas": [{"phx_ref": "1"}, {"phx_ref": "2"}]}}
    assert replica.receive("presence_state", tabs) == PresenceState({"anna": ({"phx_ref": "1"}, {"phx_ref": "2"})})
    changed = {"phx_ref": "3", "phx_ref_prev": "2", "at": "WO-1"}
    told = replica.receive(
        "presence_diff",
        {"joins": {"anna": {"metas": [changed]}}, "leaves": {"anna": {"metas": [{"phx_ref": "2"}]}}},
    )
    assert told == PresenceDiff({"anna": (changed,)}, {"anna": ({"phx_ref": "2"},)})
    assert replica.presence.present == {"anna": ({"phx_ref": "1"}, changed)}
    replica.receive("presence_diff", {"joins": {}, "leaves": {"anna": {"metas": [{"phx_ref": "1"}, {"phx_ref": "3"}]}}})
    assert replica.presence.present == {}
    replica.receive("presence_state", tabs)
    replica.join("cursor", JOIN, None)
    assert replica.presence.present == {}


# A server of a few lines, with all the freedom that the protocol gives it.

State = dict[tuple[Any, ...], dict[str, Any]]


@dataclass
class History:
    """What happened in a warehouse, tick by tick, and how everything stood after each."""

    random: Random
    ticks: list[list[dict[str, Any]]] = field(default_factory=lambda: [[]])
    states: list[State] = field(default_factory=lambda: [{}])

    def go_on(self) -> None:
        """Close a tick of a few changes, some of them of the same row."""
        tick, state = len(self.ticks), dict(self.states[-1])
        changes = []
        for n in range(1, 1 + self.random.randrange(5)):
            table = self.random.choice(list(KEYS))
            row = {column: self.random.randrange(3) for column in KEYS[table]} | {"version": f"{tick}-{n}"}
            place = (table, *(row[column] for column in KEYS[table]))
            if place in state and self.random.random() < 0.4:
                op = "leave"
                del state[place]
            else:
                op = "update" if place in state else "enter"
                state[place] = row
            changes.append(a_change(op, table, f"{tick}-{n}", **row))
        self.ticks.append(changes)
        self.states.append(state)

    def joining(self, cursor: str | None, *, fold: bool) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the frames of a joining, while the history goes on."""
        told = len(self.ticks) - 1
        if cursor is None:
            rows: dict[str, list[dict[str, Any]]] = {}
            for (table, *_), row in self.states[told].items():
                rows.setdefault(table, []).append(row)
            pieces = [(table, row) for table in rows for row in rows[table]]
            yield from self._parts("snapshot", told, pieces, {})
        else:
            told = int(cursor[1:])
            # A cursor may repeat what was told, never skip.
            told -= self.random.randrange(min(2, told) + 1)
        while True:
            newest = len(self.ticks) - 1
            if fold and newest > told:
                yield from self._parts("changes", newest, self._folded(told, newest), {"folded": True})
                told = newest
            elif newest > told:
                told += 1
                yield from self._parts("changes", told, self.ticks[told], {})
            else:
                yield "progress", {"position": f"{told}-0", "at": AT, "cursor": f"c{told}"}
                self.go_on()

    def _folded(self, after: int, upto: int) -> list[dict[str, Any]]:
        newest = {
            (change["table"], *change["key"].values()): change
            for changes in self.ticks[after + 1 : upto + 1]
            for change in changes
        }
        return list(newest.values())

    def _parts(
        self, name: str, tick: int, content: list[Any], more: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        cuts = sorted(self.random.randrange(len(content) + 1) for _ in range(self.random.randrange(4)))
        bounds = list(zip([0, *cuts], [*cuts, len(content)], strict=True))
        for part, (start, end) in enumerate(bounds, 1):
            last = part == len(bounds)
            frame: dict[str, Any] = {"tick": tick, "at": AT} | more
            if name == "snapshot":
                frame["rows"] = {}
                for table, row in content[start:end]:
                    frame["rows"].setdefault(table, []).append(row)
            else:
                frame["changes"] = content[start:end]
            if name == "snapshot" or len(bounds) > 1:
                frame |= {"part": part, "end": last}
            yield name, frame | ({"cursor": f"c{tick}"} if last else {})


@given(seed=st.integers(0, 2**32), losses=st.lists(st.integers(0, 12), max_size=8), fold=st.booleans())
def test_wherever_the_line_breaks_each_change_is_applied_once(seed: int, losses: list[int], fold: bool) -> None:  # noqa: FBT001 — hypothesis' way
    """At every event the rows are those of a whole tick, and the ticks told are all that there were, in order."""
    random = Random(seed)
    history = History(random)
    for _ in range(random.randrange(4)):
        history.go_on()
    replica = Replica()
    # What a listener makes of what he is told: the newest tick, and every change since the first picture.
    heard = 0
    told: list[Change] = []
    pictures = 0
    for frames in [*losses, 20]:
        cursor = replica.cursor
        replica.join("cursor" if cursor else "snapshot", JOIN, None)
        joining = history.joining(cursor, fold=fold)
        for (name, payload), _ in zip(joining, range(frames), strict=False):
            event = replica.receive(name, payload)
            match event:
                case Snapshot(tick=tick):
                    pictures += 1
                    assert pictures == 1, "with a cursor nobody needs a second picture"
                    heard = first = tick
                case Changes(tick=tick, changes=changes):
                    assert tick > heard
                    assert fold or tick == heard + 1
                    heard = tick
                    told.extend(changes)
                case _:
                    pass
            assert held(replica) == (history.states[heard] if pictures else {})
        joining.close()
    if pictures and not fold:
        expected = [change["position"] for changes in history.ticks[first + 1 : heard + 1] for change in changes]
        assert [change.position for change in told] == expected


def held(replica: Replica) -> State:
    """Return what a replica holds as the history writes it."""
    return {
        (table, *(key if isinstance(key, tuple) else (key,))): dict(row)
        for table in KEYS
        for key, row in replica.rows(table).items()
    }
