"""Signing out."""

from __future__ import annotations

from starlette.responses import Response

from ostiary.web import phrases
from ostiary.web.destinations import HOME
from ostiary.web.rendering import back, page
from ostiary.web.routing import Nothing, get, post
from ostiary.web.visit import Visit


@get("/sign-out", Nothing)
async def sign_out_page(visit: Visit, _: Nothing) -> Response:
    """Asks; a GET ends nothing."""
    return page(visit, "sign_out.html")


@post("/sign-out", Nothing, public=True, leaves=True)
async def sign_out(visit: Visit, _: Nothing) -> Response:
    """End this session, for good. It works signed in or not."""
    await end_all(visit)
    return back(visit, "/signed-out")


async def end_all(visit: Visit) -> None:
    """End every session whose cookie this browser sent, and have it forget them."""
    await visit.authority.sign_out.of(visit.credentials, at=visit.client)
    visit.sign_off()


@get("/signed-out", Nothing, public=True)
async def signed_out_page(visit: Visit, _: Nothing) -> Response:
    """Where signing out leads. It clears nothing: anybody can be led here by a link."""
    if visit.caller is not None:
        return back(visit, HOME)
    farewell = phrases.farewell(visit.refusal) if visit.refusal else None
    return page(visit, "signed_out.html", farewell=farewell)
