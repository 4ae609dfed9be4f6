"""Signing out."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post

from ostiary.authority import Authority
from ostiary.server.exchange import exchange_of
from ostiary.web import words
from ostiary.web.access import LEAVES, PUBLIC
from ostiary.web.destinations import HOME
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority
from ostiary.web.rendering import back, page
from ostiary.web.visit import visit_of


@get("/sign-out")
async def sign_out_page(request: PageRequest) -> Response[bytes]:
    """Asks; a GET ends nothing."""
    return page(request, "sign_out.html")


@post("/sign-out", opt={PUBLIC: True, LEAVES: True})
async def sign_out(request: PageRequest, authority: OurAuthority) -> Response[bytes]:
    """End this session, for good. It works signed in or not."""
    await end_all(request, authority)
    return back(request, "/signed-out")


async def end_all(request: PageRequest, authority: Authority) -> None:
    """End every session whose cookie this browser sent, and have it forget them."""
    visit = visit_of(request)
    await authority.sign_out.of(visit.credentials, at=exchange_of(request.scope).client)
    visit.sign_off()


@get("/signed-out", opt={PUBLIC: True})
async def signed_out_page(request: PageRequest) -> Response[Any]:
    """Where signing out leads. It clears nothing: anybody can be led here by a link."""
    visit = visit_of(request)
    if visit.caller is not None:
        return back(request, HOME)
    farewell = words.farewell(visit.refusal) if visit.refusal else None
    return page(request, "signed_out.html", farewell=farewell)


router = Router("/", route_handlers=[sign_out_page, sign_out, signed_out_page])
