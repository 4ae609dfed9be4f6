"""What a verifier answers."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_TIMES: Final = struct.Struct("<qqqq")
_NEVER: Final = -1  # in the place of an instant that never was


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
    times: bytes  # packed: a hundred thousand sessions with four instants each are kept

    @property
    def created_at(self) -> datetime:
        """When it started."""
        return _instant(_TIMES.unpack(self.times)[0])

    @property
    def expires_at(self) -> datetime:
        """The end of its lifetime; the idle timeout can end it earlier."""
        return _instant(_TIMES.unpack(self.times)[1])

    @property
    def auth_time(self) -> datetime | None:
        """When the person last proved who they are; None where an administrator made the session, and nobody did."""
        micros = _TIMES.unpack(self.times)[2]
        return None if micros == _NEVER else _instant(micros)

    @property
    def ends_at(self) -> datetime:
        """When a limit ends it if nobody uses it any more, as far as the authority knew; by the server's clock."""
        return _instant(_TIMES.unpack(self.times)[3])


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


def packed(
    created_at: datetime, expires_at: datetime, auth_time: datetime | None, ends_at: datetime | None = None
) -> bytes:
    """Four instants in 32 bytes, exact to the microsecond. Without an idle limit, it ends at `expires_at`."""
    instants = created_at, expires_at, auth_time, ends_at or expires_at
    return _TIMES.pack(*(_NEVER if at is None else (at - _EPOCH) // _MICROSECOND for at in instants))


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
