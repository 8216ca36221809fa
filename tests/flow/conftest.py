"""What is said about sockets is said about the product's loop."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping

import pytest
import uvloop


def pytest_asyncio_loop_factories(
    config: pytest.Config,  # noqa: ARG001 — pytest's signature
    item: pytest.Item,  # noqa: ARG001 — pytest's signature
) -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Run every test of this folder on uvloop, as `lifecycle.run_process` does."""
    return {"uvloop": uvloop.new_event_loop}
