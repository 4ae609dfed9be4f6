"""What an authority answers to administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from ostiary.sdk.results import Result, Session, User

Item = TypeVar("Item")


class AdminSession(Session, frozen=True, kw_only=True):
    """A session as an administrator sees it."""

    user_id: str
    username: str | None = None
    kind: str = "browser"
    auth_time: datetime | None = None
    issued_by: str | None = None
    revoked_at: datetime | None = None


class AdminUser(User, frozen=True, kw_only=True):
    """A user as an administrator sees them. Nothing of a disabled one works."""

    created_at: datetime | None = None
    disabled_at: datetime | None = None


class Event(Result, frozen=True, kw_only=True):
    """What happened, to whom, by whom, from where and why."""

    kind: str
    at: datetime
    position: int | None = None
    user_id: str | None = None
    session_id: str | None = None
    by: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    reason: str | None = None
    request_id: str | None = None
    detail: dict[str, str | int | bool | None] = msgspec.field(default_factory=dict)


class OAuthClient(Result, frozen=True, kw_only=True):
    """A registered OAuth client."""

    id: str
    name: str
    is_public: bool
    application_id: str
    application_type: str
    tenant: str
    tenant_subdomain: str | None = None
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    third_party: bool = False
    created_at: datetime


class Page(Result, Generic[Item], frozen=True, kw_only=True):
    """One page. `next_cursor`, given as `cursor`, leads to the next; it is None at the end."""

    next_cursor: str | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        """What is on it."""
        raise NotImplementedError


class SessionPage(Page[AdminSession], frozen=True, kw_only=True):
    """Sessions by start time; `count` is how many there are on all pages."""

    sessions: tuple[AdminSession, ...]
    count: int

    @property
    def items(self) -> tuple[AdminSession, ...]:
        """The sessions."""
        return self.sessions


class UserPage(Page[AdminUser], frozen=True, kw_only=True):
    """Users by name."""

    users: tuple[AdminUser, ...]

    @property
    def items(self) -> tuple[AdminUser, ...]:
        """The users."""
        return self.users


class EventPage(Page[Event], frozen=True, kw_only=True):
    """The audit trail, newest first."""

    events: tuple[Event, ...]

    @property
    def items(self) -> tuple[Event, ...]:
        """The events."""
        return self.events


class OneUser(Result, frozen=True, kw_only=True):
    """One user."""

    user: AdminUser


class UserOverview(Result, frozen=True, kw_only=True):
    """One user, and how many sessions and CLI tokens of theirs work now."""

    user: AdminUser
    sessions: int
    tokens: int


class Ended(Result, frozen=True, kw_only=True):
    """How many sessions and CLI tokens of a user an act ended."""

    ok: bool = True
    sessions: int
    tokens: int


class Minted(Result, frozen=True, kw_only=True):
    """A session that was made for somebody; `cookie` is a whole `Set-Cookie` value, shown this once."""

    username: str
    session: Session
    cookie: str

    @property
    def token(self) -> str:
        """What opens the session, as a bearer."""
        return self.cookie.partition(";")[0].partition("=")[2]


class EndedSession(Result, frozen=True, kw_only=True):
    """A session that somebody ended, and when."""

    username: str
    session_id: str
    revoked: datetime


class SignedOutUser(Result, frozen=True, kw_only=True):
    """All sessions of a user that somebody ended, oldest first, earlier ones with their first time.

    Of more than 1000 those that ended last, the newest first, and `more` is true.
    """

    sessions: tuple[EndedSession, ...]
    more: bool = False


class ClientList(Result, frozen=True, kw_only=True):
    """All OAuth clients, oldest first."""

    clients: tuple[OAuthClient, ...]


class OneClient(Result, frozen=True, kw_only=True):
    """One OAuth client."""

    client: OAuthClient


class NewClient(Result, frozen=True, kw_only=True):
    """An OAuth client, and its new secret, shown this once; a public one has none."""

    client: OAuthClient
    secret: str | None = None


class RemovedClient(Result, frozen=True, kw_only=True):
    """An OAuth client is gone, and so many sessions with it."""

    ok: bool = True
    id: str
    sessions: int


class Thing(Result, frozen=True, kw_only=True):
    """One thing that hangs on a credential; `under` is what it was made with.

    Attributes:
        what: `session`, `refresh_token`, `access_tokens`, `cli_token`, `code`, or `session_of_another`, which is told
            but not ended.
    """

    what: str
    id: str
    works: bool
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    about: str | None = None
    under: str | None = None


class Neutralised(Result, frozen=True, kw_only=True):
    """A leaked credential, and what hangs on it; `matches` is None for an id alone, False for a wrong secret."""

    kind: str
    id: str
    matches: bool | None = None
    user_id: str
    username: str | None = None
    sessions: int
    tokens: int
    applied: bool
    things: tuple[Thing, ...] = ()


class RotatedKeys(Result, frozen=True, kw_only=True):
    """The ids of the keys that sign from now on."""

    ok: bool = True
    keys: tuple[str, ...]
