"""What a person does to their sessions. A GET says what will happen and to how many, the POST does it."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get, post

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import MAXIMUM_LABEL
from ostiary.web import leaving
from ostiary.web.access import STEPS_UP
from ostiary.web.destinations import HOME
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, SessionIdInPath, Signed
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.sessions import rows_for
from ostiary.web.visit import visit_of

ACTS: Final = {STEPS_UP: True}


@get("/{session_id:str}/end")
async def end_page(
    session_id: SessionIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[bytes]:
    """Which session it is."""
    return await _about_one("act_end.html", session_id, request, authority, caller)


@post("/{session_id:str}/end", opt=ACTS)
async def end(
    session_id: SessionIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[Any]:
    """End it. One's own leads out."""
    done = await authority.sessions.revoke(session_id, by=caller)
    if session_id == caller.session_id:
        await leaving.end_all(request, authority)
        return back(request, "/signed-out")
    return back(request, HOME, write("ended", done.live_tokens))


@get("/{session_id:str}/disown")
async def disown_page(
    session_id: SessionIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[bytes]:
    """Which session it is, and what else will end."""
    others = await _count_others(authority, caller)
    return await _about_one("act_disown.html", session_id, request, authority, caller, others=others)


@post("/{session_id:str}/disown")
async def disown(
    session_id: SessionIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[Any]:
    """End it and all others, and on to a new password."""
    done = await authority.sessions.disown(session_id, by=caller)
    visit_of(request).go_on(done)
    return back(request, "/settings/password", write("disowned", done.count, done.live_tokens))


@get("/{session_id:str}/label")
async def label_page(
    session_id: SessionIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[bytes]:
    """What the device is called now."""
    return await _about_one("act_label.html", session_id, request, authority, caller, longest=MAXIMUM_LABEL)


@post("/{session_id:str}/label")
async def label(
    session_id: SessionIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[Any]:
    """Name the device; nothing takes the name away."""
    session = await authority.sessions.label(session_id, visit_of(request).form.text("label"), by=caller)
    return back(request, HOME, write("named" if session.label else "unnamed"))


@get("/end-others")
async def end_others_page(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[bytes]:
    """How many there are."""
    tokens = await authority.tokens.count_live(by=caller)
    return page(request, "act_end_others.html", others=await _count_others(authority, caller), tokens=tokens)


@post("/end-others", opt=ACTS)
async def end_others(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[Any]:
    """End every session but this."""
    done = await authority.sessions.revoke_others(by=caller)
    visit_of(request).go_on(done)
    return back(request, HOME, write("others", done.count, done.live_tokens))


@get("/end-all")
async def end_all_page(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[bytes]:
    """Everything that can act as the caller."""
    tokens = await authority.tokens.count_live(by=caller)
    sessions = 1 + await _count_others(authority, caller)
    return page(request, "act_end_all.html", sessions=sessions, tokens=tokens)


@post("/end-all", opt=ACTS)
async def end_all(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[Any]:
    """End every session, this one too, and the CLI tokens if wanted."""
    visit = visit_of(request)
    done = await authority.sessions.revoke_all(by=caller, tokens=visit.form.has("tokens"))
    await leaving.end_all(request, authority)
    return back(request, "/signed-out", write("everywhere", done.count, done.tokens, done.live_tokens))


async def _about_one(
    template: str, session_id: str, request: PageRequest, authority: Authority, caller: Caller, **more: Any
) -> Response[bytes]:
    session = await authority.sessions.find(session_id, by=caller)
    return page(request, template, row=rows_for(request, caller).row(session), **more)


async def _count_others(authority: Authority, caller: Caller) -> int:
    return await authority.sessions.count_others(by=caller)


router = Router(
    "/settings/sessions",
    route_handlers=[
        end_page,
        end,
        disown_page,
        disown,
        label_page,
        label,
        end_others_page,
        end_others,
        end_all_page,
        end_all,
    ],
)
