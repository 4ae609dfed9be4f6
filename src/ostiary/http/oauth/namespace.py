"""The sessions namespace: what existing clients call to show and end their users' sessions."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from ostiary.contract import oauth_sessions as contract
from ostiary.contract.oauth_sessions import ListedSession, OAuthSessions, Said
from ostiary.core.caller import Caller
from ostiary.core.session import Session, lifetime_ends_at
from ostiary.core.tree import Extent
from ostiary.errors import NotAllowed
from ostiary.http.callers import presented
from ostiary.http.cookies import CLEAR_SITE_DATA, accepted_names
from ostiary.http.exchange import Exchange
from ostiary.http.oauth.parameters import is_form
from ostiary.http.operations import Reply, serves
from ostiary.http.origins import ensure_own_origin

END_SESSION: Final = "/oauth/end-session"
NOT_FROM_HERE: Final = "The cookie was left alone, as this request did not come from a page of this server"


@serves(OAuthSessions.list)
async def list_sessions(asked: contract.OAuthListSessions, exchange: Exchange) -> contract.ListedSessions:
    """Newest first."""
    by = exchange.caller
    application_id = asked.application_id or (by.session.application_id if by.session is not None else None)
    found = await exchange.authority.sessions.list(by=by, application_id=application_id)
    found.sort(key=lambda session: (session.created_at, session.id), reverse=True)
    devices = len({session.device_id for session in found})
    return contract.ListedSessions([_listed(session, by, exchange) for session in found], len(found), devices)


@serves(OAuthSessions.revoke)
async def revoke_session(asked: contract.OAuthRevokeSession, exchange: Exchange) -> Said:
    """Again is no success here."""
    extent: Extent = "device" if asked.device else "session"
    done = await exchange.authority.sessions.revoke(asked.session_id, by=exchange.caller, extent=extent)
    if not done.was_live:
        return Said(success=False, message="Session not found or already revoked")
    return Said(success=True, message="Session revoked successfully")


@serves(OAuthSessions.log_out_all)
async def log_out_all(asked: contract.LogOutAll, exchange: Exchange) -> Reply[Said]:
    """The browser's, too."""
    done = await exchange.authority.sessions.revoke_all(by=exchange.caller, application_id=asked.application_id)
    content = Said(success=True, message=f"Revoked {done.count} session(s)", count=done.count, devices=done.devices)
    return _cleared(content, exchange)


@serves(OAuthSessions.log_out)
async def log_out(asked: contract.LogOut, exchange: Exchange) -> Reply[Said] | Response:
    """By the refresh token; and by the cookies, if a page of ours asks.

    A form without a refresh token is a browser's, sent here by a client (OIDC RP-Initiated Logout 2).
    """
    authority, client = exchange.authority, exchange.client
    if asked.refresh_token is None and is_form(exchange.headers.get("content-type", "")):
        return RedirectResponse(f"{END_SESSION}?{urlencode(exchange.form)}", status_code=303)
    if asked.refresh_token is not None:
        await authority.oauth.leaving.by_refresh_token(asked.refresh_token, at=client)
    if not _is_ours(exchange):
        # Another site sent it, or nobody says who: it must not sign anybody out of this browser.
        return Reply(Said(success=True, message=NOT_FROM_HERE))
    await authority.sign_out.of(_cookies(exchange), at=client)
    return _cleared(Said(success=True, message="Logged out"), exchange)


@serves(OAuthSessions.end_session)
async def end_session(_: contract.EndSession, exchange: Exchange) -> RedirectResponse:
    """To the page."""
    query = exchange.scope["query_string"].decode("latin-1")
    return RedirectResponse(f"{END_SESSION}?{query}", status_code=303)


def _cookies(exchange: Exchange) -> tuple[str, ...]:
    """The session cookies, alone: no other credential counts here."""
    names = accepted_names(exchange.context.settings)
    return presented([pair for pair in exchange.scope["headers"] if pair[0] == b"cookie"], names).cookies


def _is_ours(exchange: Exchange) -> bool:
    public_url, must_say = exchange.context.settings.public_url, bool(_cookies(exchange))
    try:
        ensure_own_origin(exchange.headers, exchange.arrival, public_url, must_say=must_say)
    except NotAllowed:
        return False
    return True


def _cleared(content: Said, exchange: Exchange) -> Reply[Said]:
    return Reply(content, {"set-cookie": exchange.cookie.cleared, "clear-site-data": CLEAR_SITE_DATA})


def _listed(session: Session, by: Caller, exchange: Exchange) -> ListedSession:
    return ListedSession(
        id=session.id,
        created_at=session.created_at,
        expires_at=lifetime_ends_at(session, exchange.authority.policy),
        user_agent=session.user_agent,
        ip_address=session.ip,
        tenant=session.tenant,
        application_id=session.application_id,
        device_id=session.device_id,
        last_used_at=session.last_used_at,
        is_current=session.id == by.session_id,
    )
