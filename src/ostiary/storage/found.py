"""What a read by the bare drivers finds: its statements, made from the same tables as all others, and its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import Column

from ostiary.core.account import User
from ostiary.core.credential import CliToken
from ostiary.core.policy import Policy
from ostiary.core.session import Revocation, Session
from ostiary.storage.schema import cli_tokens, sessions, users

MADE: Final = 8192  # rows whose objects are kept, in case the same row is read again


# The same object for the same row (see `as_session`), so that what is made of it can be kept by its identity.
@dataclass(frozen=True, slots=True, eq=False)
class FoundSession:
    """A session with its secret's hash and its user."""

    session: Session
    secret_hash: bytes
    user: User


# Likewise.
@dataclass(frozen=True, slots=True, eq=False)
class ListedSession:
    """What a list of one's own sessions shows of one, and no more: it is read for each of them, each time."""

    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None
    label: str | None
    application_id: str | None
    tenant: str
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A CLI token with its secret's hash and its user."""

    token: CliToken
    secret_hash: bytes
    user: User


_USER = [users.c[name] for name in ("username", "email", "roles", "created_at", "disabled_at")]
_REVOKED = [sessions.c[f"revoked_{name}"] for name in ("at", "reason", "by")]
_SESSION = [*(sessions.c[name] for name in Session.__slots__ if name != "revoked"), *_REVOKED, *_USER]
_TOKEN = [*(cli_tokens.c[name] for name in CliToken.__slots__), *_USER]


def sessions_where(condition: str) -> str:
    """The statement that reads what `as_session` takes."""
    return _statement("sessions", _SESSION, condition)


def tokens_where(condition: str) -> str:
    """The statement that reads what `as_token` takes."""
    return _statement("cli_tokens", _TOKEN, condition)


def _statement(table: str, columns: Sequence[Column[Any]], condition: str) -> str:
    listed = ", ".join(f"{column.table.name}.{column.name}" for column in columns)
    return (
        f"SELECT {table}.secret_hash, {listed} FROM {table} "  # noqa: S608 - names of our own tables only
        f"LEFT JOIN users ON users.id = {table}.user_id WHERE {condition}"
    )


Convert: TypeAlias = Callable[[Any], Any]  # what a driver gives for a time, or None, to a time, or None


# Most rows are as they were when they were last read. The row is read all the same, every time; only if each of its
# columns is equal is the object that was made of it given out again (about 1 us instead of 7).
@lru_cache(MADE)
def as_session(row: Sequence[Any], instant: Convert) -> FoundSession:
    # By position, in the order of _SESSION; `Session` and the columns share their names and order.
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


@lru_cache(MADE)
def as_listed(row: Sequence[Any], instant: Convert) -> ListedSession:
    _, id_, created_at, last_used_at, expires_at, ip, agent, label, application_id, tenant, amr = row
    return ListedSession(
        id_, instant(created_at), instant(last_used_at), instant(expires_at), ip, agent, label, application_id, tenant,
        tuple(amr.split()),
    )  # fmt: skip


def as_token(row: Sequence[Any], instant: Convert) -> FoundToken:
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


def limits(policy: Policy, now: datetime) -> tuple[datetime, datetime, datetime]:
    """What `expires_at`, `created_at` and `last_used_at` of a live session lie after (`Session.refusal`)."""
    idle = policy.idle_timeout
    return now, now - policy.lifetime, now - idle if idle is not None else _EVER


_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)  # nothing of ours is older
_SHOWN: Final = ", ".join(("user_id", *ListedSession.__slots__))
LIVE_OF_USER: Final = (  # for `as_listed`
    f"SELECT {_SHOWN} FROM sessions "  # noqa: S608 - names of our own columns only
    "WHERE user_id = {} AND revoked_at IS NULL AND expires_at > {} AND created_at > {} AND last_used_at > {} "
    "ORDER BY last_used_at DESC, id LIMIT {}"
)
