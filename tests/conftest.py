"""What every test can ask for: a clock, an empty database of each kind, an authority, people."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.settings import Settings
from tests.support import databases, declared, people, unavailable
from tests.support.clock import Clock

MEMORY = Path("/dev/shm")
ENOUGH = 2 * 1024**3  # bytes; a whole run holds a few hundred MiB at once
TEMPORARY = "PYTEST_DEBUG_TEMPROOT"  # where pytest makes its directories


def pytest_configure() -> None:
    """Temporary files go into memory, where there is enough: SQLite waits for its disk at every commit."""
    # A connection that asyncpg gives up while it asks for TLS leaves an exception that nobody reads, and anyio's
    # runner raises it in whichever test comes next. Tests of TLS say so in their URL.
    os.environ.setdefault("PGSSLMODE", "disable")
    if TEMPORARY not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ[TEMPORARY] = str(MEMORY)


def pytest_xdist_auto_num_workers() -> int | None:
    """Three processes on two cores: tests wait for half of their time, for a database, a browser, another process."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # as xdist reads it
    return (os.cpu_count() or 1) * 3 // 2


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is loaded to find the tests stays: the garbage collector need not look through it, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything is required to be there, a skipped test is a failed one, but for what cannot be had."""
    report = yield
    required = os.environ.get("OSTIARY_TEST_REQUIRE") == "all"
    if report.skipped and required and not hasattr(report, "wasxfail") and not unavailable.excuses(report):
        report.outcome = "failed"
    return report


def pytest_sessionfinish() -> None:
    """Each process of a test run removes the databases that it made."""
    if databases.made_any():
        asyncio.run(databases.drop_template())


@pytest.fixture(scope="session", autouse=True)
def _watched() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr("ostiary.http.app.api_routes", declared.watched_routes)
        yield


@pytest.fixture(autouse=True)
def _all_is_declared(_watched: None) -> Iterator[None]:
    """No operation answers with an error or a header that its contract does not declare."""
    declared.seen.clear()
    yield
    assert declared.seen == []


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request, anyio_backend, tmp_path, tmp_path_factory) -> AsyncIterator[str]:
    """An empty, migrated database; each test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        yield await databases.new_sqlite(tmp_path, tmp_path_factory.getbasetemp() / "template.db")
        return
    if not databases.postgres_answers():
        databases.skip(f"no PostgreSQL at {databases.POSTGRES}")
    url = await databases.new_postgres()
    yield url
    await databases.drop_postgres(url)


@pytest.fixture
def settings(database_url) -> Settings:
    return Settings(
        database_url=database_url,
        browser_idle=timedelta(days=60),  # tests are about other limits; those about this one say theirs
        **people.CHEAP_PASSWORDS,
    )


@pytest.fixture
async def authority(settings, clock) -> AsyncIterator[Authority]:
    async with Authority(settings, clock=clock) as authority:
        yield authority


@pytest.fixture
def make_authority(settings, clock):
    """Another node on the same database, with other settings if wanted: `async with make_authority(...) as node`."""
    return lambda **changes: Authority(replace(settings, **changes), clock=clock)


@pytest.fixture
def operator() -> Caller:
    return Caller.operator("tests")
