"""Anybody's sessions, for administrators."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter
from msgspec import UNSET

from ostiary import errors
from ostiary.authority import Authority
from ostiary.authority.administration import MAXIMUM_PAGE
from ostiary.core.caller import Caller
from ostiary.core.selector import Sort, parse
from ostiary.server import admin_shapes, filters, requests, shapes
from ostiary.server.cookies import SessionCookie
from ostiary.server.cursors import Cursor, after_session, read_session
from ostiary.server.presenting import Presenter
from ostiary.server.refusals import refusals

SessionLimit = Annotated[int, QueryParameter(ge=1, le=1000, description="Sessions in one page.")]


@get(
    "/sessions",
    operation_id="search_sessions",
    summary="Search sessions",
    responses=refusals(errors.UserNotFound),
)
async def search_sessions(
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    present: NamedDependency[Presenter],
    user: filters.User = None,
    ip: filters.Ip = None,
    user_agent: filters.UserAgent = None,
    device: filters.Device = None,
    application_id: filters.ApplicationId = None,
    tenant: filters.Tenant = None,
    status: filters.InStatus = None,
    created_before: filters.CreatedBefore = None,
    created_after: filters.CreatedAfter = None,
    last_used_before: filters.LastUsedBefore = None,
    reason: filters.ForReason = None,
    q: filters.Q = None,
    sort: FromQuery[Sort] = "-created_at",
    cursor: Cursor = None,
    limit: SessionLimit = 100,
) -> admin_shapes.SessionPage:
    """One page of everybody's sessions, ended ones too until they are purged; by default newest first.

    All filters hold at once. `count` is exact, and `status` is that of the moment of asking.
    """
    where = parse(
        {
            "user": user,
            "ip": ip,
            "user_agent": user_agent,
            "device": device,
            "application_id": application_id,
            "tenant": tenant,
            "status": status,
            "created_before": created_before,
            "created_after": created_after,
            "last_used_before": last_used_before,
            "reason": reason,
            "q": q,
        }
    )
    page = await authority.administration.search(where, by=caller, sort=sort, after=read_session(cursor), limit=limit)
    return admin_shapes.SessionPage(
        sessions=[present.admin_session(session, page.usernames.get(session.user_id)) for session in page.sessions],
        next_cursor=after_session(page.after),
        count=page.count,
    )


@post(
    "/sessions/{session_id:str}/revoke",
    operation_id="revoke_any_session",
    summary="End anybody's session",
    status_code=200,
    responses=refusals(errors.SessionNotFound, errors.ReauthenticationRequired),
)
async def revoke_any_session(
    session_id: requests.SessionIdInPath, authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> shapes.Revoked:
    """End a session now, with the reason `admin`. Again is no error, and the first reason stays."""
    done = await authority.administration.revoke(session_id, by=caller)
    return shapes.Revoked(id=session_id, is_current=session_id == caller.session_id, live_tokens=done.live_tokens)


@post(
    "/users/{username:str}/sessions",
    operation_id="mint_session",
    summary="Make a session for somebody",
    responses=refusals(errors.UserNotFound, errors.LimitReached, errors.ReauthenticationRequired, body=True),
)
async def mint_session(
    username: requests.UsernameInPath,
    data: JSONBody[requests.MintRequest],
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    cookie: NamedDependency[SessionCookie],
    present: NamedDependency[Presenter],
) -> admin_shapes.Minted:
    """Start a session without the user's sign-in; who issued it is recorded. The cookie is shown this once."""
    started = await authority.administration.mint(
        username,
        by=caller,
        expire_after=requests.duration("expire_after", data.expire_after),
        label=data.label,
        application_id=data.application_id,
        reason=data.reason,
    )
    return admin_shapes.Minted(
        username=username, session=present.session(started.session), cookie=cookie.holding(started.token)
    )


@post(
    "/users/{username:str}/logout",
    operation_id="sign_out_user",
    summary="End all sessions of a user",
    status_code=200,
    responses=refusals(errors.UserNotFound, errors.ReauthenticationRequired),
)
async def sign_out_user(
    username: requests.UsernameInPath, authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> admin_shapes.SignedOutUser:
    """End every session of a user, and nobody else's."""
    ended = await authority.administration.log_out(username, by=caller)
    return admin_shapes.SignedOutUser(
        sessions=[
            admin_shapes.SignedOutSession(username=username, session_id=session.id, revoked=session.revoked.at)
            for session in ended[:MAXIMUM_PAGE]
            if session.revoked is not None
        ],
        more=True if len(ended) > MAXIMUM_PAGE else UNSET,
    )


router = Router(
    "/admin",
    route_handlers=[search_sessions, revoke_any_session, mint_session, sign_out_user],
    tags=["administration: sessions"],
)
