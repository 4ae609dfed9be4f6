"""Reads on PostgreSQL: each question has a connection to itself, with its statement prepared.

A pool would be asked for a connection, and clean it, for every query; and asked by many, it serves those who came last
first.
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
from ostiary.errors import StoreUnavailable
from ostiary.storage.database import COMMAND_TIMEOUT, CONNECT_TIMEOUT
from ostiary.storage.found import (
    LIVE_OF_USER,
    FoundSession,
    FoundToken,
    ListedSession,
    as_listed,
    as_session,
    as_token,
    limits,
    sessions_where,
    tokens_where,
)

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
        self._sessions = _Question(dsn, sessions_where("sessions.id = ANY($1)"))
        self._tokens = _Question(dsn, tokens_where("cli_tokens.id = ANY($1)"))
        of_one = LIVE_OF_USER.format("asked.user_id", "$2", "$3", "$4", "$5")
        self._lists = _Question(
            dsn,
            f"SELECT found.* FROM unnest($1::text[]) AS asked(user_id) CROSS JOIN LATERAL ({of_one}) AS found "  # noqa: S608 - our own names only
            "ORDER BY found.user_id, found.last_used_at DESC, found.id",
        )

    async def sessions(self, ids: Sequence[str]) -> dict[str, FoundSession]:
        """As `Reader.sessions`."""
        return {row[1]: as_session(row, _from_binary) for row in await self._sessions.ask(ids)}

    async def tokens(self, ids: Sequence[str]) -> dict[str, FoundToken]:
        """As `Reader.tokens`."""
        return {row[1]: as_token(row, _from_binary) for row in await self._tokens.ask(ids)}

    async def lists(
        self, user_ids: Sequence[str], policy: Policy, now: datetime, limit: int
    ) -> dict[str, list[ListedSession]]:
        """As `Reader.lists`."""
        since = (_to_binary(moment) for moment in limits(policy, now))
        found: dict[str, list[ListedSession]] = {}
        for row in await self._lists.ask(user_ids, *since, limit):
            found.setdefault(row[0], []).append(as_listed(row, _from_binary))
        return found

    async def close(self) -> None:
        """Close the connections."""
        for question in (self._sessions, self._tokens, self._lists):
            question.close()


class _Question:
    """One statement on one connection; whoever asks waits for the answer to the one before."""

    def __init__(self, dsn: str, statement: str) -> None:
        self._dsn = dsn
        self._statement = statement
        self._connection: asyncpg.Connection | None = None
        self._prepared: PreparedStatement | None = None
        self._turn = asyncio.Lock()

    async def ask(self, *values: object) -> list[Any]:
        async with self._turn:
            try:
                prepared = self._prepared or await self._prepare()
                try:
                    return await prepared.fetch(*values)
                except (*_GONE, asyncpg.FeatureNotSupportedError, asyncpg.InvalidSQLStatementNameError):
                    # The store was restarted, or its tables changed: a read can be asked again, once.
                    self.close()
                    return await (await self._prepare()).fetch(*values)
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


def _to_binary(moment: datetime) -> bytes:
    # Microseconds since 2000, as PostgreSQL's protocol has it.
    return ((moment - _EPOCH) // timedelta(microseconds=1)).to_bytes(8, "big", signed=True)


def _from_binary(value: bytes | None) -> datetime | None:
    return _EPOCH + timedelta(microseconds=int.from_bytes(value, "big", signed=True)) if value is not None else None


_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
