"""Which picture a join asks for (pure): each table as its topic shows it to whoever joins."""

from typing import Literal

from floorcast.access.grants import SERVICE_ROLE
from floorcast.database.caller import Caller
from floorcast.database.picture_request import PictureRequest, TableRead
from floorcast.gateway.audience import Member
from floorcast.gateway.hub import Hub
from floorcast.gateway.joining import Joining

_NONE: frozenset[str] = frozenset()


def picture_request(member: Member, joining: Joining, hub: Hub) -> PictureRequest:
    """Return the request for the picture with which a joining begins."""
    selection, who = member.audience.selection, member.subscriber
    lens, view = selection.lens, selection.lens.view
    role: Literal["authenticated", "service_role"] = "service_role" if who.role == SERVICE_ROLE else "authenticated"
    conditions = dict(lens.asked.where)
    tables: list[TableRead] = []
    for table in sorted(joining.keys):
        shape = hub.shapes.get(table)
        if shape is None:
            # It was tracked a moment ago; once it is known what it looks like, whoever follows it reads again.
            continue
        columns = lens.columns.get(table)
        tables.append(
            TableRead(
                table,
                shape,
                None if columns is None else tuple(name for name in shape.columns if name in columns),
                conditions.get(table),
                joining.request.recent.get(table),
                view.hidden.get(table, _NONE),
                view.owned.get(table),
                view.reads_table(table),
            )
        )
    organization = hub.law.organization_of(selection.warehouse) or ""
    return PictureRequest(Caller(role, who.claims), who.user, selection.warehouse, organization, tuple(tables))
