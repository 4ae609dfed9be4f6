"""What a verifier answers."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_TIMES: Final = struct.Struct("<qqq")


class User(Struct, frozen=True, gc=False):
    """Whose credential it is. `username` is None when the user lives in another application."""

    id: str
    username: str | None
    roles: tuple[str, ...]


class VerifiedSession(Struct, frozen=True, gc=False):
    """By which session."""

    id: str
    kind: str
    tenant: str
    application_id: str | None
    amr: tuple[str, ...]
    times: bytes  # packed: a hundred thousand sessions with three instants each are kept

    @property
    def created_at(self) -> datetime:
        """When it started."""
        return _instant(_TIMES.unpack(self.times)[0])

    @property
    def expires_at(self) -> datetime:
        """The end of its lifetime; the idle timeout can end it earlier."""
        return _instant(_TIMES.unpack(self.times)[1])

    @property
    def auth_time(self) -> datetime:
        """When the person last proved who they are."""
        return _instant(_TIMES.unpack(self.times)[2])


class VerifiedToken(Struct, frozen=True):
    """By which CLI token, and what it may do."""

    id: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


class Verified(Struct, frozen=True):
    """A credential that works: one of `session` and `token` is None.

    Attributes:
        client_id: the OAuth client that holds the session; None for any other.
        scopes: of an access token; None for any other credential, which can do whatever its user can.
    """

    user: User
    session: VerifiedSession | None = None
    token: VerifiedToken | None = None
    client_id: str | None = None
    scopes: tuple[str, ...] | None = None


def packed(created_at: datetime, expires_at: datetime, auth_time: datetime) -> bytes:
    """Three instants in 24 bytes, exact to the microsecond."""
    return _TIMES.pack(*((at - _EPOCH) // _MICROSECOND for at in (created_at, expires_at, auth_time)))


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
