"""Sessions of a fresh database, and a plant in it. Fixtures of `tests/fixtures` give the database."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from tests.fixtures.postgres import Database, temporary_database
from tests.fixtures.tampering import FORGET
from tests.sql.attempts import Attempts
from tests.sql.plant import Connection, Plant, add_template, build_plant, connect
from tests.sql.world import build_world

from floorcast.embedded.postgres import EmbeddedPostgres


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    """The owner's session."""
    with connect(database.owner_url) as connection:
        yield connection


@pytest.fixture
def service(database: Database) -> Iterator[Connection]:
    """A session of the service's login, which owns nothing and inherits nothing."""
    with connect(database.service_url) as connection:
        yield connection


@pytest.fixture
def plant(owner: Connection) -> Plant:
    """A plant in the test's database."""
    return build_plant(owner)


@pytest.fixture
def monthly(owner: Connection, plant: Plant) -> UUID:
    """A template of north."""
    return add_template(owner, plant.north)


@pytest.fixture
def listener(database: Database) -> Iterator[Connection]:
    """A session that hears the bell; read it with `trail.bells`."""
    with connect(database.owner_url) as connection:
        connection.execute("listen floorcast")
        yield connection


@pytest.fixture
def bins(owner: Connection) -> Connection:
    """The owner's session, and a tracked table as small as can be: `bins`."""
    owner.execute("create table public.bins (id int primary key, warehouse_id text, label text, weight numeric)")
    owner.execute("select floorcast.track('public.bins')")
    # That a table is tracked is a change, too; here the trail begins with the bins.
    owner.execute(FORGET)
    return owner


@pytest.fixture(scope="module")
def attempts(postgres_server: EmbeddedPostgres, template: str) -> Iterator[Attempts]:
    """A world with a row of everything, for statements that are all taken back: one for the tests of a file."""
    with (
        temporary_database(postgres_server, "attempts", template=template) as database,
        connect(database.owner_url) as owner,
        connect(database.service_url) as service,
    ):
        attempts = Attempts(world=build_world(owner), owner=owner, service=service)
        attempts.install()
        yield attempts
