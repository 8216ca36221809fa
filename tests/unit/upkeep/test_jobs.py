"""Which jobs a round has, and when one of them is called again."""

from floorcast.observe import AccessEnded, MaintenanceDue, WorkOrdersEscalated
from floorcast.upkeep.jobs import MOST, due_jobs


def test_access_ends_before_anything_is_told() -> None:
    """Whoever's time is over hears nothing more."""
    jobs = due_jobs(48)
    assert [job.name for job in jobs] == ["end_expired_access", "create_due_work_orders", "escalate_work_orders"]
    assert [job.told(3) for job in jobs] == [AccessEnded(3), MaintenanceDue(3), WorkOrdersEscalated(3)]
    assert jobs[2].parameters == {"hours": 48}


def test_a_plant_may_do_without_escalation() -> None:
    """0 hours would escalate everything at once; it means that nothing is."""
    assert "escalate_work_orders" not in [job.name for job in due_jobs(0)]


def test_a_job_that_did_as_much_as_it_does_in_one_call_is_called_again() -> None:
    """The orders of a Monday morning should not take until Monday night."""
    _, orders, escalation = due_jobs(48)
    assert orders.has_more(MOST)
    assert not orders.has_more(MOST - 1)
    assert not escalation.has_more(100_000)
