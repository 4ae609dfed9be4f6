"""Users: all of them by name, and one with everything that can act as them."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias
from urllib.parse import quote

from litestar import Response, get
from litestar.params import QueryParameter

from ostiary.core.selector import Selector
from ostiary.errors import UserNotFound
from ostiary.web.console.rows import found, told
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, Signed, UsernameInPath
from ostiary.web.rendering import back, page

PAGE: Final = 50  # users on one page
SHOWN: Final = 100  # sessions of a user on their page; the search has the rest
HISTORY: Final = 25  # events on a user's page

After: TypeAlias = Annotated[str | None, QueryParameter(max_length=256)]
Wanted: TypeAlias = Annotated[str | None, QueryParameter(max_length=256)]


@get("/users")
async def users_page(
    request: PageRequest, authority: OurAuthority, caller: Signed, after: After = None, username: Wanted = None
) -> Response[bytes]:
    """A page of all users by name; or straight to one whose name was typed."""
    missing = None
    if username and username.strip():
        try:
            overview = await authority.accounts.find(username.strip(), by=caller)
            return back(request, user_path(overview.user.username or ""))
        except UserNotFound:
            missing = username.strip()
    users, more = await authority.accounts.list(by=caller, after=after, limit=PAGE)
    return page(request, "console/users.html", users=users, more=more, is_first=after is None, missing=missing)


@get("/users/{username:str}")
async def user_page(
    username: UsernameInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[bytes]:
    """One user: where they are signed in, what programs act as them, what happened."""
    overview = await authority.accounts.find(username, by=caller)
    user = overview.user
    names = {user.id: user.username or user.id}
    live = await authority.administration.search(
        Selector(user=user.id, status="live"), by=caller, sort="-last_used_at", limit=SHOWN
    )
    tokens = await authority.tokens.list_of(user.id, by=caller)
    history = await authority.audit.list(by=caller, username=username, limit=HISTORY)
    now = authority.clock()
    return page(
        request,
        "console/user.html",
        overview=overview,
        user=user,
        sessions=found(request, live.sessions, names),
        tokens=[token for token in tokens if token.status(now) == "active"],
        history=told(history.events, names, now),
        has_more_history=history.beyond is not None,
    )


def user_path(username: str) -> str:
    """Where one user's page is."""
    return f"/admin/users/{quote(username, safe='')}"


HANDLERS: Final = [users_page, user_page]
