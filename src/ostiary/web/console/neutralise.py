"""A credential has leaked: what hangs on it is shown, and ends in one act.

The credential comes in a form, is looked at, and is not kept: the second step names what it was by its id.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from ostiary.errors import Conflict, InvalidRequest, OstiaryError, SessionNotFound, TokenNotFound
from ostiary.web import leaving, words
from ostiary.web.language import sentence
from ostiary.web.rendering import page
from ostiary.web.routing import Nothing, get, post
from ostiary.web.visit import Visit

HERE: Final = "/admin/neutralise"
_KNOWN: Final = (Conflict, InvalidRequest, SessionNotFound, TokenNotFound)


@get("/admin/neutralise", Nothing)
async def ask_page(visit: Visit, _: Nothing) -> Response:
    """The form."""
    return page(visit, "console/neutralise.html")


@post("/admin/neutralise", Nothing)
async def look(visit: Visit, _: Nothing) -> Response:
    """What hangs on it. Nothing ends by that."""
    try:
        found = await visit.authority.neutralising.preview(visit.form.text("credential"), by=visit.signed)
    except _KNOWN as why:
        return _again(visit, why)
    return page(visit, "console/neutralise_found.html", found=found, things=words.in_words(words.THINGS))


@post("/admin/neutralise/apply", Nothing, steps_up=True)
async def end(visit: Visit, _: Nothing) -> Response:
    """End all of it. One's own session, if it is among that, too."""
    try:
        done = await visit.authority.neutralising.apply(visit.form.text("id"), by=visit.signed)
    except _KNOWN as why:
        return _again(visit, why)
    if any(one.id == visit.signed.session_id for one in done.derived):
        await leaving.end_all(visit)
    return page(visit, "console/neutralise_found.html", found=done, things=words.in_words(words.THINGS))


def _again(visit: Visit, why: OstiaryError) -> Response:
    return page(visit, "console/neutralise.html", status=why.status, error=sentence(why.shown))
