"""Reads on PostgreSQL: each question has connections to itself, with its statement prepared.

A pool would be asked for a connection, and clean it, for every query; and asked by many, it serves those who came last
first.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from sqlalchemy import ColumnElement, Select, Text, any_, cast, func, literal_column, select
from sqlalchemy.dialects import postgresql

from ostiary.core.policy import Policy
from ostiary.storage import outages
from ostiary.storage.hot import (
    ListedSession,
    SessionRow,
    Statements,
    TokenRow,
    as_listed,
    as_session,
    as_token,
    in_order,
)
from ostiary.storage.live import Since, since
from ostiary.storage.naming import Naming
from ostiary.storage.postgres import Postgres
from ostiary.storage.schema import cli_tokens, sessions

SETTINGS: Final = {"timezone": "UTC"}
# Travels with each question: a row without an id if this is a standby, or a server that only reads. A connection that
# led to the primary cannot tell by itself that it does not any more, where a pooler or proxy moves its other end.
PROVEN: Final = "UNION ALL SELECT NULL, NULL WHERE current_setting('transaction_read_only') = 'on'"
# Every read here is of a few rows by their keys, so the plan by the indexes is right at every size of the tables, and
# need not be looked for again: on a small table the planner took 120 us a query to find a worse one.
PLANS: Final = """
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off
"""
_FAILED = (
    asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError,
    outages.NotPrimary,
)  # fmt: skip

_ANY_GIVEN: Final[ColumnElement[Any]] = any_(literal_column("$1"))


class PostgresReader:
    """Reads by asyncpg."""

    # Queries of one kind under way at once: the store answers one while the next is on its way, and what is answered is
    # written meanwhile. With two, a store at some distance left the process idle (docs/decisions/0001).
    lanes = 3

    def __init__(self, postgres: Postgres, naming: Naming) -> None:
        """Name the database; it is connected to at the first question."""
        of_sessions, of_tokens, of_lists = _statements(naming)
        self._sessions = _Question(postgres, of_sessions)
        self._tokens = _Question(postgres, of_tokens)
        self._lists = _Question(postgres, of_lists)

    async def sessions(self, ids: Sequence[str]) -> dict[str, SessionRow]:
        """As `Reader.sessions`."""
        return {id_: as_session(row) for id_, row in await self._sessions.ask(ids)}

    async def tokens(self, ids: Sequence[str]) -> dict[str, TokenRow]:
        """As `Reader.tokens`."""
        return {id_: as_token(row) for id_, row in await self._tokens.ask(ids)}

    async def lists(
        self, user_ids: Sequence[str], policy: Policy, now: datetime, limit: int
    ) -> dict[str, list[ListedSession]]:
        """As `Reader.lists`."""
        found: dict[str, list[ListedSession]] = {}
        for user_id, row in await self._lists.ask(user_ids, *since(policy, now), limit):
            found.setdefault(user_id, []).append(as_listed(row))
        return {user_id: in_order(rows) for user_id, rows in found.items()}

    async def close(self) -> None:
        """Close the connections."""
        for question in (self._sessions, self._tokens, self._lists):
            question.close()


@cache  # by the names, of which a process seldom has two
def _statements(naming: Naming) -> tuple[str, str, str]:
    """What asks for sessions, tokens and lists."""
    statements = Statements(
        naming,
        postgresql.dialect(),  # type: ignore[no-untyped-call]
        array=lambda values: cast(func.json_build_array(*values), Text),
        digits=lambda value: func.encode(value, literal_column("'hex'")),
    )
    return (
        statements.sessions(sessions.c.id == _ANY_GIVEN),
        statements.tokens(cli_tokens.c.id == _ANY_GIVEN),
        statements.text(_live_of_users(statements)),
    )


def _live_of_users(statements: Statements) -> Select[Any]:
    asked = func.unnest(literal_column("$1::text[]")).table_valued("user_id").render_derived(name="asked")
    instants: list[ColumnElement[Any]] = [literal_column(f"${number}") for number in range(2, 2 + len(Since._fields))]
    found = statements.live_of_user(asked.c.user_id, instants, literal_column("$7")).lateral("found")
    return select(asked.c.user_id, found.c.listed).select_from(asked, found)


class _Question:
    """One statement, on as many connections as are needed at once; whoever comes when all are taken waits."""

    def __init__(self, postgres: Postgres, statement: str) -> None:
        self._lines = [_Line(postgres, f"{statement} {PROVEN}") for _ in range(PostgresReader.lanes)]
        self._free = list(self._lines)
        self._room = asyncio.Semaphore(len(self._lines))

    async def ask(self, *values: object) -> list[Any]:
        async with self._room:
            line = self._free.pop()  # the one that was used last: the others are not opened before they are needed
            try:
                return await line.ask(*values)
            finally:
                self._free.append(line)

    def close(self) -> None:
        for line in self._lines:
            line.close()


class _Line:
    """A statement on a connection of its own, for one question at a time."""

    def __init__(self, postgres: Postgres, statement: str) -> None:
        self._postgres = postgres
        self._statement = statement
        self._connection: asyncpg.Connection | None = None
        self._prepared: PreparedStatement | None = None

    async def ask(self, *values: object) -> list[Any]:
        try:
            try:
                return await self._fetch(*values)
            except Exception as error:
                if self._prepared is None or not _is_worth_another(error):
                    raise
                self.close()
            return await self._fetch(*values)
        except BaseException as error:
            # Whatever it was, cancelled in the middle of an answer too: the next question gets a new connection.
            self.close()
            if isinstance(error, _FAILED):
                raise outages.unavailable(error) from error
            raise

    async def _fetch(self, *values: object) -> list[Any]:
        prepared = self._prepared or await self._prepare()
        rows = await prepared.fetch(*values)
        if rows and rows[-1][0] is None:
            raise outages.NotPrimary(outages.READ_ONLY)
        return rows

    async def _prepare(self) -> PreparedStatement:
        self._connection = await self._postgres.connect(SETTINGS)
        with contextlib.suppress(asyncpg.PostgresError):  # another engine may plan in other ways
            await self._connection.execute(PLANS)
        self._prepared = await self._connection.prepare(self._statement)
        return self._prepared

    def close(self) -> None:
        connection, self._connection, self._prepared = self._connection, None, None
        if connection is not None and not connection.is_closed():
            connection.terminate()


def _is_worth_another(error: Exception) -> bool:
    """Whether a read can be asked again, once: the store was restarted, is another one, or its tables changed."""
    if isinstance(error, asyncpg.QueryCanceledError | TimeoutError):
        return False  # it took too long, and would again
    if isinstance(error, asyncpg.FeatureNotSupportedError | asyncpg.InvalidSQLStatementNameError):
        return True
    is_gone = isinstance(error, asyncpg.InterfaceError | OSError | outages.NotPrimary)
    return is_gone or outages.is_outage(getattr(error, "sqlstate", None))
