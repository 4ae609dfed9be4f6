"""Reads on SQLite, inline: a read of a few rows takes microseconds, a hop to a thread takes longer."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.dialects import sqlite

from ostiary.core.policy import Policy
from ostiary.errors import StoreUnavailable
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
from ostiary.storage.live import Chosen, Since, since
from ostiary.storage.naming import Naming
from ostiary.storage.schema import cli_tokens, sessions

INLINE_BUSY_TIMEOUT_MS: Final = 250  # readers wait only while a log is recovered; the event loop waits too

ROWS_AT_ONCE: Final = 500  # of lists: some milliseconds, in which nobody else gets an answer

_GIVEN: Final[ColumnElement[Any]] = literal_column("?")
_ANY_GIVEN: Final = select(func.json_each(_GIVEN).table_valued("value").c.value)


class SqliteReader:
    """Reads inline, on a connection of its own that cannot write."""

    lanes = 1

    def __init__(self, path: Path, naming: Naming) -> None:
        """Name the file; it is opened at the first question."""
        self._path = path
        self._sessions, self._tokens, self._live_of_user = _statements(naming)
        self._connection: sqlite3.Connection | None = None

    def sessions(self, ids: Sequence[str]) -> dict[str, SessionRow]:
        """As `Reader.sessions`."""
        return {id_: as_session(row) for id_, row in self._rows(self._sessions, ids)}

    def tokens(self, ids: Sequence[str]) -> dict[str, TokenRow]:
        """As `Reader.tokens`."""
        return {id_: as_token(row) for id_, row in self._rows(self._tokens, ids)}

    async def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def lists(
        self, user_ids: Sequence[str], policy: Policy, now: datetime, limit: int
    ) -> dict[str, list[ListedSession]] | Awaitable[dict[str, list[ListedSession]]]:
        """As `Reader.lists`. Long lists are read some at a time, so that others get their turn in between."""
        instants = (f"{at.replace(tzinfo=None):%Y-%m-%d %H:%M:%S.%f}" for at in since(policy, now))
        left, values, found = list(reversed(user_ids)), (*instants, limit), dict[str, list[ListedSession]]()
        self._some_lists(left, values, found)
        return self._other_lists(left, values, found) if left else found

    async def _other_lists(
        self, left: list[str], values: tuple[Any, ...], found: dict[str, list[ListedSession]]
    ) -> dict[str, list[ListedSession]]:
        while left:
            await asyncio.sleep(0)
            self._some_lists(left, values, found)
        return found

    def _some_lists(self, left: list[str], values: tuple[Any, ...], found: dict[str, list[ListedSession]]) -> None:
        rows = 0
        self._read("BEGIN")  # one transaction for all, as each takes and gives back the lock of readers
        try:
            while left and rows < ROWS_AT_ONCE:
                user_id = left.pop()
                of_one = self._read(self._live_of_user, (user_id, *values))
                found[user_id] = in_order([as_listed(row) for (row,) in of_one])
                rows += len(of_one)
        finally:
            # Whatever happens: a transaction that stayed open would show every later question the same old moment.
            self._end()

    def _rows(self, statements: tuple[str, str], ids: Sequence[str]) -> list[Any]:
        one, many = statements
        if len(ids) == 1:
            return self._read(one, (ids[0],))
        # Ids are ours by shape (core.token.parse), so they need no quoting inside a JSON array.
        return self._read(many, ('["' + '","'.join(ids) + '"]',))

    def _read(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        try:
            if self._connection is None:
                self._connection = self._open()
            return self._connection.execute(statement, values).fetchall()
        except BaseException as why:
            self._forget()
            if isinstance(why, sqlite3.Error):
                raise outages.unavailable(why) from why
            raise

    def _end(self) -> None:
        """End the transaction; where that fails, with the connection."""
        if self._connection is not None:
            with contextlib.suppress(StoreUnavailable):
                self._read("COMMIT")

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode=ro",
            uri=True,
            check_same_thread=False,
            isolation_level=None,
        )
        connection.execute(f"PRAGMA busy_timeout = {INLINE_BUSY_TIMEOUT_MS}")
        return connection

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


@cache  # by the names, of which a process seldom has two
def _statements(naming: Naming) -> tuple[tuple[str, str], tuple[str, str], str]:
    """What reads sessions and tokens, one or many, and what reads the list of one user."""
    statements = Statements(naming, sqlite.dialect(), array=lambda values: func.json_array(*values), digits=func.hex)
    return (
        _one_or_many(statements.sessions, sessions.c.id),
        _one_or_many(statements.tokens, cli_tokens.c.id),
        statements.text(statements.live_of_user(_GIVEN, (_GIVEN,) * len(Since._fields), _GIVEN)),
    )


def _one_or_many(reads: Callable[[Chosen], str], key: ColumnElement[str]) -> tuple[str, str]:
    return reads(key == _GIVEN), reads(key.in_(_ANY_GIVEN))
