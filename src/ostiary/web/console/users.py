"""Users: all of them by name, and one with everything that can act as them."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote

from msgspec import Meta
from starlette.responses import Response

from ostiary.core.selector import Selector
from ostiary.errors import UserNotFound
from ostiary.web.console.rows import event_rows, session_rows
from ostiary.web.given import OfUser
from ostiary.web.rendering import back, page
from ostiary.web.routing import PageTakes, get
from ostiary.web.visit import Visit

PAGE: Final = 50  # users on one page
SHOWN: Final = 100  # sessions of a user on their page; the search has the rest
HISTORY: Final = 25  # events on a user's page


class Users(PageTakes):
    """From which name on; or a name to go to."""

    after: Annotated[str, Meta(max_length=256)] | None = None
    username: Annotated[str, Meta(max_length=256)] | None = None


@get("/admin/users", Users)
async def users_page(visit: Visit, asked: Users) -> Response:
    """A page of all users by name; or straight to one whose name was typed."""
    missing = None
    if asked.username and asked.username.strip():
        try:
            overview = await visit.authority.accounts.find(asked.username.strip(), by=visit.signed)
            return back(visit, user_path(overview.user.username or ""))
        except UserNotFound:
            missing = asked.username.strip()
    users, more = await visit.authority.accounts.list(by=visit.signed, after=asked.after, limit=PAGE)
    return page(visit, "console/users.html", users=users, more=more, is_first=asked.after is None, missing=missing)


@get("/admin/users/{username}", OfUser)
async def user_page(visit: Visit, asked: OfUser) -> Response:
    """One user: where they are signed in, what programs act as them, what happened."""
    overview = await visit.authority.accounts.find(asked.username, by=visit.signed)
    user = overview.user
    names = {user.id: user.username or user.id}
    live = await visit.authority.administration.search(
        Selector(user=user.id, status="live"), by=visit.signed, sort="-last_used_at", limit=SHOWN
    )
    tokens = await visit.authority.tokens.list_of(user.id, by=visit.signed)
    history = await visit.authority.audit.list(by=visit.signed, username=asked.username, limit=HISTORY)
    names |= await visit.authority.accounts.names({event.by or "" for event in history.events})
    now = visit.authority.clock()
    return page(
        visit,
        "console/user.html",
        overview=overview,
        user=user,
        sessions=session_rows(visit, live.sessions, names),
        tokens=[token for token in tokens if token.status(now) == "active"],
        history=event_rows(history.events, names, now),
        has_more_history=history.beyond is not None,
    )


def user_path(username: str) -> str:
    """Where one user's page is."""
    return f"/admin/users/{quote(username, safe='')}"
