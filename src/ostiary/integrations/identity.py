"""Who sent a request, and what answers that: the one protocol that every framework's integration is written for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias, TypedDict, Unpack

from ostiary.contract import shapes
from ostiary.core.account import User
from ostiary.core.client import Client
from ostiary.core.reach import By, Reach
from ostiary.core.session import Session
from ostiary.errors import OstiaryError
from ostiary.settings import Settings

# The application's own word on who a request is from, given its framework's own request; None: nobody it knows.
Identify: TypeAlias = Callable[[Any], Awaitable[User | None] | User | None]


@dataclass(frozen=True, slots=True)
class Identity:
    """The verified sender of a request.

    Attributes:
        user: with the roles that the authority, or the application's own `identify`, gives them; of a token's user,
            what its scopes let it know, and `admin` only for a CLI token with that scope.
        by: what was presented.
        session_id: its session; None for a CLI token.
        ends_at: when the session expires if nobody uses it any more; None for a CLI token.
        auth_time: when the person last proved who they are.
        scopes: what a token was given; None for a session, which may do what its user may.
        client: where the request came from, as it came, whatever the authority keeps of it.
        credential: what was presented, to act with.
    """

    user: User
    by: By
    session_id: str | None = None
    ends_at: datetime | None = None
    auth_time: datetime | None = None
    amr: tuple[str, ...] = ()
    tenant: str | None = None
    application_id: str | None = None
    scopes: tuple[str, ...] | None = None
    client: Client = field(default_factory=Client)
    credential: str = field(default="", repr=False)

    @property
    def user_id(self) -> str:
        """The user's id."""
        return self.user.id

    @property
    def reach(self) -> Reach:
        """How far what was presented reaches."""
        return Reach(self.by, self.scopes)

    def ensure(self, *, role: str | None = None, scope: str | None = None) -> None:
        """Return if the sender may do what asks for this role, this scope, or both. See `Reach.ensure`.

        Raises:
            NotAllowed: the role or the scope lacks.
        """
        self.reach.ensure(self.user, role=role, scope=scope)


class Held(Protocol):
    """The session that was presented, or that a token is of: as it is told, wherever the authority is."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def ends_at(self) -> datetime:
        """When it expires if nobody uses it any more."""

    @property
    def auth_time(self) -> datetime | None:
        """When the person last proved who they are."""

    @property
    def amr(self) -> Sequence[str]:
        """How the person signed in."""

    @property
    def tenant(self) -> str:
        """What it is a session of, likewise the next."""

    @property
    def application_id(self) -> str | None:
        """The application."""


def identity(user: User, reach: Reach, held: Held | None, client: Client | None, credential: str) -> Identity:
    """The verified sender, from whatever told of them."""
    return Identity(
        user,
        reach.by,
        session_id=held.id if held else None,
        ends_at=held.ends_at if held else None,
        auth_time=held.auth_time if held else None,
        amr=tuple(held.amr) if held else (),
        tenant=held.tenant if held else None,
        application_id=held.application_id if held else None,
        scopes=reach.scopes,
        client=client or Client(),
        credential=credential,
    )


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that was just started: its id, and the token that opens it."""

    session_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Listed:
    """One live session of a user, as their list shows it.

    Attributes:
        name: what its client says it is, "Firefox on Linux".
        label: what the user calls the device.
        is_current: the one that asks.
    """

    id: str
    name: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ip: str | None = None
    user_agent: str | None = None
    label: str | None = None
    application_id: str | None = None
    tenant: str | None = None
    is_current: bool = False


def listed(session: Session | shapes.Session, name: str, *, expires_at: datetime, is_current: bool) -> Listed:
    """The same from a row, or from a server's answer."""
    rest = ("created_at", "last_used_at", "ip", "user_agent", "label", "application_id", "tenant")
    values = {one: getattr(session, one) for one in ("id", *rest)}
    return Listed(**values, name=name, expires_at=expires_at, is_current=is_current)


@dataclass(frozen=True, slots=True)
class EndedOthers:
    """How many sessions ended, and the new token of the one that asked; None where a token of another kind did."""

    count: int
    token: str | None = field(default=None, repr=False)


class Opening(TypedDict, total=False):
    """What may be said of a new session, beside whose it is and from where.

    Attributes:
        amr: how the person signed in (RFC 8176), such as `("pwd", "otp")`.
        label: what the user calls the device.
        application_id, tenant: what it is a session of.
    """

    amr: tuple[str, ...]
    label: str | None
    application_id: str | None
    tenant: str


class Keeper(Protocol):
    """Answers who it is, starts sessions and ends them: an authority in this process, or one elsewhere.

    Attributes:
        settings: how people reach this application: `public_url`, `allow_plain_http`, `trusted_proxies`.
    """

    settings: Settings

    async def open(self) -> None:
        """Get ready. Again is no error."""

    async def close(self) -> None:
        """Give everything back."""

    async def verify(self, credential: str, client: Client | None) -> Identity:
        """Who holds it.

        Raises:
            Unauthenticated: nobody, or not any more.
            StoreUnavailable: nothing is known.
        """

    async def watch(self, identity: Identity) -> OstiaryError:
        """Wait until the session of a live connection has ended, or cannot be proven live any more; answers why."""

    async def start(self, user_id: str, client: Client, **opening: Unpack[Opening]) -> Begun:
        """Start a session of a user whom the application has just signed in."""

    async def list(self, who: Identity) -> list[Listed]:
        """The live sessions of the user."""

    async def revoke(self, who: Identity, session_id: str) -> None:
        """End one of them.

        Raises:
            SessionNotFound: there is none, or it is somebody else's.
        """

    async def revoke_others(self, who: Identity) -> EndedOthers:
        """End all but the one that asks, which gets a new secret."""

    async def revoke_all(self, who: Identity) -> int:
        """End all; how many that were."""

    async def log_out(self, who: Identity) -> None:
        """End the one that asks. A token is not ended."""

    async def let_go(self, credentials: Sequence[str], client: Client) -> None:
        """End for good the sessions whose own tokens these are, whether or not they are accepted now."""
