"""Anybody's sessions, for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from msgspec import Meta

from ostiary.contract.answer import Answer
from ostiary.contract.calling import W
from ostiary.contract.fields import NO_NUL, Cursor, Duration, HowFar, Label, NextCursor, Standing, Text
from ostiary.contract.named import OfSession, OfUser
from ostiary.contract.operation import Namespace, Operation, Takes
from ostiary.contract.shapes import (
    SECRET,
    SESSION_ID,
    AdminSession,
    Count,
    Revoked,
    Session,
)
from ostiary.core.client import MAXIMUM_LABEL, MAXIMUM_USER_AGENT
from ostiary.core.selector import MAXIMUM_TEXT, Sort, Wanted
from ostiary.core.session import Reason
from ostiary.errors import LimitReached, ReauthenticationRequired, SessionNotFound, UserNotFound

Filter: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAXIMUM_TEXT, pattern=NO_NUL)]
# Of a plan: a filter as the core reads it, which judges it.
Chosen: TypeAlias = Annotated[str, Meta(max_length=MAXIMUM_TEXT, pattern=NO_NUL)]
FilterTime: TypeAlias = Annotated[str, Meta(max_length=64, examples=["2026-01-15T12:00:00Z"])]


class SessionPage(Answer, kw_only=True):
    """Sessions by start time."""

    sessions: Sequence[AdminSession]
    next_cursor: NextCursor
    count: Annotated[Count, Meta(description="How many there are on all pages.")]

    @property
    def items(self) -> Sequence[AdminSession]:
        """The sessions."""
        return self.sessions


class Minted(Answer, kw_only=True):
    """A session that was made for somebody, with its cookie, which is shown once."""

    username: str
    session: Session
    cookie: Annotated[
        str, Meta(examples=[f"__Host-session={SESSION_ID}.{SECRET}; Path=/; HttpOnly; Secure; SameSite=Lax"])
    ]

    @property
    def token(self) -> str:
        """What holds the session, as a bearer."""
        return self.cookie.partition(";")[0].partition("=")[2]


class SearchSessions(Takes, kw_only=True):
    """One page of everybody's sessions, ended ones too until they are purged; by default newest first.

    All filters hold at once. `count` is exact, and `status` is that of the moment of asking.
    """

    user: Annotated[
        Annotated[Filter, Meta(examples=["ada"])] | None,
        Meta(description="Of this user only: a name in any case, or a user id."),
    ] = None
    ip: Annotated[
        Annotated[str, Meta(max_length=64, examples=["203.0.113.0/24"])] | None,
        Meta(description="From this address or network."),
    ] = None
    user_agent: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAXIMUM_USER_AGENT, examples=["Firefox"])] | None,
        Meta(description="By this browser or tool, in any case; or exactly this agent, when it has a slash."),
    ] = None
    device: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAXIMUM_LABEL, examples=["phone", "Windows"])] | None,
        Meta(
            description="On this kind of device (desktop, phone, tablet, cli, service, unknown) or system, in any case."
        ),
    ] = None
    application_id: Annotated[Filter | None, Meta(description="Of this application.")] = None
    tenant: Annotated[Filter | None, Meta(description="Of this tenant.")] = None
    status: Annotated[Wanted | None, Meta(description="In this state only; `live` is active or stale.")] = None
    created_before: Annotated[FilterTime | None, Meta(description="Started before this time.")] = None
    created_after: Annotated[FilterTime | None, Meta(description="Started at this time or later.")] = None
    last_used_before: Annotated[FilterTime | None, Meta(description="Not used since this time.")] = None
    reason: Annotated[Reason | None, Meta(description="Ended by somebody for this reason.")] = None
    q: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAXIMUM_LABEL, examples=["ad"])] | None,
        Meta(description="The beginning of a session id, a username or a label; or an address or network."),
    ] = None
    sort: Sort = "-created_at"
    cursor: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Sessions in one page.")] = 100


class MakePlan(Takes, kw_only=True):
    """Pin the live sessions that match now: exactly these are ended when the plan is applied. Nothing is ended yet."""

    user: Chosen | None = None
    ip: Annotated[Chosen | None, Meta(examples=["203.0.113.0/24"])] = None
    user_agent: Annotated[str, Meta(max_length=MAXIMUM_USER_AGENT, pattern=NO_NUL)] | None = None
    device: Chosen | None = None
    application_id: Chosen | None = None
    tenant: Chosen | None = None
    status: Annotated[Chosen | None, Meta(description="`active`, `stale`, or `live` for both, the default.")] = None
    created_before: Chosen | None = None
    created_after: Chosen | None = None
    last_used_before: Annotated[Chosen | None, Meta(examples=["2026-01-15T12:00:00Z"])] = None
    reason: Chosen | None = None
    q: Chosen | None = None


class RevokeAnySession(OfSession, kw_only=True):
    """End a session now, with the reason `admin`, and what is bound to it. Again is no error."""

    extent: HowFar = "session"
    standing: Standing = False


class MintSession(OfUser, kw_only=True):
    """Start a session without the user's sign-in; who issued it is recorded. The cookie is shown this once."""

    expire_after: Duration
    application_id: Text | None = None
    label: Label | None = None
    reason: Annotated[Text | None, Meta(description="Why, for the audit trail.")] = None


class AdminSessions(Namespace[W]):
    """Anybody's sessions."""

    tag = "administration: sessions"

    search = Operation(
        "GET",
        "/api/v1/admin/sessions",
        SearchSessions,
        SessionPage,
        summary="Search sessions",
        errors=(UserNotFound,),
    )
    revoke = Operation(
        "POST",
        "/api/v1/admin/sessions/{session_id}/revoke",
        RevokeAnySession,
        Revoked,
        summary="End anybody's session",
        errors=(SessionNotFound, ReauthenticationRequired),
        is_body_optional=True,
        repeatable=True,
    )
    start = Operation(
        "POST",
        "/api/v1/admin/users/{username}/sessions",
        MintSession,
        Minted,
        summary="Make a session for somebody",
        errors=(UserNotFound, LimitReached, ReauthenticationRequired),
        status=201,
    )
