"""The first administrator, by the one-time link that the server prints."""

from __future__ import annotations

from litestar import Response, Router, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ostiary import errors
from ostiary.authority import Authority, Beginning
from ostiary.core.client import Client
from ostiary.server import requests, shapes
from ostiary.server.access import PUBLIC
from ostiary.server.answers import signed_in
from ostiary.server.cookies import SessionCookie
from ostiary.server.presenting import Presenter
from ostiary.server.refusals import refusals


@post(
    "/setup",
    operation_id="set_up",
    summary="Add the first administrator",
    opt={PUBLIC: True},
    security=[{}],
    responses=refusals(
        errors.SetupCodeNotFound, errors.SessionInvalid, errors.NotAllowed, errors.Conflict, public=True, body=True
    ),
)
async def set_up(
    data: JSONBody[requests.SetupRequest],
    authority: NamedDependency[Authority],
    client: NamedDependency[Client],
    cookie: NamedDependency[SessionCookie],
    present: NamedDependency[Presenter],
) -> Response[shapes.SignedIn]:
    """Use the link: it works once, and only while there is no account. The new administrator is signed in."""
    if data.transport == "cookie":
        cookie.ensure_may_be_set()
    user = await authority.setup.complete(data.code, data.username, data.password, client=client, email=data.email)
    started = await authority.sessions.start(
        user.id,
        client=client,
        kind=requests.kind_of(data.transport),
        amr=("pwd",),
        began=Beginning.of_new(user.id),
    )
    return signed_in(present, user, started, cookie if data.transport == "cookie" else None)


router = Router("/", route_handlers=[set_up], tags=["signing in"])
