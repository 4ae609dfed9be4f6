"""A user's own sessions."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from ostiary import errors
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.session import STALE_AFTER_DAYS
from ostiary.server import requests, shapes
from ostiary.server.answers import signed_out, spared
from ostiary.server.callers import Identified, Presented
from ostiary.server.cookies import SessionCookie
from ostiary.server.presenting import Presenter
from ostiary.server.refusals import refusals

DAYS = 36_500  # a hundred years of days, either way


@get("/", operation_id="list_sessions", summary="List my sessions", responses=refusals())
async def list_sessions(
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    present: NamedDependency[Presenter],
    stale_after_days: Annotated[
        int,
        QueryParameter(
            ge=-DAYS,
            le=DAYS,
            description="Unused for strictly more days than this is `stale`; 0 or less: nothing is.",
        ),
    ] = STALE_AFTER_DAYS,
    include: Annotated[
        Literal["ended"] | None, QueryParameter(description="`ended`: also those that ended, with when and why.")
    ] = None,
    application_id: requests.ApplicationFilter = None,
) -> list[shapes.Session]:
    """The sessions that would be accepted right now, most recently used first."""
    ended = include == "ended"
    found = await authority.sessions.list(by=caller, ended=ended, application_id=application_id)
    return [present.session(session, stale_after_days=stale_after_days, with_ending=ended) for session in found]


@get("/current", operation_id="current_session", summary="The session that asks", responses=refusals())
async def current_session(caller: NamedDependency[Caller], present: NamedDependency[Presenter]) -> shapes.Session:
    """The caller's own session. A CLI token has none."""
    return present.session(caller.ensure_person())


@post(
    "/{session_id:str}/revoke",
    operation_id="revoke_session",
    summary="End one of my sessions",
    status_code=200,
    responses=refusals(errors.SessionNotFound, errors.ReauthenticationRequired),
)
async def revoke_session(
    session_id: requests.SessionIdInPath,
    authority: NamedDependency[Authority],
    identified: NamedDependency[Identified],
    client: NamedDependency[Client],
    cookie: NamedDependency[SessionCookie],
    given: NamedDependency[Presented],
) -> Response[shapes.Revoked]:
    """End a session now. Again is no error, and the first reason stays. Somebody else's is answered as missing.

    One's own is a sign-out: every other session whose cookie came along ends with it.
    """
    done = await authority.sessions.revoke(session_id, by=identified.caller)
    is_current = session_id == identified.caller.session_id
    if is_current and identified.by_cookie:
        await authority.sign_out.of(given.cookies, at=client)
    content = shapes.Revoked(id=session_id, is_current=is_current, live_tokens=done.live_tokens)
    return signed_out(content, identified, cookie) if is_current else Response(content)


delete_session = delete(
    "/{session_id:str}",
    operation_id="delete_session",
    summary="End one of my sessions",
    status_code=200,
    responses=refusals(errors.SessionNotFound, errors.ReauthenticationRequired),
)(revoke_session.fn)


@post(
    "/{session_id:str}/label",
    operation_id="label_session",
    summary="Name one of my devices",
    status_code=200,
    responses=refusals(errors.SessionNotFound, body=True),
)
async def label_session(
    session_id: requests.SessionIdInPath,
    data: JSONBody[requests.LabelRequest],
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    present: NamedDependency[Presenter],
) -> shapes.Session:
    """Give a session a name that a person recognises, or take it away."""
    labelled = await authority.sessions.label(session_id, data.label, by=caller)
    view = present.session(labelled)
    view.label = labelled.label
    return view


@post(
    "/revoke-others",
    operation_id="revoke_other_sessions",
    summary="End all my other sessions",
    status_code=200,
    responses=refusals(errors.ReauthenticationRequired),
)
async def revoke_others(
    authority: NamedDependency[Authority],
    identified: NamedDependency[Identified],
    cookie: NamedDependency[SessionCookie],
) -> Response[shapes.RevokedOthers]:
    """End every session but the one that asks; a sign-in that began before does not survive either.

    The one that asks gets a new secret, so that a stolen copy of the old one does not go on.
    """
    ended = await authority.sessions.revoke_others(by=identified.caller)
    content = shapes.RevokedOthers(count=ended.count, live_tokens=ended.live_tokens)
    return spared(content, identified, ended, cookie)


@post(
    "/revoke-all",
    operation_id="revoke_all_sessions",
    summary="End all my sessions",
    status_code=200,
    responses=refusals(errors.ReauthenticationRequired, body=True),
)
async def revoke_all(
    authority: NamedDependency[Authority],
    identified: NamedDependency[Identified],
    cookie: NamedDependency[SessionCookie],
    data: JSONBody[requests.RevokeAllRequest | None] = None,
) -> Response[shapes.RevokedAll]:
    """Sign out everywhere, here too; with `tokens`, CLI tokens end as well."""
    wanted = data or requests.RevokeAllRequest()
    ended = await authority.sessions.revoke_all(
        by=identified.caller, tokens=wanted.tokens, application_id=wanted.application_id
    )
    content = shapes.RevokedAll(count=ended.count, tokens=ended.tokens, live_tokens=ended.live_tokens)
    return signed_out(content, identified, cookie)


router = Router(
    "/auth/sessions",
    route_handlers=[
        list_sessions,
        current_session,
        revoke_session,
        delete_session,
        label_session,
        revoke_others,
        revoke_all,
    ],
    tags=["my sessions"],
)
