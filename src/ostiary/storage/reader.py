"""The reads behind every verification and every list of one's own: by the bare drivers, as they run the most.

SQLite is read inline (a read of a few rows takes microseconds, a hop to a thread takes longer); PostgreSQL by its own
small pool of connections, a prepared statement and an array of ids. The statements are made from the same tables as
all others. Each read is a transaction of its own, so it sees whatever was committed before it was sent.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import asyncpg
from sqlalchemy import Column

from ostiary.core.account import User
from ostiary.core.credential import CliToken
from ostiary.core.policy import Policy
from ostiary.core.session import Revocation, Session
from ostiary.errors import StoreUnavailable
from ostiary.storage.columns import Instant
from ostiary.storage.database import COMMAND_TIMEOUT, CONNECT_TIMEOUT, Database
from ostiary.storage.schema import cli_tokens, sessions, users

LANES: Final = 2  # queries under way at once on PostgreSQL; more waits in the next batch, which costs less
INLINE_BUSY_TIMEOUT_MS: Final = 250  # SQLite readers wait only while a log is recovered; the event loop waits too


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session with its secret's hash and its user."""

    session: Session
    secret_hash: bytes
    user: User


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A CLI token with its secret's hash and its user."""

    token: CliToken
    secret_hash: bytes
    user: User


Sessions: TypeAlias = Mapping[str, FoundSession]
Tokens: TypeAlias = Mapping[str, FoundToken]


class Reader(Protocol):
    """Reads rows by id. Raises StoreUnavailable when the store does not answer."""

    lanes: int

    def sessions(self, ids: Sequence[str]) -> Sessions | Awaitable[Sessions]:
        """The sessions that exist among these."""

    def tokens(self, ids: Sequence[str]) -> Tokens | Awaitable[Tokens]:
        """The CLI tokens that exist among these."""

    async def live_of_user(self, user_id: str, policy: Policy, now: datetime, limit: int) -> list[Session]:
        """A user's sessions that would be accepted at `now`, most recently used first."""

    async def close(self) -> None:
        """Give the connections back."""


def open_reader(database: Database) -> Reader:
    """The reader that fits the database; it connects at its first question."""
    if database.is_sqlite:
        return SqliteReader(Path(str(database.url.database)))
    return PostgresReader(database.url.set(drivername="postgresql").render_as_string(hide_password=False))


_USER = [users.c[name] for name in ("username", "email", "roles", "created_at", "disabled_at")]
_SESSION = [sessions.c[name] for name in Session.__slots__ if name != "revoked"]
_REVOKED = [sessions.c[f"revoked_{name}"] for name in ("at", "reason", "by")]
_TOKEN = [cli_tokens.c[name] for name in CliToken.__slots__]


def _statement(table: str, columns: Sequence[Column[Any]], where: str, instant: str = "{}") -> str:
    """`instant` is how a column with a time is read."""
    listed = ", ".join(
        (instant if isinstance(column.type, Instant) else "{}").format(f"{column.table.name}.{column.name}")
        for column in columns
    )
    return (
        f"SELECT {table}.secret_hash, {listed} FROM {table} "  # noqa: S608 - names of our own tables only
        f"LEFT JOIN users ON users.id = {table}.user_id WHERE {where}"
    )


Convert: TypeAlias = Callable[[Any], Any]


def _as_session(row: Sequence[Any], instant: Convert) -> FoundSession:
    # By position, in the order of _SESSION + _REVOKED + _USER; `Session` and the columns share their names and order.
    (
        secret_hash, id_, user_id, kind, created_at, auth_time, last_used_at, expires_at,
        ip, agent, label, application_id, tenant, amr, issued_by, client_id,
        revoked_at, revoked_reason, revoked_by,
        username, email, roles, joined_at, disabled_at,
    ) = row  # fmt: skip
    revoked = Revocation(instant(revoked_at), revoked_reason, revoked_by) if revoked_at is not None else None
    session = Session(
        id_, user_id, kind, instant(created_at), instant(auth_time), instant(last_used_at), instant(expires_at),
        ip, agent, label, application_id, tenant, tuple(amr.split()), issued_by, client_id, revoked,
    )  # fmt: skip
    return FoundSession(
        session, secret_hash, _as_user(user_id, username, email, roles, joined_at, disabled_at, instant)
    )


def _as_token(row: Sequence[Any], instant: Convert) -> FoundToken:
    (
        secret_hash, id_, user_id, name, scopes,
        created_at, expires_at, last_used_at, revoked_at, minted_by, session_id,
        username, email, roles, joined_at, disabled_at,
    ) = row  # fmt: skip
    token = CliToken(
        id_, user_id, name, tuple(scopes.split()), instant(created_at), instant(expires_at), instant(last_used_at),
        instant(revoked_at), minted_by, session_id,
    )  # fmt: skip
    return FoundToken(token, secret_hash, _as_user(user_id, username, email, roles, joined_at, disabled_at, instant))


def _as_user(
    user_id: str,
    username: str,
    email: str,
    roles: str | None,
    joined_at: Any,
    disabled_at: Any,
    instant: Convert,
) -> User:
    return User(
        user_id,
        username,
        email,
        tuple(roles.split()) if roles else (),
        instant(joined_at),
        instant(disabled_at),
    )


def _limits(policy: Policy, now: datetime) -> tuple[datetime, datetime, datetime]:
    """What `expires_at`, `created_at` and `last_used_at` of a live session lie after (`Session.refusal`)."""
    idle = policy.idle_timeout
    return now, now - policy.lifetime, now - idle if idle is not None else _EVER


_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)  # nothing of ours is older
_LIVE_OF_USER: Final = (
    "sessions.user_id = {} AND sessions.revoked_at IS NULL AND sessions.expires_at > {} AND sessions.created_at > {} "
    "AND sessions.last_used_at > {} ORDER BY sessions.last_used_at DESC, sessions.id LIMIT {}"
)


class SqliteReader:
    """Reads inline, on a connection of its own that cannot write."""

    lanes = 1

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened at the first question."""
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def sessions(self, ids: Sequence[str]) -> Sessions:
        """As `Reader.sessions`."""
        return {row[1]: _as_session(row, _from_text) for row in self._rows(_SQLITE_SESSIONS, ids)}

    def tokens(self, ids: Sequence[str]) -> Tokens:
        """As `Reader.tokens`."""
        return {row[1]: _as_token(row, _from_text) for row in self._rows(_SQLITE_TOKENS, ids)}

    async def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def live_of_user(self, user_id: str, policy: Policy, now: datetime, limit: int) -> list[Session]:
        """As `Reader.live_of_user`."""
        limits = (f"{moment.replace(tzinfo=None):%Y-%m-%d %H:%M:%S.%f}" for moment in _limits(policy, now))
        rows = self._read(_SQLITE_LIVE_OF_USER, (user_id, *limits, limit))
        return [_as_session(row, _from_text).session for row in rows]

    def _rows(self, statements: tuple[str, str], ids: Sequence[str]) -> list[Any]:
        one, many = statements
        if len(ids) == 1:
            return self._read(one, (ids[0],))
        # Ids are ours by shape (core.token.parse), so they need no quoting inside a JSON array.
        return self._read(many, ('["' + '","'.join(ids) + '"]',))

    def _read(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        try:
            if self._connection is None:
                self._connection = self._open()
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as why:
            self._forget()
            raise StoreUnavailable from why

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
            connection.close()


_ZONED = "{} || '+00:00'"  # cheaper to add here than to each of five times in Python
_ONE, _MANY = "= ?", "IN (SELECT value FROM json_each(?))"
_SQLITE_SESSIONS = (
    _statement("sessions", [*_SESSION, *_REVOKED, *_USER], f"sessions.id {_ONE}", _ZONED),
    _statement("sessions", [*_SESSION, *_REVOKED, *_USER], f"sessions.id {_MANY}", _ZONED),
)
_SQLITE_LIVE_OF_USER = _statement(
    "sessions", [*_SESSION, *_REVOKED, *_USER], _LIVE_OF_USER.format("?", "?", "?", "?", "?"), _ZONED
)
_SQLITE_TOKENS = (
    _statement("cli_tokens", [*_TOKEN, *_USER], f"cli_tokens.id {_ONE}", _ZONED),
    _statement("cli_tokens", [*_TOKEN, *_USER], f"cli_tokens.id {_MANY}", _ZONED),
)


def _from_text(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value is not None else None


class PostgresReader:
    """Reads by asyncpg, on a few connections of its own."""

    lanes = LANES

    def __init__(self, dsn: str) -> None:
        """Name the database; it is connected to at the first question."""
        self._dsn = dsn
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def sessions(self, ids: Sequence[str]) -> Sessions:
        """As `Reader.sessions`."""
        rows = await self._rows(_POSTGRES_SESSIONS, ids)
        return {row[1]: _as_session(row, _as_it_is) for row in rows}

    async def tokens(self, ids: Sequence[str]) -> Tokens:
        """As `Reader.tokens`."""
        rows = await self._rows(_POSTGRES_TOKENS, ids)
        return {row[1]: _as_token(row, _as_it_is) for row in rows}

    async def live_of_user(self, user_id: str, policy: Policy, now: datetime, limit: int) -> list[Session]:
        """As `Reader.live_of_user`."""
        rows = await self._rows(_POSTGRES_LIVE_OF_USER, user_id, *_limits(policy, now), limit)
        return [_as_session(row, _as_it_is).session for row in rows]

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.terminate()

    async def _rows(self, statement: str, *values: object) -> list[Any]:
        pool = self._pool or await self._open()
        try:
            try:
                return list(await pool.fetch(statement, *values))
            except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError):
                # The store was restarted under this connection. The pool has dropped it; a read can be asked again.
                return list(await pool.fetch(statement, *values))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as why:
            raise StoreUnavailable from why

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                try:
                    self._pool = await asyncpg.create_pool(
                        self._dsn,
                        min_size=1,
                        max_size=LANES,
                        timeout=CONNECT_TIMEOUT,
                        command_timeout=COMMAND_TIMEOUT,
                        reset=_keep,
                        server_settings={"default_transaction_read_only": "on"},
                    )
                except (asyncpg.PostgresError, OSError, TimeoutError) as why:
                    raise StoreUnavailable from why
            return self._pool


_POSTGRES_SESSIONS = _statement("sessions", [*_SESSION, *_REVOKED, *_USER], "sessions.id = ANY($1)")
_POSTGRES_TOKENS = _statement("cli_tokens", [*_TOKEN, *_USER], "cli_tokens.id = ANY($1)")
_POSTGRES_LIVE_OF_USER = _statement(
    "sessions", [*_SESSION, *_REVOKED, *_USER], _LIVE_OF_USER.format("$1", "$2", "$3", "$4", "$5")
)


async def _keep(connection: object) -> None:
    """Nothing to reset: these connections only ever run the statements above."""


def _as_it_is(value: datetime | None) -> datetime | None:
    return value
