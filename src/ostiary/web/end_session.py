"""Where a client sends its user to sign out (OIDC RP-Initiated Logout 1.0). A GET asks; it ends nothing.

Clients know it as `/oauth/logout`, which leads here: under that name, a POST is a call of the sessions namespace.
"""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency

from ostiary.authority import Authority
from ostiary.authority.oauth.leaving import Departure
from ostiary.core.oauth.fields import read_fields
from ostiary.errors import InvalidRequest, OstiaryError, SessionRevoked
from ostiary.server.exchange import exchange_of
from ostiary.web import leaving, returning
from ostiary.web.access import PUBLIC
from ostiary.web.forms import PageRequest
from ostiary.web.rendering import back, page
from ostiary.web.returning import PACKED
from ostiary.web.visit import visit_of


@get("/oauth/end-session")
async def end_session_page(request: PageRequest, authority: NamedDependency[Authority]) -> Response[Any]:
    """Asks whether to sign out. Who is signed out already goes on at once."""
    try:
        asked = read_fields(request.scope["query_string"])
        departure = await authority.oauth.leaving.read(asked)
    except InvalidRequest as why:
        return _astray(request, why)
    visit = visit_of(request)
    if visit.caller is None and not _is_suspended(visit.refusal):
        return _onward(request, departure)
    if departure.redirect_uri is not None:
        visit.form_targets = (returning.target(departure.redirect_uri),)
    name = departure.client.name if departure.client else None
    return page(request, "end_session.html", packed=returning.pack(asked), name=name)


@post("/oauth/end-session")
async def end_session(request: PageRequest, authority: NamedDependency[Authority]) -> Response[Any]:
    """End this browser's session, and the client's that the request names."""
    visit = visit_of(request)
    try:
        departure = await authority.oauth.leaving.read(returning.unpack(visit.form.text(PACKED)))
    except InvalidRequest as why:
        return _astray(request, why)
    client = exchange_of(request.scope).client
    await authority.oauth.leaving.depart(departure, visit.credentials, at=client)
    await leaving.end_all(request, authority)
    return _onward(request, departure)


def _is_suspended(refusal: OstiaryError | None) -> bool:
    """True for who would be signed in again by the undoing of a plan: they are asked like who is signed in."""
    return isinstance(refusal, SessionRevoked) and "suspended_until" in refusal.fields


def _onward(request: PageRequest, departure: Departure) -> Response[Any]:
    if departure.redirect_uri is None:
        return back(request, "/signed-out")
    return returning.send(request, departure.redirect_uri, {"state": departure.state})


def _astray(request: PageRequest, why: OstiaryError) -> Response[bytes]:
    return page(
        request,
        "failure.html",
        400,
        title="This application sent you here wrongly",
        text=f"Its request cannot be answered: {why.message}. You can still sign out yourself.",
        again="/",
        request_id=None,
    )


router = Router("/", route_handlers=[end_session_page, end_session], opt={PUBLIC: True})
