"""Reads on PostgreSQL: prepared statements with an array of ids, on connections of its own.

Each of the two questions that are asked all the time has a connection to itself: to take one from a pool for every
query costs as much as the query. A list of one's own, which is asked now and then, takes one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from ostiary.core.policy import Policy
from ostiary.core.session import Session
from ostiary.errors import StoreUnavailable
from ostiary.storage.database import COMMAND_TIMEOUT, CONNECT_TIMEOUT
from ostiary.storage.found import (
    LIVE_OF_USER,
    FoundSession,
    FoundToken,
    as_session,
    as_token,
    limits,
    sessions_where,
    tokens_where,
)

POOL_SIZE: Final = 2  # connections for lists
SETTINGS: Final = {"default_transaction_read_only": "on"}
# Every read here is of a few rows by their keys, so the plan by the indexes is right at every size of the tables, and
# need not be looked for again: on a small table the planner took 120 us a query to find a worse one.
PLANS: Final = """
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off
"""
_GONE = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError)
_FAILED = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class PostgresReader:
    """Reads by asyncpg."""

    lanes = 1  # queries of one kind under way at once: what comes meanwhile travels together, which costs less

    def __init__(self, dsn: str) -> None:
        """Name the database; it is connected to at the first question."""
        self._dsn = dsn
        self._sessions = _Question(dsn, sessions_where("sessions.id = ANY($1)"))
        self._tokens = _Question(dsn, tokens_where("cli_tokens.id = ANY($1)"))
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def sessions(self, ids: Sequence[str]) -> dict[str, FoundSession]:
        """As `Reader.sessions`."""
        return {row[1]: as_session(row, _from_binary) for row in await self._sessions.ask(ids)}

    async def tokens(self, ids: Sequence[str]) -> dict[str, FoundToken]:
        """As `Reader.tokens`."""
        return {row[1]: as_token(row, _from_binary) for row in await self._tokens.ask(ids)}

    async def live_of_user(self, user_id: str, policy: Policy, now: datetime, limit: int) -> list[Session]:
        """As `Reader.live_of_user`."""
        try:
            pool = self._pool or await self._open()
            values = (user_id, *limits(policy, now), limit)
            try:
                rows = await pool.fetch(_LIVE_OF_USER, *values)
            except _GONE:
                rows = await pool.fetch(_LIVE_OF_USER, *values)  # the pool has dropped what a restart has cut
        except _FAILED as why:
            raise StoreUnavailable from why
        return [as_session(row, _as_it_is).session for row in rows]

    async def close(self) -> None:
        """Close the connections."""
        self._sessions.close()
        self._tokens.close()
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.terminate()

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=1,
                    max_size=POOL_SIZE,
                    timeout=CONNECT_TIMEOUT,
                    command_timeout=COMMAND_TIMEOUT,
                    reset=_keep,
                    server_settings=SETTINGS,
                )
            return self._pool


class _Question:
    """One statement on one connection; whoever asks waits for the answer to the one before."""

    def __init__(self, dsn: str, statement: str) -> None:
        self._dsn = dsn
        self._statement = statement
        self._connection: asyncpg.Connection | None = None
        self._prepared: PreparedStatement | None = None
        self._turn = asyncio.Lock()

    async def ask(self, ids: Sequence[str]) -> list[Any]:
        async with self._turn:
            try:
                prepared = self._prepared or await self._prepare()
                try:
                    return await prepared.fetch(ids)
                except (*_GONE, asyncpg.FeatureNotSupportedError, asyncpg.InvalidSQLStatementNameError):
                    # The store was restarted, or its tables changed: a read can be asked again, once.
                    self.close()
                    return await (await self._prepare()).fetch(ids)
            except _FAILED as why:
                self.close()
                raise StoreUnavailable from why
            except asyncio.CancelledError:
                self.close()  # in the middle of an answer, perhaps
                raise

    async def _prepare(self) -> PreparedStatement:
        self._connection = await asyncpg.connect(
            self._dsn, timeout=CONNECT_TIMEOUT, command_timeout=COMMAND_TIMEOUT, server_settings=SETTINGS
        )
        # Times stay as they are sent until somebody needs one: most rows are known already (`as_session`).
        await self._connection.set_type_codec(
            "timestamptz", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
        )
        with contextlib.suppress(asyncpg.PostgresError):  # another engine may plan in other ways
            await self._connection.execute(PLANS)
        self._prepared = await self._connection.prepare(self._statement)
        return self._prepared

    def close(self) -> None:
        connection, self._connection, self._prepared = self._connection, None, None
        if connection is not None and not connection.is_closed():
            connection.terminate()


_LIVE_OF_USER: Final = sessions_where(LIVE_OF_USER.format("$1", "$2", "$3", "$4", "$5"))


async def _keep(connection: object) -> None:
    """Nothing to reset: these connections only ever run the statement above."""


def _as_it_is(value: datetime | None) -> datetime | None:
    return value


def _from_binary(value: bytes | None) -> datetime | None:
    # Microseconds since 2000, as PostgreSQL's protocol has it.
    return _EPOCH + timedelta(microseconds=int.from_bytes(value, "big", signed=True)) if value is not None else None


_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
