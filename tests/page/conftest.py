"""A window for the page's modules. The tests of a file share a browser and its loop; none shares a window."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from tests.fixtures.page import Screen, a_browser, serve_page, windows


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Any]:
    """One for the tests of a file, which have to run on the module's loop."""
    async with a_browser() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def empty_page() -> AsyncIterator[str]:
    """The address of a page that may import the page's modules; nothing else is behind it."""
    async with serve_page() as url:
        yield url


@pytest_asyncio.fixture(loop_scope="module")
async def screen(browser: Any, empty_page: str) -> AsyncIterator[Screen]:
    """A window of one's own, at the empty page: modules are loaded anew in each."""
    async with windows(browser) as new_screen:
        screen = await new_screen()
        await screen.page.goto(empty_page)
        yield screen
