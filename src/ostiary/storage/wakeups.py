"""LISTEN on PostgreSQL: hears within a moment that another node has committed something. A hint; the feed polls anyway.

A pooler in transaction mode does not carry it, and a connection may be lost without a word: then only time is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from ostiary.errors import StoreUnavailable
from ostiary.storage.postgres import Postgres

CHANNEL: Final = "ostiary_feed"


async def listen(postgres: Postgres, own: str, wake: Callable[[], None]) -> None:
    """Call `wake` for every wake-up by others, and once connected, as some may have been missed.

    Args:
        own: the `Database.id` whose wake-ups are our own.

    Raises:
        StoreUnavailable: no connection could be made, or it was lost.
        asyncpg.PostgresError, asyncpg.InterfaceError, OSError: it may not listen.
    """
    lost = asyncio.Event()
    connection = await postgres.connect()
    try:
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(CHANNEL, lambda _, pid, channel, sender: wake() if sender != own else None)
        wake()
        await lost.wait()
    finally:
        with contextlib.suppress(Exception):
            connection.terminate()
    raise StoreUnavailable(cause="the connection was lost")
