"""What an authority answers, typed. Members that this version does not know are ignored, so a newer server is fine.

Instants are `datetime` in UTC. Words that may grow (`status`, `kind`, `reason`) are plain texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

import msgspec
from msgspec import Struct


class Result(Struct, frozen=True, kw_only=True):
    """An answer. Its repr never shows a secret, as a repr ends up in logs."""

    SECRETS: ClassVar[frozenset[str]] = frozenset(
        {"token", "cookie", "secret", "access_token", "refresh_token", "id_token"}
    )

    def __repr__(self) -> str:
        """The members, but for secrets."""
        shown = ((name, getattr(self, name)) for name in self.__struct_fields__)
        words = (f"{name}={self._shown(name, value)}" for name, value in shown)
        return f"{type(self).__name__}({', '.join(words)})"

    def _shown(self, name: str, value: object) -> str:
        return "'…'" if name in self.SECRETS and isinstance(value, str) else repr(value)


class Done(Result, frozen=True, kw_only=True):
    """It is done."""

    ok: bool = True


class User(Result, frozen=True, kw_only=True):
    """Whom a credential belongs to."""

    id: str
    username: str | None = None
    email: str | None = None
    roles: tuple[str, ...] = ()


class ClientView(Result, frozen=True, kw_only=True):
    """What a client says it is: a hint for a person's eye."""

    browser: str | None = None
    os: str | None = None
    device: str | None = None
    kind: str = "unknown"


class Place(Result, frozen=True, kw_only=True):
    """Where an address is, by the operator's places file."""

    city: str | None = None
    country: str | None = None


class Session(Result, frozen=True, kw_only=True):
    """One sign-in of one user from one client.

    Attributes:
        status: `active`, `stale`, `expired` or `revoked`.
        ended_at, reason: only where ended sessions were asked for.
    """

    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str | None = None
    ip: str | None = None
    is_current: bool = False
    status: str = "active"
    client: ClientView = msgspec.field(default_factory=ClientView)
    place: Place | None = None
    label: str | None = None
    application_id: str | None = None
    tenant: str = "default"
    amr: tuple[str, ...] = ()
    issued_by: str | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    suspended_until: datetime | None = None


class SessionList(Result, frozen=True, kw_only=True):
    """A user's sessions, most recently used first. It can be looped over itself."""

    sessions: tuple[Session, ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.sessions)

    def __iter__(self) -> Iterator[Session]:
        """One session after the other."""
        return iter(self.sessions)

    def __len__(self) -> int:
        """As `count`."""
        return len(self.sessions)


class CliToken(Result, frozen=True, kw_only=True):
    """A long-lived named bearer, without its secret."""

    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    status: str = "active"
    made_by: str | None = None
    made_in: str | None = None


class SignedIn(Result, frozen=True, kw_only=True):
    """A session was started or renewed; `token` is what opens it from now on, shown this once.

    It is None only when the session was held by a cookie; see `Ostiary.for_request`.
    """

    user: User
    session: Session
    token: str | None = None


class Grant(Result, frozen=True, kw_only=True):
    """What the access token of an OAuth client was granted; `audience` is whom it is for, beside the server."""

    client_id: str | None = None
    audience: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


class WhoAmI(Result, frozen=True, kw_only=True):
    """The caller: one of `session` and `token` is None; `grant` is there for access tokens only."""

    user: User
    session: Session | None = None
    token: CliToken | None = None
    grant: Grant | None = None


class Revoked(Result, frozen=True, kw_only=True):
    """The session has ended: now, or earlier, in which case its first reason stays."""

    ok: bool = True
    id: str
    is_current: bool = False
    live_tokens: int = 0

    @property
    def success(self) -> bool:
        """True: the session works nowhere any more."""
        return self.ok

    @property
    def message(self) -> str:
        """For a person."""
        return "Session revoked successfully"


class RevokedMany(Result, frozen=True, kw_only=True):
    """Sessions of the user have ended, and `tokens` CLI tokens with them.

    `token` is the new secret of the session that asked, where the act spared it: the old one is refused from now on.
    It is None for a session that was held by a cookie, and for every other credential.
    """

    ok: bool = True
    count: int
    tokens: int = 0
    live_tokens: int = 0
    token: str | None = None


class NewCliToken(Result, frozen=True, kw_only=True):
    """A CLI token, and its secret in `token`, shown this once."""

    id: str
    name: str
    token: str
    created_at: datetime
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()


class ValidCliToken(Result, frozen=True, kw_only=True):
    """The CLI token that asked works."""

    valid: bool = True
    token_id: str
    username: str | None = None
    user_email: str | None = None
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()


class RevokedCliToken(Result, frozen=True, kw_only=True):
    """The CLI token has ended: now or earlier."""

    ok: bool = True
    id: str
