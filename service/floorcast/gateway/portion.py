"""What a tick brings to a warehouse, cut for each view: the same for all, and something of one's own (pure).

Most views are given the bodies of operations as they came. Where columns are hidden, a body is masked once for all that
hide the same. Where a row has an owner, he is given it whole, in its place among the others.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from floorcast.access.masking import mask
from floorcast.access.policy import View
from floorcast.operation import Operation

OwnerOf = Callable[[Operation, str], str | None]
"""Says whom a column of an operation's row names, empty for nobody; None when the operation does not tell."""

_Masked = dict[tuple[int, str, str, frozenset[str]], bytes]


@dataclass(frozen=True, slots=True)
class Portion:
    """The part of a tick that is for one view."""

    # One for each operation that anybody with this view is given, in order; None where its owner alone is.
    common: Sequence[bytes | None]
    # User → place in `common` → the body that he is given there.
    own: Mapping[str, Mapping[int, bytes]]
    # Whose row it is could not be told of an operation that only its owner may have.
    uncertain: bool = False

    def bodies(self) -> tuple[bytes, ...]:
        """Return what everybody with this view is given."""
        return tuple(body for body in self.common if body is not None)

    def bodies_for(self, user: str) -> tuple[bytes, ...]:
        """Return what one of the owners is given, everything in its order."""
        own = self.own[user]
        merged = (own.get(place) or body for place, body in enumerate(self.common))
        return tuple(body for body in merged if body is not None)


@dataclass(slots=True)
class Portions:
    """The portions of one tick; asked for each warehouse and view."""

    owner_of: OwnerOf
    # Masked once, however many views and warehouses are given it.
    _masked: _Masked = field(default_factory=dict)

    def cut(self, view: View, operations: Sequence[Operation]) -> Portion:
        """Return what of a warehouse's operations is for a view."""
        if not view.hidden and not view.owned:
            return Portion([operation.body for operation in operations if view.reads_table(operation.table)], _NO_OWN)
        common: list[bytes | None] = []
        own: dict[str, dict[int, bytes]] = {}
        uncertain = False
        for operation, body in self._shown(view, operations):
            column = view.owned.get(operation.table)
            if column is not None and body is not operation.body:
                owner = self.owner_of(operation, column)
                uncertain = uncertain or (owner is None and body is None)
                if owner:
                    own.setdefault(owner, {})[len(common)] = operation.body
            common.append(body)
        return Portion(common, own, uncertain)

    def _shown(self, view: View, operations: Sequence[Operation]) -> Iterator[tuple[Operation, bytes | None]]:
        """Yield the operations that concern a view, each with the body that everybody is given; None for none."""
        for operation in operations:
            if not view.reads_table(operation.table):
                if operation.table in view.owned:
                    yield operation, None
            else:
                hidden = view.hidden.get(operation.table)
                yield operation, operation.body if hidden is None else self._mask(operation, hidden)

    def _mask(self, operation: Operation, hidden: frozenset[str]) -> bytes:
        name = (operation.n, operation.table, operation.warehouse, hidden)
        masked = self._masked.get(name)
        if masked is None:
            masked = self._masked[name] = mask(operation.body, hidden)
        return masked


_NO_OWN: Mapping[str, Mapping[int, bytes]] = {}
