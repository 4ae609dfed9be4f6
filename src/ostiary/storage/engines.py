"""SQLAlchemy's engines: how a connection is set up, and looked at before it is used again."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.engine import Connection as SyncConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ostiary.storage.postgres import COMMAND_TIMEOUT, Postgres, ensure_primary

POOL_TIMEOUT: Final = 5  # seconds that an act waits for a connection
IDLE_TIMEOUT: Final = 10  # seconds that PostgreSQL waits for the next statement of a node that has stopped
BUSY_TIMEOUT_MS: Final = 5000  # how long SQLite waits for another process's write
POOL_SIZE: Final = 8  # connections a process keeps for acts; verification has its own
CHECK_AFTER: Final = 1.0  # seconds; a connection whose last proof is older proves again that it leads to the primary

READ_ONLY: Final = "ostiary_read_only"  # of the execution options: a transaction that takes no lock of writers
_PROVEN_AT: Final = "ostiary_proven_at"


def sqlite_engine(file: Path) -> AsyncEngine:
    """To a file: durable, and with one writer at a time that takes its lock at once."""
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(file)),
        pool_size=POOL_SIZE,
        hide_parameters=True,  # hashes of secrets are among them, and errors are logged
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        _use_wal(connection)
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged revocation survives a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: SyncConnection) -> None:
        # IMMEDIATE takes the write lock at once: a transaction that reads first and writes later cannot fail half-way.
        read_only = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _use_wal(connection: Any) -> None:
    """Keep a log of writes. A new file takes that on while nobody else has it open; SQLite does not wait for that."""
    ends_at = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    cursor = connection.cursor()
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.close()
            return
        except sqlite3.OperationalError as why:
            if why.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends_at:
                raise
        connection.run_async(lambda _: asyncio.sleep(0.01))  # SQLAlchemy's way to wait inside an event


def postgres_engine(postgres: Postgres) -> AsyncEngine:
    """To the primary: a connection proves again that it leads there before it is used."""
    settings = {
        "statement_timeout": f"{COMMAND_TIMEOUT}s",
        "idle_in_transaction_session_timeout": f"{IDLE_TIMEOUT}s",
    }
    engine = create_async_engine(
        "postgresql+asyncpg://",  # the driver only: where to, knows `postgres`
        async_creator=lambda *_, **__: postgres.connect(settings),
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def note(_: object, record: Any) -> None:
        record.info[_PROVEN_AT] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def look(connection: Any, record: Any, _: object) -> None:
        # A restarted store costs one check, not one failed request per connection; and behind a pooler the other end
        # may have changed without a word. What was proven a moment ago, and whose other end has not gone, is not asked
        # again: to ask it is one more round trip.
        if record.driver_connection.is_closed():
            raise DisconnectionError
        if time.monotonic() - record.info.get(_PROVEN_AT, -CHECK_AFTER) < CHECK_AFTER:
            return
        try:
            connection.run_async(ensure_primary)
        except Exception as why:
            raise DisconnectionError from why
        record.info[_PROVEN_AT] = time.monotonic()

    return engine
