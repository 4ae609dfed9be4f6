"""The sessions namespace of OAuth: what existing clients call to show and end their users' sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ostiary.contract.answer import Answer
from ostiary.contract.calling import W
from ostiary.contract.fields import CLEARS_COOKIE, LOCATION, SessionId
from ostiary.contract.operation import Namespace, Operation, Takes
from ostiary.errors import ReauthenticationRequired, SessionNotFound


class ListedSession(Answer, rename="camel", kw_only=True):
    """A session, as clients of the namespace know it; what follows `tenant` is ours."""

    id: str
    created_at: datetime
    expires_at: datetime
    user_agent: str | None
    ip_address: str | None
    tenant: str | None
    application_id: str | None
    device_id: str
    last_used_at: datetime
    is_current: bool


class ListedSessions(Answer):
    """All of them, newest first, and on how many devices they are."""

    sessions: Sequence[ListedSession]
    count: int
    devices: int


class Said(Answer, omit_defaults=True):
    """Whether it was done, in words."""

    success: bool
    message: str
    count: int | None = None
    devices: int | None = None


class OAuthListSessions(Takes, kw_only=True, forbid_unknown_fields=False):
    """The sessions of the token's user in one application that would be accepted right now.

    That is the application that the token is of, unless another one is named.
    """

    application_id: str | None = None


class OAuthOfSession(Takes, forbid_unknown_fields=False):
    """Which session."""

    session_id: SessionId


class OAuthRevokeSession(OAuthOfSession, kw_only=True):
    """End one of them, and what is bound to it. Unknown and foreign are answered alike.

    Before this application gets a code on that device again, its user proves there who they are. With `device`, the
    device is signed out, too: for applications of this server's own.
    """

    device: bool = False


class LogOutAll(Takes, kw_only=True, forbid_unknown_fields=False):
    """End all of them, the browser's too. What is under way at this moment does not survive it either."""

    application_id: str | None = None


class LogOut(Takes, kw_only=True, forbid_unknown_fields=False):
    """End the session of a refresh token, and the one of the cookie. Always successful: afterwards there is none."""

    refresh_token: str | None = None


class EndSession(Takes, forbid_unknown_fields=False):
    """OIDC RP-Initiated Logout: a person is to be asked, so there is a page for it. A GET ends nothing."""


class OAuthSessions(Namespace[W]):
    """The sessions namespace: what existing clients call to show and end their users' sessions.

    camelCase, the text in `message`, always 200 and JSON on success; the bodies are theirs to keep.
    """

    tag = "OAuth"

    list = Operation(
        "GET",
        "/oauth/sessions",
        OAuthListSessions,
        ListedSessions,
        id="oauth_list_sessions",
        summary="List the user's sessions",
        who="access_token",
        speaks="message",
        shared="clients",
    )
    revoke = Operation(
        "POST",
        "/oauth/sessions/{session_id}/revoke",
        OAuthRevokeSession,
        Said,
        id="oauth_revoke_session",
        summary="End one of the user's sessions",
        who="access_token",
        errors=(SessionNotFound, ReauthenticationRequired),
        is_body_optional=True,
        speaks="message",
        shared="clients",
        repeatable=True,
    )
    log_out_all = Operation(
        "POST",
        "/oauth/logout-all",
        LogOutAll,
        Said,
        id="oauth_log_out_all",
        headers=CLEARS_COOKIE,
        is_body_optional=True,
        summary="End all of the user's sessions",
        who="access_token",
        errors=(ReauthenticationRequired,),
        speaks="message",
    )
    log_out = Operation(
        "POST",
        "/oauth/logout",
        LogOut,
        Said,
        id="oauth_log_out",
        headers=CLEARS_COOKIE,
        is_body_optional=True,
        summary="Log out",
        who="nobody",
        speaks="message",
        redirects="OIDC RP-Initiated Logout by a form: to the page that asks",
        redirect_status=303,
        repeatable=True,
    )
    end_session = Operation(
        "GET",
        "/oauth/logout",
        EndSession,
        type(None),
        id="oauth_end_session",
        summary="Log out by a page",
        who="nobody",
        speaks="message",
        status=303,
        headers=LOCATION,
    )
