"""What is read the most, by the bare drivers: its statements, made from the same tables as all others, and its rows.

The store gives a row out as one text, a JSON array: to compare two of them, and to hold one, costs a fraction of what a
dozen of values would (docs/decisions/0022).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Dialect, Select, select

from ostiary.core.account import User
from ostiary.core.credential import CliToken
from ostiary.core.session import Revocation, Session
from ostiary.storage.accounts import NOBODYS
from ostiary.storage.live import Chosen, live_since
from ostiary.storage.naming import Naming
from ostiary.storage.schema import REVOKED, cli_tokens, sessions, users

CACHED_ROWS: Final = 8192  # rows whose objects are kept, in case the same row is read again


# The same object for the same row (see `as_session`), so that what is made of it can be kept by its identity.
@dataclass(frozen=True, slots=True, eq=False)
class SessionRow:
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
    issued_by: str | None
    place: tuple[float, str]  # in the order of a list: the most recently used first


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A CLI token with its secret's hash and its user."""

    token: CliToken
    secret_hash: bytes
    user: User


_USER = [users.c[name] for name in ("username", "email", "roles", "created_at", "disabled_at")]
_WHOSE = [sessions.c[name] for name in NOBODYS]
_REVOKED = [sessions.c[name] for name in REVOKED]
_SESSION = [*(sessions.c[name] for name in Session.__slots__ if name != "revoked"), *_REVOKED, *_WHOSE]
_TOKEN = [*(cli_tokens.c[name] for name in CliToken.__slots__), *_USER]
_LISTED = [sessions.c[name] for name in ListedSession.__slots__ if name != "place"]

JsonArray: TypeAlias = Callable[[Sequence[ColumnElement[Any]]], ColumnElement[str]]
Digits: TypeAlias = Callable[[ColumnElement[bytes]], ColumnElement[str]]


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of a reader, for one database.

    Attributes:
        array: how the database makes one text, a JSON array, of many values.
        digits: how it makes hexadecimal digits of bytes.
    """

    naming: Naming
    dialect: Dialect
    array: JsonArray
    digits: Digits

    def sessions(self, chosen: Chosen) -> str:
        """Reads ids, and what `as_session` takes."""
        row = self.array([self.digits(sessions.c.secret_hash), *_SESSION])
        return self.text(select(sessions.c.id, row).where(chosen))

    def tokens(self, chosen: Chosen) -> str:
        """Reads ids, and what `as_token` takes."""
        row = self.array([self.digits(cli_tokens.c.secret_hash), *_TOKEN])
        theirs = cli_tokens.outerjoin(users, users.c.id == cli_tokens.c.user_id)
        return self.text(select(cli_tokens.c.id, row).select_from(theirs).where(chosen))

    def live_of_user(
        self, user: ColumnElement[str], since: Iterable[ColumnElement[datetime]], most: ColumnElement[int]
    ) -> Select[Any]:
        """Reads what `as_listed` takes, as `listed`; `in_order` puts them in order.

        Args:
            since: what stands for `live.since`, in its order.
            most: how many at the most.
        """
        found = select(self.array(_LISTED).label("listed")).where(sessions.c.user_id == user, live_since(since))
        return found.order_by(sessions.c.last_used_at.desc()).limit(most)

    def text(self, statement: Select[Any]) -> str:
        """As the driver takes it."""
        compiled = statement.compile(dialect=self.dialect, compile_kwargs={"literal_binds": True})
        return self.naming.statement(str(compiled))


# Most rows are as they were when they were last read. The row is read all the same, every time; only if all of it is
# equal is the object that was made of it given out again.
@lru_cache(CACHED_ROWS)
def as_session(row: str) -> SessionRow:
    # By position, in the order of _SESSION; `Session` and the columns share their names and order.
    (
        secret_hash, id_, user_id, kind, created_at, auth_time, last_used_at, expires_at,
        ip, agent, label, application_id, tenant, amr, issued_by, client_id,
        revoked_at, revoked_reason, revoked_by, suspended_until,
        username, email, roles,
    ) = _decode(row)  # fmt: skip
    revoked = (
        Revocation(_instant(revoked_at), revoked_reason, revoked_by, _if_any(suspended_until))
        if revoked_at is not None
        else None
    )
    session = Session(
        id_, user_id, kind, _instant(created_at), _instant(auth_time), _instant(last_used_at), _instant(expires_at),
        ip, agent, label, application_id, tenant, _words(amr), issued_by, client_id, revoked,
    )  # fmt: skip
    user = User(user_id, username, email, _words(roles))
    return SessionRow(session, bytes.fromhex(secret_hash), user)


@lru_cache(CACHED_ROWS)
def as_listed(row: str) -> ListedSession:
    id_, created_at, last_used_at, expires_at, ip, agent, label, application_id, tenant, amr, issued_by = _decode(row)
    used = _instant(last_used_at)
    return ListedSession(
        id_, _instant(created_at), used, _instant(expires_at), ip, agent, label, application_id, tenant,
        _words(amr), issued_by, (-used.timestamp(), id_),
    )  # fmt: skip


def as_token(row: str) -> TokenRow:
    (
        secret_hash, id_, user_id, name, scopes,
        created_at, expires_at, last_used_at, revoked_at, minted_by, session_id,
        username, email, roles, joined_at, disabled_at,
    ) = _decode(row)  # fmt: skip
    token = CliToken(
        id_, user_id, name, _words(scopes), _instant(created_at), _if_any(expires_at), _if_any(last_used_at),
        _if_any(revoked_at), minted_by, session_id,
    )  # fmt: skip
    user = User(user_id, username, email, _words(roles), _if_any(joined_at), _if_any(disabled_at))
    return TokenRow(token, bytes.fromhex(secret_hash), user)


def _words(text: str | None) -> tuple[str, ...]:
    """As `Words` reads them; None is of a user without an account."""
    return tuple((text or "").split())


def _instant(text: str) -> datetime:
    """A time as a store writes it: SQLite's are UTC without saying so."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _if_any(text: str | None) -> datetime | None:
    return None if text is None else _instant(text)


_decode: Final = msgspec.json.Decoder().decode


def in_order(found: list[ListedSession]) -> list[ListedSession]:
    """The same list, the most recently used first, and among equals by id."""
    found.sort(key=_place)
    return found


_place: Final = attrgetter("place")
