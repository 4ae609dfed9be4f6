"""Ending one session of anybody."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta
from starlette.responses import Response

from ostiary.web import leaving
from ostiary.web.console.rows import session_rows
from ostiary.web.destinations import own_path
from ostiary.web.given import OfSession
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.routing import get, post
from ostiary.web.visit import Visit

SEARCH: Final = "/admin/sessions"


class EndTakes(OfSession):
    """Which session, and the page to go back to."""

    came_from: Annotated[str, Meta(max_length=4096)] | None = msgspec.field(default=None, name="from")


@get("/admin/sessions/{session_id}/end", EndTakes)
async def end_page(visit: Visit, asked: EndTakes) -> Response:
    """Whose it is, and what it is."""
    session, usernames = await visit.authority.administration.find(asked.session_id, by=visit.signed)
    return page(
        visit,
        "console/act_end.html",
        found=session_rows(visit, [session], usernames)[0],
        device=await leaving.standing_under(visit, asked.session_id),
        home=console_path(asked.came_from),
    )


@post("/admin/sessions/{session_id}/end", OfSession, steps_up=True)
async def end(visit: Visit, asked: OfSession) -> Response:
    """End it, if wanted with what stands under it. One's own leads out."""
    standing = visit.form.has("standing")
    done = await visit.authority.administration.revoke(asked.session_id, by=visit.signed, standing=standing)
    if asked.session_id == visit.signed.session_id:
        await leaving.end_all(visit)
        return back(visit, "/signed-out")
    home = console_path(visit.form.text("home"))
    return back(visit, home, write("one_ended" if done.was_live or done.count else "ended_before", done.live_tokens))


def console_path(text: str | None) -> str:
    """A page of the console to go back to; the search for anything else."""
    path = own_path(text, SEARCH)
    return path if urlsplit(path).path.startswith("/admin") else SEARCH
