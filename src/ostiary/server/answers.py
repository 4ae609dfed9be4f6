"""Answers that set or clear the cookie."""

from __future__ import annotations

from typing import TypeVar

from litestar import Response

from ostiary.authority import RevokedMany, Started
from ostiary.core.account import User
from ostiary.server import shapes
from ostiary.server.callers import Identified
from ostiary.server.cookies import CLEAR_SITE_DATA, SessionCookie
from ostiary.server.presenting import Presenter

T = TypeVar("T")


def signed_in(
    present: Presenter, user: User, started: Started, cookie: SessionCookie | None, status: int = 201
) -> Response[shapes.SignedIn]:
    """A session that was started: its token in the cookie, or in the body where there is none."""
    content = present.signed_in(user, started, with_token=cookie is None)
    headers = {"set-cookie": cookie.holding(started.token)} if cookie else {}
    return Response(content, status_code=status, headers=headers)


def renewed(
    present: Presenter, identified: Identified, started: Started, cookie: SessionCookie
) -> Response[shapes.SignedIn]:
    """A session under a new secret, held as the old one was."""
    held = cookie if identified.by_cookie else None
    return signed_in(present, identified.caller.user, started, held, status=200)


Spared = TypeVar("Spared", shapes.RevokedOthers, shapes.PasswordChanged)


def spared(content: Spared, identified: Identified, done: RevokedMany, cookie: SessionCookie) -> Response[Spared]:
    """The caller's own session goes on under a new secret, held as the old one was."""
    if done.renewed is None:
        return Response(content, status_code=200)
    if identified.by_cookie:
        return Response(content, status_code=200, headers={"set-cookie": cookie.holding(done.renewed.token)})
    content.token = done.renewed.token
    return Response(content, status_code=200)


def signed_out(content: T, identified: Identified | None, cookie: SessionCookie) -> Response[T]:
    """The caller's own session has ended: nothing of it stays in the browser. A bearer has nothing to clear."""
    if identified is not None and not identified.by_cookie:
        return Response(content, status_code=200)
    headers = {"set-cookie": cookie.cleared, "clear-site-data": CLEAR_SITE_DATA}
    return Response(content, status_code=200, headers=headers)
