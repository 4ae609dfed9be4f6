"""The engine, and the transaction that every act runs in."""

from __future__ import annotations

import asyncio
import inspect
import random
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import update_wrapper
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeAlias, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine import Connection as SyncConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ostiary.core.event import Event
from ostiary.errors import ConfigurationError, StoreUnavailable

Connection: TypeAlias = AsyncConnection  # what a verb passes to the statements it runs

CONNECT_TIMEOUT: Final = 5  # seconds
COMMAND_TIMEOUT: Final = 15  # seconds; a statement that takes longer means a store in trouble
TRANSACTION_TIMEOUT: Final = 30  # seconds from BEGIN to the last statement
IDLE_TIMEOUT: Final = 10  # seconds that PostgreSQL waits for the next statement of a node that has stopped
# No transaction lives longer, whatever happens to its node: the node sends nothing after TRANSACTION_TIMEOUT, and
# PostgreSQL itself ends the statement under way, or the silence after it.
LONGEST_TRANSACTION: Final = TRANSACTION_TIMEOUT + COMMAND_TIMEOUT + IDLE_TIMEOUT
BUSY_TIMEOUT_MS: Final = 5000  # how long SQLite waits for another process's write
POOL_SIZE: Final = 8  # connections a process keeps for acts; verification has its own
CHECK_AFTER: Final = 1.0  # seconds; a connection that was idle for longer is checked before it is used
ATTEMPTS: Final = 6  # of a transaction that the database asks us to repeat
SERIALIZATION_FAILURES: Final = {
    "40001",
    "40P01",
}  # serialization failure, deadlock: repeat the whole transaction

WRITTEN: Final = "ostiary_written"  # of `Connection.info`: the events of its transaction, for the listeners
SENDER: Final = "ostiary_sender"  # of `Connection.info`: the `Database.id` that writes
_READ_ONLY: Final = "ostiary_read_only"
_USED_AT: Final = "ostiary_used_at"


def parse_url(text: str) -> URL:
    """Read `sqlite:///path` or `postgresql://…`; the driver is ours to choose.

    Raises:
        ConfigurationError: another kind of database, or no URL. The text is not repeated: it may hold a password.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigurationError("database_url: write sqlite:///path or postgresql://user@host/name") from None
    backend = url.get_backend_name()
    if backend == "sqlite":
        if not url.database or url.database == ":memory:" or url.query:
            raise ConfigurationError("database_url: SQLite needs a file, such as sqlite:///ostiary.db")
        return url.set(drivername="sqlite+aiosqlite")
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+asyncpg")
    raise ConfigurationError(f"database_url: {backend} is not supported; use sqlite or postgresql")


class Database:
    """One database, seen from one process.

    Attributes:
        id: of this view of it, random; a wake-up names its sender by it.
    """

    def __init__(self, url: str) -> None:
        """Name a database; nothing is opened yet.

        Raises:
            ConfigurationError: not a URL of a database that we speak to.
        """
        self.id = secrets.token_hex(8)
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        # PostgreSQL shows each statement what is committed by then, in a transaction or not; without one, BEGIN and
        # ROLLBACK need not travel.
        options: dict[str, Any] = {_READ_ONLY: True} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reading = self.engine.execution_options(**options)
        options = {_READ_ONLY: True} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reading_through = self.engine.execution_options(**options)
        # SQLite has one writer at a time. Waiting here is fair and cheap; waiting in SQLite polls and may starve.
        self._writer = asyncio.Lock()
        # Called with the events of each transaction of this process, after it has committed; must not fail.
        self.listeners: list[Callable[[Sequence[Event]], None]] = []

    @asynccontextmanager
    async def transaction(self, within: float | None = TRANSACTION_TIMEOUT) -> AsyncIterator[AsyncConnection]:
        """One transaction that may write. Leaving it commits, an exception rolls back.

        Args:
            within: seconds that it may take; None for the schema's own migrations only.

        Raises:
            StoreUnavailable: the database did not answer, was lost on the way, or took too long.
        """
        written: list[Event] = []
        with _store_errors():
            if self.is_sqlite:
                async with self._writer, self.engine.begin() as connection:
                    connection.info[WRITTEN] = written
                    yield connection
            else:
                async with self.engine.connect() as connection, asyncio.timeout(within), connection.begin():
                    connection.info[WRITTEN], connection.info[SENDER] = written, self.id
                    yield connection
        for listener in self.listeners:
            listener(written)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading; it never waits for a writer. It sees what was committed before it.

        On PostgreSQL that holds for each statement by itself.

        Raises:
            StoreUnavailable: as above.
        """
        with _store_errors():
            async with self._reading.connect() as connection:
                yield connection

    @asynccontextmanager
    async def reading_through(self) -> AsyncIterator[AsyncConnection]:
        """As `reading`, in one transaction that sees one moment: for what is read piece by piece.

        Raises:
            StoreUnavailable: as above.
        """
        with _store_errors():
            async with self._reading_through.connect() as connection:
                yield connection

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()


class HasDatabase(Protocol):
    """What `in_transaction` needs of the object whose verb it wraps."""

    @property
    def database(self) -> Database:
        """The database that the verb's transaction is of."""


S = TypeVar("S", bound=HasDatabase)
P = ParamSpec("P")
R = TypeVar("R")


def in_transaction(
    verb: Callable[Concatenate[S, AsyncConnection, P], Awaitable[R]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, R]]:
    """Run a verb that nobody asked for, or whose credential it looks at itself, as `repeated` does.

    The verb is written with `db` as its first argument and called without.

    Raises:
        TypeError: the verb has a caller, who must be looked at inside the transaction.
    """
    if "by" in inspect.signature(verb).parameters:
        raise TypeError(f"{verb.__qualname__} has a caller: write it with `act`, which looks at them again")

    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await repeated(self.database, lambda db: verb(self, db, *args, **kwargs))

    update_wrapper(run, verb)
    return run


async def repeated(database: Database, work: Callable[[AsyncConnection], Awaitable[R]]) -> R:
    """Do some work in one transaction, and the whole of it again when the database says so (SQLSTATE 40001, 40P01)."""
    for attempt in range(1, ATTEMPTS):
        try:
            async with database.transaction() as db:
                return await work(db)
        except _Repeat:
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - spreads retries, no secret
    async with database.transaction() as db:
        return await work(db)


class _Repeat(StoreUnavailable):
    """The database asks for the whole transaction again; to the last attempt's caller it is an outage."""


class _store_errors:  # noqa: N801 - a context manager, used as a word
    """Turn what drivers raise into our own errors: lost or busy store, or a transaction to repeat."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError):
            if _sqlstate(error) in SERIALIZATION_FAILURES:
                raise _Repeat from error
            if error.connection_invalidated or isinstance(error, InterfaceError) or _is_outage(error):
                raise StoreUnavailable from error
        elif isinstance(error, OSError | PoolTimeout | TimeoutError):
            raise StoreUnavailable from error


_OUTAGES: Final = {"08", "28", "3D", "53", "57", "58"}


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)


def _is_outage(error: DBAPIError) -> bool:
    # Class 08 connection, 28 and 3D not let in, 53 resources, 57 operator intervention (also starting up), 58 system.
    state = _sqlstate(error)
    return isinstance(error, OperationalError) if state is None else state[:2] in _OUTAGES


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


def _sqlite_engine(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url,
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
        read_only = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _postgres_engine(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT,
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "command_timeout": COMMAND_TIMEOUT,
            "server_settings": {
                "statement_timeout": f"{COMMAND_TIMEOUT}s",
                "idle_in_transaction_session_timeout": f"{IDLE_TIMEOUT}s",
            },
        },
    )

    @event.listens_for(engine.sync_engine, "checkin")
    def note(_: object, record: Any) -> None:
        record.info[_USED_AT] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def look(connection: Any, record: Any, _: object) -> None:
        # A restarted store costs one check, not one failed request per connection. What was used a moment ago, and
        # whose other end has not gone, is not checked: to ask it is one more round trip.
        if record.driver_connection.is_closed():
            raise DisconnectionError
        if time.monotonic() - record.info.get(_USED_AT, -CHECK_AFTER) < CHECK_AFTER:
            return
        try:
            connection.ping()
        except Exception as why:
            raise DisconnectionError from why

    return engine
