"""The composition root: the one file where concrete things meet."""

import asyncio
import contextlib

from floorcast.errors import SettingsError
from floorcast.journal import keep_journal
from floorcast.lifecycle import run_process
from floorcast.relay.relay import Relay
from floorcast.settings import Settings
from floorcast.stream.feed import FeedPublisher


def run_relay(settings: Settings) -> int:
    """Run a relay until a signal; give back the exit code."""
    database_url, redis_url = _urls(settings)
    relay = Relay(
        database_url,
        lambda: FeedPublisher(redis_url),
        adaptive=settings.doorbell == "adaptive",
        feed_bytes=settings.feed_bytes,
    )

    async def main(stop: asyncio.Event) -> None:
        task = asyncio.create_task(relay.run(), name="relay")
        await stop.wait()
        # A tick that is cut short here is either durable or was never closed; the next leader sees which.
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    keep_journal(settings.log_format)
    return run_process("relay", main)


def _urls(settings: Settings) -> tuple[str, str]:
    if settings.database_url is None or settings.redis_url is None:
        raise SettingsError(
            "DATABASE_URL and REDIS_URL must both be set to run this process by itself; "
            "`floorcast up` starts embedded servers and sets them."
        )
    return settings.database_url, settings.redis_url
