"""One browser and one site for all who share them; and the whole application without a network, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from ostiary.application import create_app
from ostiary.authority import Authority
from ostiary.settings import Settings
from tests.support import databases
from tests.support.chromium import browser
from tests.support.clock import Clock
from tests.support.people import CHEAP_PASSWORDS, SERVED_PASSWORDS
from tests.support.processes import Server
from tests.web.crawl import crawl
from tests.web.surfer import Surfer
from tests.web.visitors import Site, Visitors

__all__ = ["browser"]


@pytest.fixture(scope="session")
async def site(anyio_backend, tmp_path_factory) -> AsyncIterator[Site]:
    """A server process on SQLite, with the default policy."""
    async for site in serve(tmp_path_factory.mktemp("site")):
        yield site


async def serve(home: Path, *options: str) -> AsyncIterator[Site]:
    """A server process on an empty SQLite database."""
    url = await databases.new_sqlite(home, home / "template.db")
    settings = Settings(database_url=url, **SERVED_PASSWORDS)
    server = Server(url, home, *options).start()
    try:
        async with Authority(settings) as authority:
            yield Site(server, authority)
    finally:
        server.stop()


@pytest.fixture
async def visitors(browser, site, tmp_path) -> AsyncIterator[Visitors]:
    visitors = Visitors(browser, site, tmp_path)
    yield visitors
    await visitors.leave()


@pytest.fixture
async def surfer(settings, clock) -> AsyncIterator[Surfer]:
    """The application itself, asked without a network and without a browser's kindness."""
    async with surfing(settings, clock) as surfer:
        yield surfer


@asynccontextmanager
async def surfing(settings: Settings, clock: Clock) -> AsyncIterator[Surfer]:
    async with create_app(settings, clock=clock) as app:
        transport = httpx2.ASGITransport(app, client=("203.0.113.7", 50_000))
        async with httpx2.AsyncClient(transport=transport, base_url="https://auth.example.test") as client:
            yield Surfer(client, app.authority)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def crawled(request, anyio_backend, tmp_path_factory) -> AsyncIterator[list[httpx2.Response]]:
    """Every answer of a walk through all pages and acts: for tests that only look at answers."""
    if request.param == "postgresql" and not databases.postgres_answers():
        databases.skip(f"no PostgreSQL at {databases.POSTGRES}")
    home = tmp_path_factory.mktemp("crawl")
    is_sqlite = request.param == "sqlite"
    url = await databases.new_sqlite(home, home / "template.db") if is_sqlite else await databases.new_postgres()
    settings = Settings(database_url=url, **CHEAP_PASSWORDS)
    async with surfing(settings, Clock()) as surfer:
        await crawl(surfer)
        yield surfer.answers
    if not is_sqlite:
        await databases.drop_postgres(url)
