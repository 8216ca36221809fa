"""Sessions of a fresh database, and a plant in it. Fixtures of `tests/fixtures` give the database."""

from collections.abc import Iterator

import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, Plant, build_plant, connect


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
