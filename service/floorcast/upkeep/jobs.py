"""Which jobs there are, what each is given, and what is observed of its result. Decides; calls nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from floorcast.observe import AccessEnded, Event, MaintenanceDue, MessagesForgotten, WorkOrdersEscalated

MOST = 100
"""Orders of one transaction: its locks are held for a moment, and a run that is killed loses little."""


@dataclass(frozen=True, slots=True)
class Job:
    """A function of the database that says how much it did."""

    # A name of jobs.sql.
    name: str
    # What is told when it did something; None: nobody need know.
    told: Callable[[int], Event] | None
    parameters: Mapping[str, object] = field(default_factory=dict)
    # It did as much as it does in one call: there may be more.
    full: int | None = None

    def has_more(self, done: int) -> bool:
        """Whether to call it again at once."""
        return self.full is not None and done >= self.full


def due_jobs(escalate_hours: float, message_hours: float) -> tuple[Job, ...]:
    """The jobs of one round, in order. Access first: whoever's time is over is not to be told of anything more.

    Args:
        escalate_hours: how long a work order may lie untouched; 0: for ever.
        message_hours: how long messages of rooms are kept; 0: for ever.
    """
    jobs = [
        Job("end_expired_access", AccessEnded, full=1000),
        Job("create_due_work_orders", MaintenanceDue, {"most": MOST}, full=MOST),
    ]
    if escalate_hours > 0:
        jobs.append(Job("escalate_work_orders", WorkOrdersEscalated, {"hours": escalate_hours}))
    # Each day is made before it comes: one that began in the default partition cannot get its own any more.
    jobs.append(Job("extend_messages", None))
    if message_hours > 0:
        jobs.append(Job("forget_messages", MessagesForgotten, {"hours": message_hours}, full=10_000))
    return tuple(jobs)
