"""LISTEN on PostgreSQL: hears within a moment that another node has committed something. A hint; the feed polls anyway.

A pooler in transaction mode does not carry it, and a connection may be lost without a word: then only time is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import asyncpg
import structlog

from ostiary.storage.database import CONNECT_TIMEOUT, Database

CHANNEL: Final = "ostiary_feed"
RECONNECT: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds before each further try

log = structlog.get_logger(__name__)


async def listen(database: Database, wake: Callable[[], None]) -> None:
    """Call `wake` for every wake-up by others, and after each connection, as some may have been missed.

    Runs until cancelled.
    """
    dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    failures = 0
    while True:
        try:
            await _hear(dsn, database.id, wake)
            failures = 0
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as why:
            log.warning("feed.not_listening", error=type(why).__name__)
        await asyncio.sleep(RECONNECT[min(failures, len(RECONNECT) - 1)])
        failures += 1


async def _hear(dsn: str, own: str, wake: Callable[[], None]) -> None:
    lost = asyncio.Event()
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT)
    try:
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(CHANNEL, lambda _, pid, channel, sender: wake() if sender != own else None)
        wake()
        await lost.wait()
    finally:
        with contextlib.suppress(Exception):
            connection.terminate()
