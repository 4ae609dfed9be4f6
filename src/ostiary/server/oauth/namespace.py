"""The sessions namespace: what existing clients call to show and end their users' sessions.

camelCase, the text in `message`, always 200 and JSON on success; the bodies are theirs to keep.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.oauth.fields import read_fields
from ostiary.core.session import Session
from ostiary.core.token import is_id
from ostiary.errors import NotAllowed, SessionNotFound
from ostiary.server.bodies import ApiRequest
from ostiary.server.callers import presented
from ostiary.server.context import context_of
from ostiary.server.cookies import CLEAR_SITE_DATA, SessionCookie, accepted_names
from ostiary.server.exchange import exchange_of
from ostiary.server.oauth import failures
from ostiary.server.oauth.bearer import holder_of
from ostiary.server.oauth.parameters import optional_text, read_object
from ostiary.server.origins import ensure_own_origin

NOT_FROM_HERE: Final = "The cookie was left alone, as this request did not come from a page of this server"


class ListedSession(Struct, rename="camel", kw_only=True):
    """A session, as clients of the namespace know it; what follows `tenant` is ours."""

    id: str
    created_at: datetime
    expires_at: datetime
    user_agent: str | None
    ip_address: str | None
    tenant: str | None
    application_id: str | None
    last_used_at: datetime
    is_current: bool


class SessionList(Struct):
    """All of them, newest first."""

    sessions: list[ListedSession]
    count: int


@get("/sessions")
async def list_sessions(request: ApiRequest, authority: NamedDependency[Authority]) -> SessionList:
    """The sessions of the token's user that would be accepted right now, in one application or in all."""
    by = await holder_of(request)
    application_id = read_fields(request.scope["query_string"]).get("application_id")
    found = await authority.sessions.list(by=by, application_id=application_id)
    found.sort(key=lambda session: (session.created_at, session.id), reverse=True)
    return SessionList([_listed(session, by, authority) for session in found], len(found))


@post("/sessions/{session_id:str}/revoke", status_code=200)
async def revoke_session(
    session_id: FromPath[str], request: ApiRequest, authority: NamedDependency[Authority]
) -> dict[str, Any]:
    """End one of them. Unknown and foreign are answered alike."""
    by = await holder_of(request)
    if not is_id(session_id):
        raise SessionNotFound
    done = await authority.sessions.revoke(session_id, by=by)
    if not done.was_live:
        return {"success": False, "message": "Session not found or already revoked"}
    return {"success": True, "message": "Session revoked successfully"}


@post("/logout-all", status_code=200)
async def log_out_all(
    request: ApiRequest, authority: NamedDependency[Authority], cookie: NamedDependency[SessionCookie]
) -> Response[dict[str, Any]]:
    """End all of them, the browser's too. What is under way at this moment does not survive it either."""
    by = await holder_of(request)
    application_id = optional_text(await read_object(request), "application_id")
    done = await authority.sessions.revoke_all(by=by, application_id=application_id)
    content = {"success": True, "message": f"Revoked {done.count} session(s)", "count": done.count}
    return _cleared(content, cookie)


@post("/logout", status_code=200)
async def log_out(
    request: ApiRequest,
    authority: NamedDependency[Authority],
    client: NamedDependency[Client],
    cookie: NamedDependency[SessionCookie],
) -> Response[dict[str, Any]]:
    """End the session of a refresh token, and the one of the cookie. Always successful: afterwards there is none."""
    text = optional_text(await read_object(request), "refresh_token")
    content = {"success": True, "message": "Logged out"}
    if text is not None:
        await authority.oauth.leaving.by_refresh_token(text, at=client)
    if not _is_ours(request):
        # Another site sent it, or nobody says who: it must not sign anybody out of this browser.
        return Response(content | {"message": NOT_FROM_HERE})
    await authority.sign_out.of(_cookies(request), at=client)
    return _cleared(content, cookie)


@get("/logout")
async def end_session(request: ApiRequest) -> Response[None]:
    """OIDC RP-Initiated Logout: a person is to be asked, so there is a page for it. A GET ends nothing."""
    query = request.scope["query_string"].decode("latin-1")
    return Response(None, status_code=303, headers={"location": f"/oauth/end-session?{query}"})


def _cookies(request: ApiRequest) -> tuple[str, ...]:
    """The session cookies, alone: no other credential counts here."""
    names = accepted_names(context_of(request).settings)
    return presented([pair for pair in request.scope["headers"] if pair[0] == b"cookie"], names).cookies


def _is_ours(request: ApiRequest) -> bool:
    settings, exchange = context_of(request).settings, exchange_of(request.scope)
    try:
        cookies = _cookies(request)
        ensure_own_origin(request.headers, exchange.arrival, settings.public_url, must_say=bool(cookies))
    except NotAllowed:
        return False
    return True


def _cleared(content: dict[str, Any], cookie: SessionCookie) -> Response[dict[str, Any]]:
    return Response(content, headers={"set-cookie": cookie.cleared, "clear-site-data": CLEAR_SITE_DATA})


def _listed(session: Session, by: Caller, authority: Authority) -> ListedSession:
    return ListedSession(
        id=session.id,
        created_at=session.created_at,
        expires_at=min(session.expires_at, session.created_at + authority.policy.lifetime),
        user_agent=session.user_agent,
        ip_address=session.ip,
        tenant=session.tenant,
        application_id=session.application_id,
        last_used_at=session.last_used_at,
        is_current=session.id == by.session_id,
    )


router = Router(
    "/",
    route_handlers=[list_sessions, revoke_session, log_out_all, log_out, end_session],
    exception_handlers={Exception: failures.answer_message},
)
