from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Page

from tests.acceptance.conftest import add_people
from tests.oauth.clients.house import House, authority
from tests.support import databases
from tests.support.chromium import browser

__all__ = ["browser"]


@pytest.fixture(scope="session")
def house(tmp_path_factory) -> Iterator[House]:
    """One authority for all of them."""
    home = tmp_path_factory.mktemp("house")
    url = asyncio.run(databases.new_sqlite(home, home / "template.db"))
    add_people(url, root="admin member")
    with authority(url, home) as house:
        yield house


@pytest.fixture
async def page(browser) -> AsyncIterator[Page]:
    """A browser that knows nobody yet."""
    context = await browser.new_context()
    page = await context.new_page()
    page.set_default_timeout(30_000)
    yield page
    await context.close()
