"""Settings for commands beside a running `floorcast up`: what the environment does not name is looked for there."""

from floorcast.embedded.home import default_home
from floorcast.embedded.running import find_running
from floorcast.errors import SettingsError
from floorcast.settings import Settings, load_settings


def reach_settings() -> Settings:
    """Return the settings, completed by the servers that `floorcast up` runs here, if DATABASE_URL is not set.

    Raises:
        SettingsError: a setting is wrong.
    """
    settings = load_settings()
    if settings.database_url is not None:
        return settings
    running = find_running(settings.home or default_home())
    return load_settings(
        database_url=running.service_url,
        owner_database_url=settings.owner_database_url or running.owner_url,
        redis_url=settings.redis_url or running.redis_url,
        jwt_secret=settings.jwt_secret or running.jwt_secret,
    )


def reach_database() -> str:
    """Return the URL of the database that a command works on.

    Raises:
        SettingsError: none is named, and no `floorcast up` runs here.
    """
    url = reach_settings().database_url
    if url is None:
        raise SettingsError(
            "DATABASE_URL is not set, and no `floorcast up` of yours runs here (FLOORCAST_HOME says where to look). "
            "Start one, or name a database."
        )
    return url
