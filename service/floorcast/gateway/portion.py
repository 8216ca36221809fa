"""What a tick brings to a warehouse, cut for each lens: the same for all, and something of one's own (pure).

A row is seen before and after a change, or before, or after, or not at all: that makes an update, a leave, an enter, or
nothing of it, whatever the change was. So a row leaves whoever loses sight of it, by a filter or by its owner, and
enters with all that may be seen of it.

Most lenses show rows as they are. Where columns are hidden or not asked for, a row is cut once for all who see the same
of it. Where a row has an owner, he is given it whole, in its place among the others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from floorcast.access.masking import mask, pick
from floorcast.filter.row import Row, read_row
from floorcast.gateway.lens import Lens
from floorcast.operation import Act, Operation, told


@dataclass(frozen=True, slots=True)
class Portion:
    """The part of a tick that is for one lens."""

    # One for each operation that anybody with this lens is given, in order; None where its owner alone is.
    common: Sequence[bytes | None]
    # User → place in `common` → the body that he is given there.
    own: Mapping[str, Mapping[int, bytes]]

    def bodies(self) -> tuple[bytes, ...]:
        """Return what everybody with this lens is given."""
        return tuple(body for body in self.common if body is not None)

    def bodies_for(self, user: str) -> tuple[bytes, ...]:
        """Return what somebody is given, everything in its order."""
        own = self.own.get(user, {})
        merged = (own.get(place) or body for place, body in enumerate(self.common))
        return tuple(body for body in merged if body is not None)


@dataclass(slots=True)
class Portions:
    """The portions of one tick; asked for each warehouse and lens while its operations are held."""

    tick: int
    # Bodies and rows, each made once however many lenses and warehouses are given it. By the identity of operations and
    # texts: to hash a row would cost more than to cut it.
    _bodies: dict[tuple[int, Act, int, int], bytes] = field(default_factory=dict)
    _cut: dict[tuple[int, frozenset[str], frozenset[str] | None], bytes] = field(default_factory=dict)
    _read: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    _exact: dict[int, Row] = field(default_factory=dict)

    def cut(self, lens: Lens, operations: Sequence[Operation]) -> Portion:
        """Return what of a warehouse's operations is for a lens.

        Raises:
            RowMismatch: a row is not of the shape that the lens's filter was read for.
        """
        view = lens.view
        if lens.is_plain:
            return Portion([self._whole(each) for each in operations if view.reads_table(each.table)], _NO_OWN)
        common: list[bytes | None] = []
        own: dict[str, dict[int, bytes]] = {}
        for operation in operations:
            table = operation.table
            owner_column = view.owned.get(table)
            if owner_column is None and not view.reads_table(table):
                continue
            body = self._shown(lens, operation, None)
            its_owners: dict[str, bytes] = {}
            for user in self._owners(operation, owner_column) if owner_column is not None else ():
                shown = self._shown(lens, operation, user)
                if shown is not None and shown != body:
                    its_owners[user] = shown
            if body is not None or its_owners:
                for user, shown in its_owners.items():
                    own.setdefault(user, {})[len(common)] = shown
                common.append(body)
        return Portion(common, own)

    def _shown(self, lens: Lens, operation: Operation, user: str | None) -> bytes | None:
        """Return what everybody is given of an operation, or one of its owners; None for nothing."""
        before = operation.op != "enter" and self._sees(lens, operation, operation.old, user)
        after = operation.new is not None and self._sees(lens, operation, operation.new, user)
        if not before and not after:
            return None
        new = self._seen(lens, operation, operation.new, user) if after else None
        if before and after:
            if lens.columns and operation.old is not None and new == self._seen(lens, operation, operation.old, user):
                # Nothing that was asked for has changed.
                return None
            return self._body(operation, "update", new, None)
        if after:
            return self._body(operation, "enter", new, None)
        # The old row is told of one that is no more; of one that goes on elsewhere or hidden, it is nobody's business.
        old = self._seen(lens, operation, operation.old, user) if operation.by == "delete" else None
        return self._body(operation, "leave", None, old)

    def _sees(self, lens: Lens, operation: Operation, row: bytes | None, user: str | None) -> bool:
        """Whether a row, before or after, is shown to everybody or to one of its owners."""
        table = operation.table
        if not lens.view.reads_table(table) and (user is None or self._owner(lens, operation, row) != user):
            return False
        condition = lens.where.get(table)
        # A leave that is derived, without the row: who does not hold it will not miss it.
        return condition is None or row is None or bool(condition(self._reading_exactly(row)))

    def _seen(self, lens: Lens, operation: Operation, row: bytes | None, user: str | None) -> bytes | None:
        """Return what is seen of a row: hidden columns null, unless it is his own, and only what was asked for."""
        if row is None:
            return None
        table = operation.table
        hidden = lens.view.hidden.get(table, _NONE)
        if hidden and user is not None and self._owner(lens, operation, row) == user:
            hidden = _NONE
        columns = lens.columns.get(table)
        if not hidden and columns is None:
            return row
        name = (id(row), hidden, columns)
        cut = self._cut.get(name)
        if cut is None:
            cut = row if columns is None else pick(row, columns)
            cut = self._cut[name] = mask(cut, hidden) if hidden else cut
        return cut

    def _owners(self, operation: Operation, column: str) -> Iterator[str]:
        """Yield whose row it was and whose it is."""
        before = self._owner_of(operation, operation.old, column) if operation.op != "enter" else ""
        after = self._owner_of(operation, operation.new, column) if operation.new is not None else ""
        if before:
            yield before
        if after and after != before:
            yield after

    def _owner(self, lens: Lens, operation: Operation, row: bytes | None) -> str:
        column = lens.view.owned.get(operation.table)
        return "" if column is None else self._owner_of(operation, row, column)

    def _owner_of(self, operation: Operation, row: bytes | None, column: str) -> str:
        """Return whom a row names; a leave without its row may name him by the key. Empty for nobody."""
        return str(self._reading(operation.key if row is None else row).get(column) or "")

    def _reading(self, row: bytes) -> Mapping[str, Any]:
        read = self._read.get(id(row))
        if read is None:
            read = self._read[id(row)] = orjson.loads(row)
        return read

    def _reading_exactly(self, row: bytes) -> Row:
        read = self._exact.get(id(row))
        if read is None:
            read = self._exact[id(row)] = read_row(row)
        return read

    def _whole(self, operation: Operation) -> bytes:
        old = operation.old if operation.by == "delete" else None
        return self._body(operation, operation.op, operation.new, old)

    def _body(self, operation: Operation, op: Act, new: bytes | None, old: bytes | None) -> bytes:
        name = (id(operation), op, id(new), id(old))
        body = self._bodies.get(name)
        if body is None:
            body = self._bodies[name] = told(self.tick, operation, op=op, new=new, old=old)
        return body


_NONE: frozenset[str] = frozenset()
_NO_OWN: Mapping[str, Mapping[int, bytes]] = {}
