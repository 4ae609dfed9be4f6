"""What a person does to their sessions. A GET says what will happen and to how many, the POST does it."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ostiary.core.client import MAXIMUM_LABEL
from ostiary.web import leaving
from ostiary.web.destinations import HOME
from ostiary.web.given import OfSession
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.routing import Nothing, get, post
from ostiary.web.sessions import named_rows
from ostiary.web.visit import Visit


@get("/settings/sessions/{session_id}/end", OfSession)
async def end_page(visit: Visit, asked: OfSession) -> Response:
    """Which session it is."""
    device = await leaving.standing_under(visit, asked.session_id)
    return await _about_one("act_end.html", asked.session_id, visit, device=device)


@post("/settings/sessions/{session_id}/end", OfSession, steps_up=True)
async def end(visit: Visit, asked: OfSession) -> Response:
    """End it, if wanted with what stands under it. One's own leads out."""
    standing = visit.form.has("standing")
    done = await visit.authority.sessions.revoke(asked.session_id, by=visit.signed, standing=standing)
    if asked.session_id == visit.signed.session_id:
        await leaving.end_all(visit)
        return back(visit, "/signed-out")
    return back(visit, HOME, write("ended", done.live_tokens))


@get("/settings/sessions/{session_id}/disown", OfSession)
async def disown_page(visit: Visit, asked: OfSession) -> Response:
    """Which session it is, what else will end, and which CLI tokens would still work."""
    others, now = await _count_others(visit), visit.authority.clock()
    tokens = [
        token.name for token in await visit.authority.tokens.list(by=visit.signed) if token.status(now) == "active"
    ]
    return await _about_one("act_disown.html", asked.session_id, visit, others=others, tokens=tokens)


@post("/settings/sessions/{session_id}/disown", OfSession)
async def disown(visit: Visit, asked: OfSession) -> Response:
    """End it and all others, the CLI tokens if wanted, and on to a new password."""
    tokens = visit.form.has("tokens")
    done = await visit.authority.sessions.disown(asked.session_id, by=visit.signed, tokens=tokens)
    visit.go_on(done)
    return back(visit, "/settings/password", write("disowned", done.count, done.tokens, done.live_tokens))


@get("/settings/sessions/{session_id}/label", OfSession)
async def label_page(visit: Visit, asked: OfSession) -> Response:
    """What the device is called now."""
    return await _about_one("act_label.html", asked.session_id, visit, longest=MAXIMUM_LABEL)


@post("/settings/sessions/{session_id}/label", OfSession)
async def label(visit: Visit, asked: OfSession) -> Response:
    """Name the device; nothing takes the name away."""
    session = await visit.authority.sessions.label(asked.session_id, visit.form.text("label"), by=visit.signed)
    return back(visit, HOME, write("named" if session.label else "unnamed"))


@get("/settings/sessions/end-others", Nothing)
async def end_others_page(visit: Visit, _: Nothing) -> Response:
    """How many there are."""
    tokens = await visit.authority.tokens.count_live(by=visit.signed)
    return page(visit, "act_end_others.html", others=await _count_others(visit), tokens=tokens)


@post("/settings/sessions/end-others", Nothing, steps_up=True)
async def end_others(visit: Visit, _: Nothing) -> Response:
    """End every session but this."""
    done = await visit.authority.sessions.revoke_others(by=visit.signed)
    visit.go_on(done)
    return back(visit, HOME, write("others", done.count, done.live_tokens))


@get("/settings/sessions/end-all", Nothing)
async def end_all_page(visit: Visit, _: Nothing) -> Response:
    """Everything that can act as the visit.signed."""
    tokens = await visit.authority.tokens.count_live(by=visit.signed)
    sessions = 1 + await _count_others(visit)
    return page(visit, "act_end_all.html", sessions=sessions, tokens=tokens)


@post("/settings/sessions/end-all", Nothing, steps_up=True)
async def end_all(visit: Visit, _: Nothing) -> Response:
    """End every session, this one too, and the CLI tokens if wanted."""
    done = await visit.authority.sessions.revoke_all(by=visit.signed, tokens=visit.form.has("tokens"))
    await leaving.end_all(visit)
    return back(visit, "/signed-out", write("everywhere", done.count, done.tokens, done.live_tokens))


async def _about_one(template: str, session_id: str, visit: Visit, **more: Any) -> Response:
    session = await visit.authority.sessions.find(session_id, by=visit.signed)
    return page(visit, template, row=(await named_rows(visit, [session])).row(session), **more)


async def _count_others(visit: Visit) -> int:
    return await visit.authority.sessions.count_others(by=visit.signed)
