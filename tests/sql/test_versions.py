"""That the tests in this folder run where they say."""

from tests.sql.plant import Connection, value


def test_the_server_is_of_the_version_in_the_tests_name(owner: Connection, postgres_version: int) -> None:
    """Else three runs on one server would look like three versions."""
    assert value(owner, "select current_setting('server_version_num')::int / 10000 as major") == postgres_version
