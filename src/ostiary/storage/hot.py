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
from sqlalchemy import Boolean, ColumnElement, Dialect, LargeBinary, Select, select

from ostiary.core.account import User
from ostiary.core.credential import CliToken
from ostiary.core.session import Session
from ostiary.storage.accounts import NOBODYS
from ostiary.storage.columns import Instant, Words
from ostiary.storage.live import Chosen, live_since
from ostiary.storage.naming import Naming
from ostiary.storage.schema import cli_tokens, sessions, users
from ostiary.storage.sessions import COLUMNS, FIELDS, as_session_fields

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
    """A live session in a list of one's own, and its place there: the most recently used first, equals by id."""

    session: Session
    place: tuple[float, str]


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A CLI token with its secret's hash and its user."""

    token: CliToken
    secret_hash: bytes
    user: User


_SESSION: Final = [sessions.c.secret_hash, *COLUMNS, *(sessions.c[name] for name in NOBODYS)]
_USER: Final = [users.c[name] for name in ("username", "email", "roles", "created_at", "disabled_at")]
_TOKEN: Final = [cli_tokens.c[name] for name in ("secret_hash", *CliToken.__slots__)]

Columns: TypeAlias = Sequence[ColumnElement[Any]]
JsonArray: TypeAlias = Callable[[Columns], ColumnElement[str]]
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
        return self.text(select(sessions.c.id, self._row(_SESSION)).where(chosen))

    def tokens(self, chosen: Chosen) -> str:
        """Reads ids, and what `as_token` takes."""
        theirs = cli_tokens.outerjoin(users, users.c.id == cli_tokens.c.user_id)
        return self.text(select(cli_tokens.c.id, self._row([*_TOKEN, *_USER])).select_from(theirs).where(chosen))

    def live_of_user(
        self, user: ColumnElement[str], since: Iterable[ColumnElement[datetime]], most: ColumnElement[int]
    ) -> Select[Any]:
        """Reads what `as_listed` takes, as `listed`; `in_order` puts them in order.

        Args:
            since: what stands for `live.since`, in its order.
            most: how many at the most.
        """
        found = select(self._row(FIELDS).label("listed")).where(sessions.c.user_id == user, live_since(since))
        return found.order_by(sessions.c.last_used_at.desc()).limit(most)

    def _row(self, columns: Columns) -> ColumnElement[str]:
        """What `_reading` reads back."""
        return self.array([self.digits(one) if isinstance(one.type, LargeBinary) else one for one in columns])

    def text(self, statement: Select[Any]) -> str:
        """As the driver takes it."""
        compiled = statement.compile(dialect=self.dialect, compile_kwargs={"literal_binds": True})
        return self.naming.statement(str(compiled))


def _reading(columns: Columns) -> Callable[[str], list[Any]]:
    """Makes the values of a row of these columns: the same that all other statements give."""
    kinds = enumerate(type(one.type) for one in columns)
    made = [(place, _VALUES[kind]) for place, kind in kinds if kind in _VALUES]

    def read(row: str) -> list[Any]:
        values: list[Any] = _decode(row)
        for place, value_of in made:
            values[place] = value_of(values[place])
        return values

    return read


def _words(text: str | None) -> tuple[str, ...]:
    """As `Words` reads them; None is of a user without an account."""
    return tuple((text or "").split())


def _instant(text: str | None) -> datetime | None:
    """A time as a store writes it: SQLite's are UTC without saying so."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _flag(value: int | bool | None) -> bool | None:
    """A truth as a store writes it: SQLite has numbers."""
    return None if value is None else bool(value)


_decode: Final = msgspec.json.Decoder().decode
_VALUES: Final[dict[type, Callable[[Any], Any]]] = {
    Instant: _instant, Words: _words, LargeBinary: bytes.fromhex, Boolean: _flag,
}  # fmt: skip
_read_session, _read_listed, _read_token = _reading(_SESSION), _reading(FIELDS), _reading([*_TOKEN, *_USER])


# Most rows are as they were when they were last read. The row is read all the same, every time; only if all of it is
# equal is the object that was made of it given out again.
@lru_cache(CACHED_ROWS)
def as_session(row: str) -> SessionRow:
    secret_hash, *fields, username, email, roles = _read_session(row)
    session = as_session_fields(fields)
    return SessionRow(session, secret_hash, User(session.user_id, username, email, roles))


@lru_cache(CACHED_ROWS)
def as_listed(row: str) -> ListedSession:
    session = Session(*_read_listed(row))
    return ListedSession(session, (-session.last_used_at.timestamp(), session.id))


def as_token(row: str) -> TokenRow:
    values = _read_token(row)
    token = CliToken(*values[1 : len(_TOKEN)])
    return TokenRow(token, values[0], User(token.user_id, *values[len(_TOKEN) :]))


def in_order(found: list[ListedSession]) -> list[ListedSession]:
    """The same list, the most recently used first, and among equals by id."""
    found.sort(key=_place)
    return found


_place: Final = attrgetter("place")
