"""What happened: the trail, newest first, followed while the page is open."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, TypeAlias

from litestar import Response, get
from litestar.params import QueryParameter

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.errors import UserNotFound
from ostiary.web.access import UNATTENDED
from ostiary.web.console.rows import told
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, Seen, Signed
from ostiary.web.rendering import page

PAGE: Final = 50  # events on one page

Before: TypeAlias = Annotated[int | None, QueryParameter(ge=1, le=2**62)]
OfUser: TypeAlias = Annotated[str | None, QueryParameter(max_length=256)]


@get("/events")
async def events_page(
    request: PageRequest, authority: OurAuthority, caller: Signed, user: OfUser = None, before: Before = None
) -> Response[bytes]:
    """A page of the trail, of one user or of all."""
    return page(request, "console/events.html", **await _shown(authority, caller, user, before))


@get("/events/list", opt={UNATTENDED: True})
async def events_list(
    request: PageRequest, authority: OurAuthority, caller: Signed, user: OfUser = None, seen: Seen = None
) -> Response[Any]:
    """The newest events alone, for an open page; nothing if they are what that page shows already.

    The whole page is read again each time, as an event may appear below one that was seen: positions are given in the
    order of writing, and seen in the order of committing.
    """
    shown = await _shown(authority, caller, user, None)
    if seen == shown["fingerprint"]:
        return Response(None, status_code=204)
    return page(request, "console/events_list.html", **shown)


async def _shown(authority: Authority, caller: Caller, user: str | None, before: int | None) -> dict[str, Any]:
    username = user.strip() if user and user.strip() else None
    try:
        found = await authority.audit.list(by=caller, username=username, before=before, limit=PAGE)
        events, more = list(found.events), found.beyond
    except UserNotFound:
        events, more = [], None
    names = await authority.accounts.names({event.user_id or "" for event in events} | {e.by or "" for e in events})
    fingerprint = hashlib.sha256(repr([event.position for event in events]).encode()).hexdigest()[:32]
    return {
        "events": told(events, names, authority.clock()),
        "more": more,
        "user": username,
        "is_newest": before is None,
        "fingerprint": fingerprint,
    }


HANDLERS: Final = [events_page, events_list]
