"""What an administrator does to a user. A GET says what will happen and to how much, the POST does it."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, get, post

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.web import leaving
from ostiary.web.access import STEPS_UP
from ostiary.web.console.users import user_path
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, Signed, UsernameInPath
from ostiary.web.notices import write
from ostiary.web.rendering import back, page

ACTS: Final = {STEPS_UP: True}


@get("/users/{username:str}/sign-out")
async def sign_out_page(
    username: UsernameInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[bytes]:
    """How many sessions of theirs would end."""
    return await _about("console/act_sign_out.html", username, request, authority, caller)


@post("/users/{username:str}/sign-out", opt=ACTS)
async def sign_out(
    username: UsernameInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[Any]:
    """End every session of theirs. One's own leads out."""
    overview = await authority.accounts.find(username, by=caller)
    await authority.administration.log_out(username, by=caller)
    if overview.user.id == caller.user.id:
        await leaving.end_all(request, authority)
        return back(request, "/signed-out")
    return back(request, user_path(username), write("user_out", overview.sessions, overview.tokens))


@get("/users/{username:str}/disable")
async def disable_page(
    username: UsernameInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[bytes]:
    """What would end."""
    return await _about("console/act_disable.html", username, request, authority, caller)


@post("/users/{username:str}/disable", opt=ACTS)
async def disable(
    username: UsernameInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[Any]:
    """No sign-in any more, and everything of theirs ends."""
    ended = await authority.accounts.disable(username, by=caller)
    if username == caller.user.username:
        await leaving.end_all(request, authority)
        return back(request, "/signed-out")
    return back(request, user_path(username), write("user_disabled", ended.count, ended.tokens))


@get("/users/{username:str}/enable")
async def enable_page(
    username: UsernameInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[bytes]:
    """What it would mean."""
    return await _about("console/act_enable.html", username, request, authority, caller)


@post("/users/{username:str}/enable", opt=ACTS)
async def enable(
    username: UsernameInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[Any]:
    """They may sign in again."""
    await authority.accounts.enable(username, by=caller)
    return back(request, user_path(username), write("user_enabled"))


async def _about(
    template: str, username: str, request: PageRequest, authority: Authority, caller: Caller
) -> Response[bytes]:
    overview = await authority.accounts.find(username, by=caller)
    return page(request, template, overview=overview, user=overview.user, home=user_path(username))


HANDLERS: Final = [sign_out_page, sign_out, disable_page, disable, enable_page, enable]
