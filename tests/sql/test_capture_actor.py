"""Who did it: every change names an actor."""

import json

import psycopg
import pytest
from tests.sql.plant import Connection, Plant, acting_as, add_order
from tests.sql.trail import changes


def test_a_person_is_named_by_the_sub_of_their_claims(owner: Connection, plant: Plant) -> None:
    """However the statement reached us, the token's person did it; triggers that follow from it included."""
    technician = plant.people["technician"]
    order = add_order(owner, plant.north)
    with acting_as(owner, technician):
        owner.execute("update public.work_orders set status = 'in_progress' where id = %s", [order])
    assert changes(owner, "work_orders", "actor")[-1] == str(technician)
    assert changes(owner, "work_order_timeline", "actor")[-1] == str(technician)


def test_claims_in_their_older_form_name_the_person_too(bins: Connection) -> None:
    """One setting for each claim, as older gateways to Postgres make them; who may write under them is somebody."""
    bins.execute("select set_config('request.jwt.claim.sub', 'anna', false)")
    bins.execute("insert into bins values (1)")
    bins.execute("select set_config('request.jwt.claim.sub', '', false)")
    bins.execute("insert into bins values (2)")
    assert changes(bins, "bins", "actor") == ["anna", "system:postgres"]


def test_claims_end_with_their_transaction(owner: Connection, plant: Plant) -> None:
    """The next one on the same pooled connection is not the same person's."""
    with acting_as(owner, plant.people["technician"]):
        pass
    owner.execute("update public.equipment set name = 'Mill'")
    assert changes(owner, "equipment", "actor")[-1] == "system:postgres"


def test_without_claims_it_is_the_role_that_the_session_acts_as(owner: Connection, bins: Connection) -> None:
    """`set role` counts, as rights do."""
    bins.execute("insert into bins values (1)")
    owner.execute("grant insert on bins to service_role")
    owner.execute("set role service_role")
    owner.execute("insert into bins values (2)")
    owner.execute("reset role")
    assert changes(owner, "bins", "actor") == ["system:postgres", "system:service_role"]


def test_claims_that_name_nobody_are_the_role_again(bins: Connection) -> None:
    """Never null, never empty."""
    for key, claims in enumerate(("", "{}", '{"sub": null}', '{"sub": ""}', "null", "[]")):
        bins.execute("select set_config('request.jwt.claims', %s, false)", [claims])
        bins.execute("insert into bins values (%s)", [key])
    assert set(changes(bins, "bins", "actor")) == {"system:postgres"}


def test_claims_that_cannot_be_read_fail_the_write(bins: Connection) -> None:
    """Somebody claims to be somebody and we cannot tell whom: better no change than one of nobody's."""
    bins.execute("select set_config('request.jwt.claims', 'garbage', false)")
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        bins.execute("insert into bins values (1)")


def test_an_actor_is_written_as_it_is(bins: Connection) -> None:
    """Whatever a token says."""
    name = "o'hara\"; drop table bins; --"
    bins.execute("select set_config('request.jwt.claims', %s, false)", [json.dumps({"sub": name})])
    bins.execute("insert into bins values (1)")
    assert changes(bins, "bins", "actor") == [name]
