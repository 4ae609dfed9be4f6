"""Settings → Sessions: what is live, and what ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated

from msgspec import Meta
from starlette.responses import Response

from ostiary.core.session import Session
from ostiary.web.given import PageNumber
from ostiary.web.rendering import nothing_new, page
from ostiary.web.routing import get
from ostiary.web.rows import Overview, Rows, paged
from ostiary.web.visit import Visit


async def named_rows(visit: Visit, sessions: Sequence[Session]) -> Rows:
    """Puts these sessions into words for this caller, now, with the names of the applications."""
    return rows_for(visit, await visit.authority.oauth.clients.names(one.client_id for one in sessions))


def rows_for(visit: Visit, clients: Mapping[str, str] = MappingProxyType({})) -> Rows:
    """Puts sessions into words for this caller, now."""
    authority = visit.authority
    return Rows(visit.signed, authority.policy, visit.context.places, authority.clock(), clients)


async def _overview(visit: Visit, number: int, device: str | None) -> Overview:
    sessions = await visit.authority.sessions.list(by=visit.signed)
    return (await named_rows(visit, sessions)).overview(sessions, number, device)


class Listing(PageNumber):
    """Which part of the list: a page of all, or one device unfolded."""

    device: Annotated[str, Meta(max_length=256)] | None = None


class Poll(Listing):
    """The same, for a page that shows it already."""

    seen: Annotated[str, Meta(max_length=64)] | None = None


@get("/settings/sessions", Listing)
async def sessions_page(visit: Visit, asked: Listing) -> Response:
    """Everywhere that the caller is signed in."""
    return page(visit, "sessions.html", overview=await _overview(visit, asked.page, asked.device), is_part=False)


@get("/settings/sessions/list", Poll, unattended=True)
async def sessions_list(visit: Visit, asked: Poll) -> Response:
    """The list alone, for an open page; nothing if it is what that page shows already."""
    overview = await _overview(visit, asked.page, asked.device)
    if asked.seen == overview.fingerprint:
        return nothing_new()
    return page(visit, "sessions_list.html", overview=overview)


@get("/settings/sessions/ended", PageNumber)
async def ended_page(visit: Visit, asked: PageNumber) -> Response:
    """Those that ended, with when, by whom and why."""
    found = await visit.authority.sessions.list(by=visit.signed, ended=True)
    ended = (await named_rows(visit, found)).ended(found)
    retention = visit.authority.settings.retention
    return page(visit, "sessions_ended.html", ended=paged(ended, asked.page), retention=retention.days)
