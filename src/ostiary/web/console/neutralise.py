"""A credential has leaked: what hangs on it is shown, and ends in one act.

The credential comes in a form, is looked at, and is not kept: the second step names what it was by its id.
"""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, get, post

from ostiary.errors import Conflict, InvalidRequest, OstiaryError, SessionNotFound, TokenNotFound
from ostiary.web import leaving, words
from ostiary.web.access import STEPS_UP
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, Signed
from ostiary.web.rendering import page
from ostiary.web.visit import visit_of

HERE: Final = "/admin/neutralise"
_KNOWN: Final = (Conflict, InvalidRequest, SessionNotFound, TokenNotFound)


@get("/neutralise")
async def ask_page(request: PageRequest) -> Response[bytes]:
    """The form."""
    return page(request, "console/neutralise.html")


@post("/neutralise")
async def look(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[Any]:
    """What hangs on it. Nothing ends by that."""
    try:
        found = await authority.neutralising.preview(visit_of(request).form.text("credential"), by=caller)
    except _KNOWN as why:
        return _again(request, why)
    return page(request, "console/neutralise_found.html", found=found, things=words.THINGS)


@post("/neutralise/apply", opt={STEPS_UP: True})
async def end(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[Any]:
    """End all of it. One's own session, if it is among that, too."""
    try:
        done = await authority.neutralising.apply(visit_of(request).form.text("id"), by=caller)
    except _KNOWN as why:
        return _again(request, why)
    if any(thing.id == caller.session_id for thing in done.things):
        await leaving.end_all(request, authority)
    return page(request, "console/neutralise_found.html", found=done, things=words.THINGS)


def _again(request: PageRequest, why: OstiaryError) -> Response[bytes]:
    text = str(why.fields.get("why") or why.message)
    return page(request, "console/neutralise.html", status=why.status, error=f"{text[:1].upper()}{text[1:]}.")


HANDLERS: Final = [ask_page, look, end]
