"""Signing out."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from ostiary.core.session import Hold
from ostiary.web import phrases
from ostiary.web.destinations import HOME
from ostiary.web.rendering import back, page
from ostiary.web.routing import Nothing, get, post
from ostiary.web.visit import Visit


@get("/sign-out", Nothing)
async def sign_out_page(visit: Visit, _: Nothing) -> Response:
    """Asks; a GET ends nothing."""
    return page(visit, "sign_out.html", device=await device_of(visit))


@post("/sign-out", Nothing, public=True, leaves=True, steps_up=True)
async def sign_out(visit: Visit, _: Nothing) -> Response:
    """End this session, for good, with what is bound to it. It works signed in or not.

    What stands by itself ends with it only for who proved lately who they are, as by every other way.
    """
    await end_device(visit, standing=visit.form.has("standing"))
    return back(visit, "/signed-out")


@dataclass(frozen=True, slots=True)
class HangsHere:
    """The names of the applications that this device has let in.

    Attributes:
        bound: end with it.
        standing: act while their person is away; end with it if wanted.
    """

    bound: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()


async def device_of(visit: Visit) -> HangsHere:
    """What hangs under the device that the caller is on."""
    if visit.caller is None or visit.caller.session is None:
        return HangsHere()
    own = visit.caller.session.device_id
    found = [one for one in await visit.authority.sessions.list(by=visit.caller) if one.root_id == own]
    names = await visit.authority.oauth.clients.names(one.client_id for one in found)

    def of(hold: Hold) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names.get(one.client_id or "", "") for one in found if one.hold == hold))

    return HangsHere(of("bound"), of("standing"))


async def standing_under(visit: Visit, session_id: str) -> HangsHere:
    """What a session let in that acts while its person is away: it ends with that only if wanted."""
    found = await visit.authority.sessions.standing_under(session_id, by=visit.signed)
    names = await visit.authority.oauth.clients.names(one.client_id for one in found)
    return HangsHere(standing=tuple(dict.fromkeys(names.get(one.client_id or "") or one.id for one in found)))


async def end_device(visit: Visit, *, standing: bool) -> None:
    """End what this browser holds, with what is bound to it; if wanted also what stands under it."""
    if standing and visit.caller is not None and visit.caller.session is not None:
        own, by = visit.caller.session.id, visit.caller
        await visit.authority.sessions.revoke(own, by=by, reason="logout", extent="device", standing=True)
    await end_all(visit)


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
