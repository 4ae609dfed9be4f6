"""Signing in and out, and what a person does to their own account."""

from __future__ import annotations

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ostiary import errors
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.server import requests, shapes
from ostiary.server.access import PUBLIC
from ostiary.server.answers import renewed, signed_in, signed_out, spared
from ostiary.server.callers import Identified, Presented
from ostiary.server.cookies import SessionCookie
from ostiary.server.presenting import Presenter, grant_of, user_of
from ostiary.server.refusals import refusals


@post(
    "/sessions",
    operation_id="sign_in",
    summary="Sign in",
    opt={PUBLIC: True},
    security=[{}],
    responses=refusals(
        errors.WrongCredentials,
        errors.NotAllowed,
        errors.LimitReached,
        errors.TooManyRequests,
        public=True,
        body=True,
    ),
)
async def sign_in(
    data: JSONBody[requests.SignInRequest],
    authority: NamedDependency[Authority],
    client: NamedDependency[Client],
    cookie: NamedDependency[SessionCookie],
    given: NamedDependency[Presented],
    present: NamedDependency[Presenter],
) -> Response[shapes.SignedIn]:
    """Start a session with a name and a password.

    Unknown user, wrong password and disabled account have one answer. Every session whose cookie came along ends, as
    the browser forgets it.
    """
    if data.transport == "cookie":
        cookie.ensure_may_be_set()
    user, started = await authority.sign_in.with_password(
        data.username,
        data.password,
        client=client,
        kind=requests.kind_of(data.transport),
        label=data.label,
    )
    if data.transport == "cookie":
        await authority.sign_out.of(given.cookies, at=client)
    return signed_in(present, user, started, cookie if data.transport == "cookie" else None)


@post(
    "/logout",
    operation_id="sign_out",
    summary="Sign out",
    status_code=200,
    opt={PUBLIC: True},
    security=[{}, {"cookie": []}, {"bearer": []}],
    responses=refusals(errors.SessionInvalid, errors.NotAllowed, public=True),
)
async def sign_out(
    authority: NamedDependency[Authority],
    client: NamedDependency[Client],
    cookie: NamedDependency[SessionCookie],
    given: NamedDependency[Presented],
    identified: NamedDependency[Identified | None],
) -> Response[shapes.Done]:
    """End every session that came along and clear the cookie. It always works, signed in or not.

    A CLI token is not ended. A session that a plan has suspended ends for good by this.
    """
    sent = given.cookies if given.bearer is None else (given.bearer, *given.cookies)
    await authority.sign_out.of(sent, at=client)
    if identified is not None and identified.caller.granted is not None:
        await authority.sessions.log_out(by=identified.caller)
    return signed_out(shapes.Done(), None if given.cookies else identified, cookie)


@get("/whoami", operation_id="who_am_i", summary="Who am I?", responses=refusals())
async def who_am_i(caller: NamedDependency[Caller], present: NamedDependency[Presenter]) -> shapes.WhoAmI:
    """The caller, and the credential that was used. An OAuth client hears what its scopes let it know."""
    return shapes.WhoAmI(
        user=user_of(caller.told),
        session=present.session(caller.session) if caller.session else None,
        token=present.token(caller.token) if caller.token else None,
        grant=grant_of(caller),
    )


@post(
    "/reauthenticate",
    operation_id="reauthenticate",
    summary="Prove the password again",
    status_code=200,
    responses=refusals(errors.WrongCredentials, errors.TooManyRequests, body=True),
)
async def reauthenticate(
    data: JSONBody[requests.ReauthenticateRequest],
    authority: NamedDependency[Authority],
    identified: NamedDependency[Identified],
    cookie: NamedDependency[SessionCookie],
    present: NamedDependency[Presenter],
) -> Response[shapes.SignedIn]:
    """The same session under a new secret, with a fresh sign-in time: for acts that ask for one."""
    started = await authority.sign_in.reauthenticate(data.password, by=identified.caller)
    return renewed(present, identified, started, cookie)


@post(
    "/password",
    operation_id="change_password",
    summary="Change the password",
    status_code=200,
    responses=refusals(errors.WrongCredentials, errors.TooManyRequests, body=True),
)
async def change_password(
    data: JSONBody[requests.PasswordRequest],
    authority: NamedDependency[Authority],
    identified: NamedDependency[Identified],
    cookie: NamedDependency[SessionCookie],
) -> Response[shapes.PasswordChanged]:
    """Change the caller's password. By default every other session of theirs ends; this one gets a new secret."""
    ended = await authority.sign_in.change_password(
        data.current, data.new, by=identified.caller, end_other_sessions=data.end_other_sessions
    )
    content = shapes.PasswordChanged(count=ended.count, live_tokens=ended.live_tokens)
    return spared(content, identified, ended, cookie)


router = Router(
    "/auth",
    route_handlers=[sign_in, sign_out, who_am_i, reauthenticate, change_password],
    tags=["signing in"],
)
