"""The engine, and the transaction that every act runs in."""

from __future__ import annotations

import asyncio
import inspect
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from functools import update_wrapper
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Protocol, Self, TypeAlias, TypeVar

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ostiary.core.event import Event
from ostiary.errors import StoreUnavailable
from ostiary.settings import DEFAULT_SCHEMA, Settings
from ostiary.storage import database_url, outages
from ostiary.storage.callbacks import call_all
from ostiary.storage.engines import IDLE_TIMEOUT, READ_ONLY, postgres_engine, sqlite_engine
from ostiary.storage.naming import Naming
from ostiary.storage.postgres import COMMAND_TIMEOUT, Postgres

Connection: TypeAlias = AsyncConnection  # what a verb passes to the statements it runs

TRANSACTION_TIMEOUT: Final = 30  # seconds from BEGIN to the last statement
# No transaction lives longer, whatever happens to its node: the node sends nothing after TRANSACTION_TIMEOUT, and
# PostgreSQL itself ends the statement under way, or the silence after it.
LONGEST_TRANSACTION: Final = TRANSACTION_TIMEOUT + COMMAND_TIMEOUT + IDLE_TIMEOUT
OPENING_TIMEOUT: Final = 5  # seconds that who is cancelled waits for a connection that is being opened
WRITING_BETWEEN: Final = 2  # of them that are held at once by who opens a second one
ATTEMPTS: Final = 6  # of a transaction that the database asks us to repeat
SERIALIZATION_FAILURES: Final = {
    "40001",
    "40P01",
}  # serialization failure, deadlock: repeat the whole transaction

WRITTEN: Final = "ostiary_written"  # of `Connection.info`: the events of its transaction, for the listeners
SENDER: Final = "ostiary_sender"  # of `Connection.info`: the `Database.id` that writes


class Database:
    """One database, seen from one process.

    Attributes:
        id: of this view of it, random; a wake-up names its sender by it.
        file: of SQLite; None for PostgreSQL.
        typed: its URL for a command that somebody types; without a password.
        postgres: where connections to PostgreSQL come from, also those beside the pool; None for SQLite.
        naming: what our tables are called there.
    """

    def __init__(self, url: str, *, schema: str = DEFAULT_SCHEMA, prefix: str | None = None) -> None:
        """Name a database; nothing is opened yet.

        Args:
            schema: of our tables on PostgreSQL.
            prefix: of their names on SQLite; None for none.

        Raises:
            ConfigurationError: not a URL of a database that we speak to.
        """
        self.id = secrets.token_hex(8)
        found = database_url.read(url)
        self.file = found if isinstance(found, Path) else None
        self.typed = database_url.typed(found)
        self.postgres: Postgres | None = None
        if isinstance(found, Path):
            self.engine = sqlite_engine(found)
        else:
            self.postgres = Postgres(found)
            self.engine = postgres_engine(self.postgres)
        self.is_sqlite = self.file is not None
        self.naming = Naming(None, prefix or "") if self.is_sqlite else Naming(schema)
        event.listen(self.engine.sync_engine, "before_cursor_execute", self._name_tables, retval=True)
        # PostgreSQL shows each statement what is committed by then, in a transaction or not; without one, BEGIN and
        # ROLLBACK need not travel.
        options: dict[str, Any] = {READ_ONLY: True} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reading = self.engine.execution_options(**options)
        options = {READ_ONLY: True} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reading_through = self.engine.execution_options(**options)
        # SQLite has one writer at a time. Waiting here is fair and cheap; waiting in SQLite polls and may starve.
        self._writer = asyncio.Lock()
        self._writing_between = asyncio.Semaphore(WRITING_BETWEEN)
        # Called with the events of each transaction of this process, after it has committed.
        self.listeners: list[Callable[[Sequence[Event]], None]] = []

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The one that the settings name.

        Raises:
            ConfigurationError: as above.
        """
        return cls(settings.database_url, schema=settings.database_schema, prefix=settings.database_prefix)

    @asynccontextmanager
    async def transaction(self, within: float | None = TRANSACTION_TIMEOUT) -> AsyncIterator[AsyncConnection]:
        """One transaction that may write. Leaving it commits, an exception rolls back.

        Args:
            within: seconds that it may take; None for the schema's own migrations only.

        Raises:
            StoreUnavailable: the database did not answer, was lost on the way, or took too long.
        """
        written: list[Event] = []
        if self.is_sqlite:
            async with self._writer, _connected(self.engine) as connection, connection.begin():
                connection.info[WRITTEN] = written
                yield connection
        else:
            async with _connected(self.engine) as connection, asyncio.timeout(within), connection.begin():
                connection.info[WRITTEN], connection.info[SENDER] = written, self.id
                yield connection
        call_all(self.listeners, written)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading; it never waits for a writer. It sees what was committed before it.

        On PostgreSQL that holds for each statement by itself.

        Raises:
            StoreUnavailable: as above.
        """
        async with _connected(self._reading) as connection:
            yield connection

    @asynccontextmanager
    async def reading_through(self, *, writes_between: bool = False) -> AsyncIterator[AsyncConnection]:
        """As `reading`, in one transaction that sees one moment: for what is read piece by piece.

        Args:
            writes_between: whether transactions are opened before it is over, by a second connection. Only a few may
                do so at once, and the others wait: if all connections were held so, each would wait for another's.

        Raises:
            StoreUnavailable: as above.
        """
        turn = self._writing_between if writes_between else nullcontext()
        async with turn, _connected(self._reading_through) as connection:
            yield connection

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()

    def _name_tables(
        self, _: object, __: object, statement: str, parameters: Any, ___: object, ____: object
    ) -> tuple[str, Any]:
        return self.naming.statement(statement), parameters


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


async def _opened(held: AsyncExitStack, engine: AsyncEngine) -> AsyncConnection:
    """A connection of the pool, which `held` gives back.

    SQLite's are opened by a thread of aiosqlite's, which tells the loop when it is done and has to find it there. So
    who is cancelled meanwhile waits for that first: else a process that stops in its first moment ends with a trace.
    """
    if engine.dialect.name != "sqlite":
        return await held.enter_async_context(engine.connect())
    opening = asyncio.ensure_future(held.enter_async_context(engine.connect()))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        await asyncio.wait([opening], timeout=OPENING_TIMEOUT)
        if not opening.cancel() and not opening.cancelled():
            opening.exception()  # retrieved: whoever asked has gone
        raise


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection of the pool. What drivers raise becomes our own: an outage, or a transaction to repeat.

    A connection that told of an outage is thrown away: what is wrong with it would meet the next one who gets it.
    """
    try:
        async with AsyncExitStack() as held:
            connection = await _opened(held, engine)
            try:
                yield connection
            except DBAPIError as error:
                if outages.tells_of_an_outage(error) and not outages.is_busy(error):
                    await connection.invalidate(error)
                raise
    except DBAPIError as error:
        if outages.sqlstate(error) in SERIALIZATION_FAILURES:
            raise _Repeat(cause="it asks for the whole transaction again") from error
        if outages.tells_of_an_outage(error):
            raise outages.unavailable(error) from error
        raise
    except (OSError, PoolTimeout, TimeoutError) as error:
        raise outages.unavailable(error) from error
