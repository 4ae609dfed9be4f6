"""The reads behind every verification and every list of one's own: by the bare drivers, as they run the most.

Each read is a transaction of its own, so it sees whatever was committed before it was sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

from ostiary.core.policy import Policy
from ostiary.storage.database import Database
from ostiary.storage.hot import ListedSession, SessionRow, TokenRow
from ostiary.storage.postgres_reader import PostgresReader
from ostiary.storage.sqlite_reader import SqliteReader

Sessions: TypeAlias = Mapping[str, SessionRow]
Tokens: TypeAlias = Mapping[str, TokenRow]
Lists: TypeAlias = Mapping[str, Sequence[ListedSession]]


class Reader(Protocol):
    """Reads rows by id. Raises StoreUnavailable when the store does not answer."""

    lanes: int

    def sessions(self, ids: Sequence[str]) -> Sessions | Awaitable[Sessions]:
        """The sessions that exist among these."""

    def tokens(self, ids: Sequence[str]) -> Tokens | Awaitable[Tokens]:
        """The CLI tokens that exist among these."""

    def lists(self, user_ids: Sequence[str], policy: Policy, now: datetime, limit: int) -> Lists | Awaitable[Lists]:
        """Each user's sessions that would be accepted at `now`, most recently used first; those who have any."""

    async def close(self) -> None:
        """Give the connections back."""


def open_reader(database: Database) -> Reader:
    """The reader that fits the database; it connects at its first question."""
    if database.postgres is not None:
        return PostgresReader(database.postgres, database.naming)
    return SqliteReader(Path(str(database.file)), database.naming)
