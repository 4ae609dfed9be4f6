"""Ending one session of anybody."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlsplit

from litestar import Response, get, post
from litestar.params import QueryParameter

from ostiary.web import leaving
from ostiary.web.access import STEPS_UP
from ostiary.web.console.rows import found
from ostiary.web.destinations import own_path
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, SessionIdInPath, Signed
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.visit import visit_of

SEARCH: Final = "/admin/sessions"

From: TypeAlias = Annotated[str | None, QueryParameter(name="from", max_length=4096)]


@get("/sessions/{session_id:str}/end")
async def end_page(
    session_id: SessionIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed, came_from: From = None
) -> Response[bytes]:
    """Whose it is, and what it is."""
    session, usernames = await authority.administration.find(session_id, by=caller)
    return page(
        request,
        "console/act_end.html",
        found=found(request, [session], usernames)[0],
        home=console_path(came_from),
    )


@post("/sessions/{session_id:str}/end", opt={STEPS_UP: True})
async def end(
    session_id: SessionIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[Any]:
    """End it. One's own leads out."""
    done = await authority.administration.revoke(session_id, by=caller)
    if session_id == caller.session_id:
        await leaving.end_all(request, authority)
        return back(request, "/signed-out")
    home = console_path(visit_of(request).form.text("home"))
    return back(request, home, write("one_ended" if done.was_live else "ended_before", done.live_tokens))


def console_path(text: str | None) -> str:
    """A page of the console to go back to; the search for anything else."""
    path = own_path(text, SEARCH)
    return path if urlsplit(path).path.startswith("/admin") else SEARCH


HANDLERS: Final = [end_page, end]
