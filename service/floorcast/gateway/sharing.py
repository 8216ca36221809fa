"""Whether somebody may be given a picture that was read in another's name (pure).

The request says under which view both of them asked. The picture's snapshot may be ahead of the gateway that compared
the views: its reader's access may have been withdrawn in it, and then he was shown nothing. So the law as the snapshot
has it must give the reader that very view, or the picture is his alone.
"""

from floorcast.access.grants import SERVICE_ROLE
from floorcast.access.policy import EVERYTHING, Policy
from floorcast.database.picture_request import LawAtSnapshot, PictureRequest


def may_be_shared(request: PictureRequest, law: LawAtSnapshot) -> bool:
    """Whether a picture is what its reader's view shows, by the law of its own snapshot."""
    if law.role is None or law.organization != request.organization:
        return False
    view = EVERYTHING if law.role == SERVICE_ROLE else Policy(law.rules).view(law.role)
    for read in request.tables:
        if view.reads_table(read.table) != read.reads:
            return False
        hidden = view.hidden.get(read.table, frozenset())
        if read.reads and hidden & read.looked_at != read.masked:
            return False
        if read.is_personal and view.owned.get(read.table) != read.owner:
            return False
    return True
