"""Which jobs a round has, and when one of them is called again."""

from floorcast.observe import AccessEnded, MaintenanceDue, MessagesForgotten, WorkOrdersEscalated
from floorcast.upkeep.jobs import MOST, due_jobs


def test_access_ends_before_anything_is_told() -> None:
    """Whoever's time is over hears nothing more."""
    jobs = due_jobs(48, 72)
    assert [job.name for job in jobs] == [
        "end_expired_access",
        "create_due_work_orders",
        "escalate_work_orders",
        "extend_messages",
        "forget_messages",
    ]
    told = [job.told and job.told(3) for job in jobs]
    assert told == [AccessEnded(3), MaintenanceDue(3), WorkOrdersEscalated(3), None, MessagesForgotten(3)]
    assert [jobs[index].parameters for index in (2, 4)] == [{"hours": 48}, {"hours": 72}]


def test_a_plant_may_do_without_escalation() -> None:
    """0 hours would escalate everything at once; it means that nothing is."""
    assert "escalate_work_orders" not in [job.name for job in due_jobs(0, 72)]


def test_a_site_may_keep_what_was_said() -> None:
    """0 hours would forget everything at once; days are made nevertheless."""
    assert [job.name for job in due_jobs(0, 0)][-1] == "extend_messages"


def test_a_job_that_did_as_much_as_it_does_in_one_call_is_called_again() -> None:
    """The orders of a Monday morning should not take until Monday night."""
    _, orders, escalation, _, messages = due_jobs(48, 72)
    assert orders.has_more(MOST)
    assert not orders.has_more(MOST - 1)
    assert not escalation.has_more(100_000)
    assert messages.has_more(10_000)
