"""What an administrator does to a user. A GET says what will happen and to how much, the POST does it."""

from __future__ import annotations

from starlette.responses import Response

from ostiary.web import leaving
from ostiary.web.console.users import user_path
from ostiary.web.given import OfUser
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.routing import get, post
from ostiary.web.visit import Visit


@get("/admin/users/{username}/sign-out", OfUser)
async def sign_out_page(visit: Visit, asked: OfUser) -> Response:
    """How many sessions of theirs would end."""
    return await _about("console/act_sign_out.html", asked.username, visit)


@post("/admin/users/{username}/sign-out", OfUser, steps_up=True)
async def sign_out(visit: Visit, asked: OfUser) -> Response:
    """End every session of theirs. One's own leads out."""
    overview = await visit.authority.accounts.find(asked.username, by=visit.signed)
    await visit.authority.administration.log_out(asked.username, by=visit.signed)
    if overview.user.id == visit.signed.user.id:
        await leaving.end_all(visit)
        return back(visit, "/signed-out")
    return back(visit, user_path(asked.username), write("user_out", overview.sessions, overview.tokens))


@get("/admin/users/{username}/disable", OfUser)
async def disable_page(visit: Visit, asked: OfUser) -> Response:
    """What would end."""
    return await _about("console/act_disable.html", asked.username, visit)


@post("/admin/users/{username}/disable", OfUser, steps_up=True)
async def disable(visit: Visit, asked: OfUser) -> Response:
    """No sign-in any more, and everything of theirs ends."""
    ended = await visit.authority.accounts.disable(asked.username, by=visit.signed)
    if asked.username == visit.signed.user.username:
        await leaving.end_all(visit)
        return back(visit, "/signed-out")
    return back(visit, user_path(asked.username), write("user_disabled", ended.count, ended.tokens))


@get("/admin/users/{username}/enable", OfUser)
async def enable_page(visit: Visit, asked: OfUser) -> Response:
    """What it would mean."""
    return await _about("console/act_enable.html", asked.username, visit)


@post("/admin/users/{username}/enable", OfUser, steps_up=True)
async def enable(visit: Visit, asked: OfUser) -> Response:
    """They may sign in again."""
    await visit.authority.accounts.enable(asked.username, by=visit.signed)
    return back(visit, user_path(asked.username), write("user_enabled"))


async def _about(template: str, username: str, visit: Visit) -> Response:
    overview = await visit.authority.accounts.find(username, by=visit.signed)
    return page(visit, template, overview=overview, user=overview.user, home=user_path(username))
