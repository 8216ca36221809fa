"""The composition root: the one file where concrete things meet."""

import asyncio
import contextlib
import gc
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import SystemRandom
from typing import Self

from floorcast.access.claims import TokenVerifier
from floorcast.access.keys import PublishedKeys
from floorcast.database.channel_messages import MessageReader
from floorcast.database.channel_rights import ChannelRightsReader
from floorcast.database.consumers import ConsumerBook
from floorcast.database.lookout import Lookout
from floorcast.database.pages import Room
from floorcast.database.past import TrailReader
from floorcast.database.spool import Spooler
from floorcast.database.warehouses import WarehouseReader
from floorcast.database.webhooks import WebhookBook
from floorcast.errors import SettingsError
from floorcast.gateway.aviary import Aviary
from floorcast.gateway.canary import Canary
from floorcast.gateway.channels.announcer import RoomAnnouncer
from floorcast.gateway.channels.house import House
from floorcast.gateway.channels.rights import PolicyRights
from floorcast.gateway.follower import STALE_SECONDS, Standing
from floorcast.gateway.gateway import Gateway, Past
from floorcast.gateway.pages import Pages
from floorcast.gateway.pictures import Pictures
from floorcast.gateway.schema_watch import SchemaWatch
from floorcast.gateway.shared_trail import SharedTrail
from floorcast.gateway.table_schemas import TableSchemas
from floorcast.gateway.trail import PostgresTrail
from floorcast.gateway.webhooks.address import Reach
from floorcast.gateway.webhooks.couriers import Couriers
from floorcast.gateway.webhooks.desk import WebhookDesk
from floorcast.gateway.webhooks.sender import Sender
from floorcast.gateway.webhooks.shelf import Shelf
from floorcast.http.application import build_application
from floorcast.http.metrics import Metrics
from floorcast.http.readiness import GatewayHealth
from floorcast.journal import keep_journal
from floorcast.lifecycle import DRAIN_SECONDS, allow_files, run_parts, run_process
from floorcast.observe import watch
from floorcast.relay.relay import Relay
from floorcast.settings import Settings
from floorcast.stream.broadcasts import BroadcastLine
from floorcast.stream.feed import FeedPublisher, FeedReader
from floorcast.stream.logs import LogReader
from floorcast.stream.memory import ShortMemory
from floorcast.stream.presence import PresenceBoard
from floorcast.upkeep.jobs import due_jobs
from floorcast.upkeep.upkeep import Upkeep

_OTHER_FILES = 256
"""What a gateway opens besides sockets: the listener, Postgres, Redis, the page's files, requests under way."""


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
        # It never ends by itself; if it does, what ended it must end the process, which is then started anew.
        task.add_done_callback(lambda _: stop.set())
        await stop.wait()
        # A tick that is cut short here is either durable or was never closed; the next leader sees which.
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    keep_journal(settings.log_format)
    return run_process("relay", main)


def run_gateway(settings: Settings) -> int:
    """Run a gateway until a signal; give back the exit code."""
    _urls(settings)
    room = allow_files(settings.sockets + _OTHER_FILES) - _OTHER_FILES
    settings = settings.model_copy(update={"sockets": max(1, min(settings.sockets, room))})
    metrics = Metrics()
    keep_journal(settings.log_format)
    watch(metrics.count)
    return run_process(
        "gateway",
        lambda stop: serve_gateway(settings, metrics, stop),
        drain_seconds=DRAIN_SECONDS + settings.drain_seconds,
    )


def run_upkeep(settings: Settings) -> int:
    """Run the jobs that time makes due until a signal; give back the exit code."""
    if settings.database_url is None:
        raise SettingsError(
            "DATABASE_URL must be set to run this process by itself; "
            "`floorcast up` starts an embedded server and sets it."
        )
    jobs = due_jobs(settings.escalate_hours, settings.message_hours)
    upkeep = Upkeep(settings.database_url, jobs, every_seconds=settings.maintain_seconds)
    keep_journal(settings.log_format)
    return run_process("maintain", lambda stop: run_parts(stop, maintain=upkeep.run))


async def serve_gateway(settings: Settings, metrics: Metrics, stop: asyncio.Event) -> None:
    """Serve sockets and HTTP on the port until `stop` is set, then send everybody elsewhere."""
    database_url, redis_url = _urls(settings)
    keys = PublishedKeys(settings.jwks_url) if settings.jwks_url else None
    secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
    verifier = TokenVerifier(
        secret=secret,
        keys=keys,
        audience=settings.jwt_audience,
        grace_seconds=settings.token_grace_seconds,
        publishable=settings.known_publishable_keys,
    )
    trail, feed, warehouses = PostgresTrail(database_url), FeedReader(redis_url), WarehouseReader(database_url)
    board, line = PresenceBoard(redis_url), BroadcastLine(redis_url)
    policies, messages = ChannelRightsReader(database_url), MessageReader(database_url)
    memory = ShortMemory(redis_url)
    house = House(rights=PolicyRights(policies), messages=messages, line=line, memory=memory)
    standing, lookout = Standing(), Lookout(database_url)
    aviary = Aviary(Canary(settings.canary_seconds, SystemRandom()), lookout.touch_canary, standing.is_fresh)
    health = GatewayHealth(
        standing, postgres=lookout.ping, redis=feed.newest, canary=aviary.verdict, stale_seconds=STALE_SECONDS
    )
    schemas = TableSchemas(lookout.described, time.monotonic)
    webhooks, consumers = Webhooks.of(settings), ConsumerBook(database_url)
    application = build_application(
        settings=settings,
        warehouses=warehouses,
        verifier=verifier,
        health=health,
        metrics=metrics,
        announcer=RoomAnnouncer(house.rooms, house.rights),
        schemas=schemas,
        consumers=consumers,
        webhooks=webhooks.desk,
    )
    await warehouses.open()
    await policies.open()
    await messages.open()
    await webhooks.book.open()
    await consumers.open()
    # What start-up made lives to the end; without this the collector walks through all of it again and again, and each
    # walk is a pause that every screen sees.
    gc.collect()
    gc.freeze()
    fetching = asyncio.create_task(keys.run(), name="keys") if keys is not None else None
    try:
        async with open_past(settings) as past:
            gateway = Gateway(
                settings=settings,
                trail=trail,
                feed=feed,
                past=past,
                verifier=verifier,
                application=application,
                house=house,
                board=board,
                standing=standing,
            )
            schemas.views = gateway.views_of
            schema = SchemaWatch(lookout.schema, gateway.reshape)
            gateway.tell(aviary)
            gateway.tell(schema)
            gateway.tell(webhooks.couriers)
            parts = {"canary": aviary.run, "schema": schema.run, "webhooks": webhooks.couriers.run}
            await run_parts(stop, gateway=gateway.run, **parts)
    finally:
        if fetching is not None:
            fetching.cancel()
        await warehouses.close()
        await policies.close()
        await messages.close()
        await webhooks.aclose()
        await consumers.close()
        await line.aclose()
        await memory.aclose()
        await board.aclose()
        await feed.aclose()
        await trail.aclose()
        await lookout.aclose()


@asynccontextmanager
async def open_past(settings: Settings) -> AsyncIterator[Past]:
    """Everything that one gateway does not remember itself; what is being read ends with it."""
    database_url, redis_url = _urls(settings)
    logs, trail = LogReader(redis_url), TrailReader(database_url)
    room = Room(settings.spool_bytes, settings.spool_bytes // 8)
    spooler = Spooler(database_url, room=room, most_bytes=settings.picture_bytes, seconds=settings.picture_seconds)
    pictures = Pictures(spooler, keep_seconds=settings.picture_keep_seconds)
    pages = Pages(logs, trail, most_bytes=settings.memory_bytes)
    shared = SharedTrail(trail, most_bytes=settings.memory_bytes)
    await trail.open()
    await spooler.open()
    try:
        yield Past(pages, shared, pictures)
    finally:
        await pages.aclose()
        await shared.aclose()
        await pictures.close()
        await spooler.close()
        await trail.close()
        await logs.aclose()


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What a gateway has for consumers that are posted to."""

    book: WebhookBook
    sender: Sender
    couriers: Couriers
    desk: WebhookDesk

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Put them together; nothing is opened."""
        database_url, _ = _urls(settings)
        reach = Reach(settings.webhook_networks, settings.webhook_port_ranges)
        sender = Sender(reach, seconds=settings.webhook_seconds, connections=settings.webhooks_at_once)
        book = WebhookBook(database_url)
        shelf = Shelf(book, f"{socket.gethostname()}:{os.getpid()}", lease_seconds=settings.webhook_lease_seconds)
        couriers = Couriers(
            shelf, shelf.line, sender, reach=reach, most_bytes=settings.webhook_bytes, random=SystemRandom()
        )
        key_seconds = round(settings.webhook_key_hours * 3_600)
        desk = WebhookDesk(book, sender, reach=reach, key_seconds=key_seconds, look=couriers.look)
        return cls(book, sender, couriers, desk)

    async def aclose(self) -> None:
        """End connections to receivers and to Postgres."""
        await self.sender.aclose()
        await self.book.close()


def _urls(settings: Settings) -> tuple[str, str]:
    if settings.database_url is None or settings.redis_url is None:
        raise SettingsError(
            "DATABASE_URL and REDIS_URL must both be set to run this process by itself; "
            "`floorcast up` starts embedded servers and sets them."
        )
    return settings.database_url, settings.redis_url
