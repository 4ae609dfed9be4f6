"""What happened: the trail, newest first, followed while the page is open."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final

from msgspec import Meta
from starlette.responses import Response

from ostiary.errors import UserNotFound
from ostiary.web.console.rows import event_rows
from ostiary.web.rendering import nothing_new, page
from ostiary.web.routing import PageTakes, get
from ostiary.web.visit import Visit

PAGE: Final = 50  # events on one page


class Trail(PageTakes):
    """Whose, and from where back."""

    user: Annotated[str, Meta(max_length=256)] | None = None
    before: Annotated[int, Meta(ge=1, le=2**62)] | None = None


class Poll(PageTakes):
    """The newest, for a page that shows some already."""

    user: Annotated[str, Meta(max_length=256)] | None = None
    seen: Annotated[str, Meta(max_length=64)] | None = None


@get("/admin/events", Trail)
async def events_page(visit: Visit, asked: Trail) -> Response:
    """A page of the trail, of one asked.user or of all."""
    return page(visit, "console/events.html", **await _shown(visit, asked.user, asked.before))


@get("/admin/events/list", Poll, unattended=True)
async def events_list(visit: Visit, asked: Poll) -> Response:
    """The newest events alone, for an open page; nothing if they are what that page shows already.

    The whole page is read again each time, as an event may appear below one that was seen: positions are given in the
    order of writing, and asked.seen in the order of committing.
    """
    shown = await _shown(visit, asked.user, None)
    if asked.seen == shown["fingerprint"]:
        return nothing_new()
    return page(visit, "console/events_list.html", **shown)


async def _shown(visit: Visit, user: str | None, before: int | None) -> dict[str, Any]:
    username = user.strip() if user and user.strip() else None
    try:
        found = await visit.authority.audit.list(by=visit.signed, username=username, before=before, limit=PAGE)
        events, more = list(found.events), found.beyond
    except UserNotFound:
        events, more = [], None
    names = await visit.authority.accounts.names(
        {event.user_id or "" for event in events} | {e.by or "" for e in events}
    )
    fingerprint = hashlib.sha256(repr([event.position for event in events]).encode()).hexdigest()[:32]
    return {
        "events": event_rows(events, names, visit.authority.clock()),
        "more": more,
        "user": username,
        "is_newest": before is None,
        "fingerprint": fingerprint,
    }
