"""A user's own sessions."""

from __future__ import annotations

from ostiary.sdk.call import API, Call, get, given, post, segment
from ostiary.sdk.oauth_results import LoggedOut
from ostiary.sdk.results import Revoked, RevokedMany, Session, SessionList


def list_sessions(
    *, application_id: str | None = None, stale_after_days: int | None = None, ended: bool = False
) -> Call[SessionList]:
    """The sessions that would be accepted right now, most recently used first.

    Args:
        application_id: those of that application only.
        stale_after_days: unused for strictly more days is `stale`; 30 by default, 0 for never.
        ended: those that ended, too, with when and why.

    Raises:
        NotAllowed: a token without the scope `sessions:read`.
    """
    include = "ended" if ended else None
    return get(
        "/auth/sessions",
        SessionList,
        application_id=application_id,
        stale_after_days=stale_after_days,
        include=include,
    )


def current_session() -> Call[Session]:
    """The caller's own session.

    Raises:
        NotAllowed: the credential is a CLI token, which has none.
    """
    return get("/auth/sessions/current", Session)


def revoke_session(session_id: str) -> Call[Revoked]:
    """End one of the caller's sessions, now. Again is no error, and the first reason stays.

    Raises:
        SessionNotFound: missing, or not the caller's: nobody can tell which.
        ReauthenticationRequired: the sign-in is too old for the policy; `max_age` in seconds.
    """
    return post(f"/auth/sessions/{segment(session_id)}/revoke", Revoked, repeatable=True)


def label_session(session_id: str, label: str | None) -> Call[Session]:
    """Name one of the caller's devices; None takes the name away.

    Raises:
        SessionNotFound: missing, or not the caller's.
        InvalidRequest: longer than 64 characters, or not printable.
    """
    return post(f"/auth/sessions/{segment(session_id)}/label", Session, {"label": label}, repeatable=True)


def revoke_others() -> Call[RevokedMany]:
    """End every session of the caller but the one that asks, which goes on under a new `token`.

    Raises:
        ReauthenticationRequired: the sign-in is too old for the policy.
    """
    return post("/auth/sessions/revoke-others", RevokedMany)


def revoke_all(*, application_id: str | None = None, tokens: bool = False) -> Call[RevokedMany]:
    """Sign the caller out everywhere, here too. What is under way at this moment does not survive either.

    Args:
        application_id: in that application only.
        tokens: end the CLI tokens, too.

    Raises:
        ReauthenticationRequired: the sign-in is too old for the policy.
    """
    body = given(application_id=application_id, tokens=tokens or None)
    return post("/auth/sessions/revoke-all", RevokedMany, body)


def logout(refresh_token: str | None = None) -> Call[LoggedOut]:
    """End the session of a refresh token; without one, the caller's own. Never refused, also when nothing was left."""
    if refresh_token is not None:
        body = {"refresh_token": refresh_token}
        return Call("POST", "/oauth/logout", LoggedOut, body=body, credential="nobody", repeatable=True)
    return Call("POST", f"{API}/auth/logout", LoggedOut, body={}, repeatable=True)
