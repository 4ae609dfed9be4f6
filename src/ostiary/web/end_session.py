"""Where a client sends its user to sign out (OIDC RP-Initiated Logout 1.0).

With a hint, an ID token of ours, the session that it names ends at once, unless the browser is signed in as somebody
else; and if that session hangs under this browser's device, so does the device with all that is bound to it. Else it
asks: neither anybody's link nor an ID token from another device signs this browser out.

Clients know it as `/oauth/logout`, which leads here: under that name, a POST is a call of the sessions namespace.
"""

from __future__ import annotations

import contextlib

from starlette.responses import Response

from ostiary.authority.oauth.leaving import Departure
from ostiary.core.oauth.fields import LOGOUT, read_fields
from ostiary.errors import InvalidRequest, OstiaryError, SessionRevoked
from ostiary.web import leaving, phrases, returning, step_up
from ostiary.web.language import gettext
from ostiary.web.rendering import back, page
from ostiary.web.returning import PACKED
from ostiary.web.routing import Nothing, get, post
from ostiary.web.visit import Visit


@get("/oauth/end-session", Nothing, public=True)
async def end_session_page(visit: Visit, _: Nothing) -> Response:
    """Signs out with a hint, and else asks whether to. Who is signed out already goes on at once."""
    try:
        asked = read_fields(visit.exchange.scope["query_string"], LOGOUT)
        departure = await visit.authority.oauth.leaving.read(asked)
    except InvalidRequest as why:
        return _astray(visit, why)
    departed = await visit.authority.oauth.leaving.depart(departure, visit.credentials, at=visit.client)
    if departed == "here":
        if visit.credentials:
            await leaving.end_all(visit)
        return _onward(visit, departure)
    if visit.caller is None and not _is_suspended(visit.refusal):
        return _onward(visit, departure)
    if departure.redirect_uri is not None:
        visit.form_targets = (returning.target(departure.redirect_uri),)
    name = departure.client.name if departure.client else None
    device = await leaving.device_of(visit)
    return page(visit, "end_session.html", packed=returning.pack(asked), name=name, device=device)


def _proof(visit: Visit, error: OstiaryError) -> Response:
    """Ask for the password; what follows leads to the application, as our form did: we read it before we wrote that."""
    if visit.caller is None:
        raise error
    with contextlib.suppress(InvalidRequest):
        packed = returning.unpack(visit.form.text(PACKED), LOGOUT)
        if uri := packed.get("post_logout_redirect_uri"):
            visit.form_targets = (returning.target(uri),)
    return step_up.ask(visit, error)


@post("/oauth/end-session", Nothing, public=True, steps_up=True, again=dict.fromkeys(step_up.STEPS, _proof))
async def end_session(visit: Visit, _: Nothing) -> Response:
    """End this browser's session, and the client's that the request names."""
    try:
        departure = await visit.authority.oauth.leaving.read(returning.unpack(visit.form.text(PACKED), LOGOUT))
    except InvalidRequest as why:
        return _astray(visit, why)
    await leaving.end_device(visit, standing=visit.form.has("standing"))
    await visit.authority.oauth.leaving.depart(departure, visit.credentials, at=visit.client)
    return _onward(visit, departure)


def _is_suspended(refusal: OstiaryError | None) -> bool:
    """True for who would be signed in again by the undoing of a plan: they are asked like who is signed in."""
    return isinstance(refusal, SessionRevoked) and "suspended_until" in refusal.fields


def _onward(visit: Visit, departure: Departure) -> Response:
    if departure.redirect_uri is None:
        return back(visit, "/signed-out")
    return returning.send(visit, departure.redirect_uri, {"state": departure.state})


def _astray(visit: Visit, why: OstiaryError) -> Response:
    return page(
        visit,
        "failure.html",
        400,
        title=gettext("This application sent you here wrongly"),
        text=gettext(
            "Its request cannot be answered: %(why)s. You can still sign out yourself.", why=phrases.with_field(why)
        ),
        again="/",
        request_id=None,
    )
