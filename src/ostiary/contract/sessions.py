"""A user's own sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract import shapes
from ostiary.contract.answer import Listing
from ostiary.contract.calling import W
from ostiary.contract.fields import CLEARS_COOKIE, SETS_COOKIE, HowFar, Label, Standing, Text
from ostiary.contract.named import OfSession
from ostiary.contract.oauth_sessions import OAuthSessions
from ostiary.contract.operation import Namespace, Nothing, Operation, Takes
from ostiary.contract.verifiers import Lag, ShowLag
from ostiary.core.session import STALE_AFTER_DAYS
from ostiary.errors import Conflict, ReauthenticationRequired, SessionNotFound

DAYS = 36_500  # a hundred years of days, either way


class SessionList(Listing, kw_only=True):
    """A user's sessions. It can be looped over itself."""

    sessions: Sequence[shapes.Session]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.sessions)

    @property
    def devices(self) -> int:
        """On how many devices."""
        return len({one.device_id for one in self.sessions})

    def __iter__(self) -> Iterator[shapes.Session]:
        """One session after the other."""
        return iter(self.sessions)

    def __len__(self) -> int:
        """As `count`."""
        return len(self.sessions)


class ListSessions(Takes, kw_only=True):
    """The sessions that would be accepted right now, most recently used first."""

    stale_after_days: Annotated[
        int,
        Meta(
            ge=-DAYS,
            le=DAYS,
            description="Unused for strictly more days than this is `stale`; 0 or less: nothing is.",
        ),
    ] = STALE_AFTER_DAYS
    view: Annotated[
        Literal["tree"] | None,
        Meta(
            description="`tree`: devices first, each followed by what hangs under it; then what acts while its person "
            "is away, of devices that have ended. Each says how many hang under it."
        ),
    ] = None
    include: Annotated[
        Literal["ended"] | None, Meta(description="`ended`: also those that ended, with when and why.")
    ] = None
    application_id: Annotated[Text | None, Meta(description="Of this application only.")] = None


class CurrentSession(Nothing):
    """The caller's own session. A CLI token has none."""


class RevokeSession(OfSession, kw_only=True):
    """End a session now, and what is bound to it. Again is no error, and the first reason stays.

    Somebody else's is answered as missing. One's own is a sign-out: every other session whose cookie came along ends
    with it.
    """

    extent: HowFar = "session"
    standing: Standing = False


class DeleteSession(OfSession):
    """The same, of one session and what is bound to it."""


class LabelSession(OfSession):
    """Give a session a name that a person recognises, or take it away."""

    label: Annotated[Label | None, Meta(description="Null takes the name away.")]


class RevokeOthers(Nothing):
    """End every session but the one that asks; a sign-in that began before does not survive either.

    The one that asks gets a new secret, so that a stolen copy of the old one does not go on.
    """


class RevokeAll(Takes, kw_only=True):
    """Sign out everywhere, here too; with `tokens`, CLI tokens end as well."""

    tokens: Annotated[bool, Meta(description="True ends the CLI tokens, too.")] = False
    application_id: Annotated[Text | None, Meta(description="Sessions of this application only.")] = None


class LogOutByRefreshToken(Takes, forbid_unknown_fields=False):
    """End the session of a refresh token, for an application's own server. Always successful: afterwards there is none.

    A person's own session, or that of the sender of a request, ends by `auth.logout`.
    """

    refresh_token: str


class Sessions(Namespace[W]):
    """A user's own sessions."""

    tag = "my sessions"

    list = Operation(
        "GET",
        "/api/v1/auth/sessions",
        ListSessions,
        SessionList,
        summary="List my sessions",
    )
    current = Operation(
        "GET",
        "/api/v1/auth/sessions/current",
        CurrentSession,
        shapes.Session,
        summary="The session that asks",
    )
    revoke = Operation(
        "POST",
        "/api/v1/auth/sessions/{session_id}/revoke",
        RevokeSession,
        shapes.Revoked,
        summary="End one of my sessions",
        errors=(SessionNotFound, ReauthenticationRequired),
        headers=CLEARS_COOKIE,
        is_body_optional=True,
        repeatable=True,
    )
    delete = Operation(
        "DELETE",
        "/api/v1/auth/sessions/{session_id}",
        DeleteSession,
        shapes.Revoked,
        id="delete_session",
        summary="End one of my sessions",
        errors=(SessionNotFound, ReauthenticationRequired),
        headers=CLEARS_COOKIE,
    )
    label = Operation(
        "POST",
        "/api/v1/auth/sessions/{session_id}/label",
        LabelSession,
        shapes.Session,
        summary="Name one of my devices",
        errors=(SessionNotFound,),
        repeatable=True,
    )
    revoke_others = Operation(
        "POST",
        "/api/v1/auth/sessions/revoke-others",
        RevokeOthers,
        shapes.RevokedOthers,
        id="revoke_other_sessions",
        summary="End all my other sessions",
        errors=(ReauthenticationRequired,),
        headers=SETS_COOKIE,
    )
    revoke_all = Operation(
        "POST",
        "/api/v1/auth/sessions/revoke-all",
        RevokeAll,
        shapes.RevokedAll,
        id="revoke_all_sessions",
        summary="End all my sessions",
        errors=(ReauthenticationRequired,),
        headers=CLEARS_COOKIE,
        is_body_optional=True,
    )
    lag = Operation(
        "GET",
        "/api/v1/auth/sessions/{session_id}/lag",
        ShowLag,
        Lag,
        summary="See how far an ending of yours has come",
        errors=(SessionNotFound, Conflict),
    )
    logout = OAuthSessions.log_out.variant(LogOutByRefreshToken)
