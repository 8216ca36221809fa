"""What is said about sockets is said about the product's loop; and an installation with gateways of their own."""

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from tests.fixtures.installation import Installation
from tests.fixtures.postgres import Database
from tests.fixtures.receiver import a_receiver
from tests.fixtures.relay import a_relay, running

from floorcast.factory import demo


def pytest_asyncio_loop_factories(
    config: pytest.Config,  # noqa: ARG001 — pytest's signature
    item: pytest.Item,  # noqa: ARG001 — pytest's signature
) -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Run every test of this folder on uvloop, as `lifecycle.run_process` does."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def installation(database: Database, redis_url: str, tmp_path: Path) -> AsyncIterator[Installation]:
    """Everything but gateways runs."""
    await asyncio.to_thread(demo.load, database.owner_url)
    async with a_receiver() as receiver, running(a_relay(database.service_url, redis_url)):
        made = Installation(database, redis_url, tmp_path, receiver)
        try:
            yield made
        finally:
            made.end()
