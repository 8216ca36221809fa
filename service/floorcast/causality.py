"""Order inside one transaction: several changes of one key follow their chain from old to new.

Capture numbers changes as statements end. A statement that runs inside another one (from somebody's row trigger) ends
first, so its change of a row is numbered before the change that caused it. What was `new` there is `old` here: the rows
themselves tell the true order.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from floorcast.change import Change


def in_causal_order(changes: Sequence[Change]) -> list[Change]:
    """Return the changes of a tick with every chain mended; places are only swapped among changes of one key.

    A chain that fits together already is left alone, and so is one that cannot be put together.
    """
    ordered = list(changes)
    # Most ticks change no row twice in one transaction, and this is asked of every one of them.
    if len({(change.xid, change.table, change.key) for change in ordered}) == len(ordered):
        return ordered
    places: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for place, change in enumerate(ordered):
        places[change.xid, change.table, change.key].append(place)
    for group in places.values():
        if len(group) == 1:
            continue
        chain = [ordered[place] for place in group]
        if not _fits(chain):
            for place, change in zip(group, _chained(chain), strict=True):
                ordered[place] = replace(change, n=changes[place].n)
    return ordered


def _fits(chain: Sequence[Change]) -> bool:
    return all(before.new == after.old for before, after in pairwise(chain))


def _chained(chain: Sequence[Change]) -> Sequence[Change]:
    """Walk every change exactly once from old to new (an Eulerian path over row states; Hierholzer 1873)."""
    leaving: dict[str | None, list[Change]] = defaultdict(list)
    for change in reversed(chain):
        leaving[change.old].append(change)
    arrivals = [change.new for change in chain]
    starts = [change.old for change in chain if arrivals.count(change.old) < len(leaving[change.old])]
    path: list[Change] = []
    stack: list[tuple[str | None, Change | None]] = [(starts[0] if starts else chain[0].old, None)]
    while stack:
        state, arrived_by = stack[-1]
        if leaving[state]:
            following = leaving[state].pop()
            stack.append((following.new, following))
        else:
            stack.pop()
            if arrived_by is not None:
                path.append(arrived_by)
    path.reverse()
    return path if len(path) == len(chain) and _fits(path) else chain
