"""Settings → Sessions: what is live, and what ended."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.server.context import context_of
from ostiary.web.access import UNATTENDED
from ostiary.web.forms import PageRequest
from ostiary.web.given import Device, OurAuthority, PageNumber, Seen, Signed
from ostiary.web.rendering import page
from ostiary.web.rows import Overview, Rows, paged


def rows_for(request: PageRequest, caller: Caller) -> Rows:
    """Puts sessions into words for this caller, now."""
    context = context_of(request)
    return Rows(caller, context.authority.policy, context.places, context.authority.clock())


async def _overview(
    request: PageRequest, authority: Authority, caller: Caller, number: int, device: str | None
) -> Overview:
    sessions = await authority.sessions.list(by=caller)
    return rows_for(request, caller).overview(sessions, number, device)


@get("/")
async def sessions_page(
    request: PageRequest,
    authority: OurAuthority,
    caller: Signed,
    number: PageNumber = 1,
    device: Device = None,
) -> Response[bytes]:
    """Everywhere that the caller is signed in."""
    return page(
        request, "sessions.html", overview=await _overview(request, authority, caller, number, device), is_part=False
    )


@get("/list", opt={UNATTENDED: True})
async def sessions_list(
    request: PageRequest,
    authority: OurAuthority,
    caller: Signed,
    number: PageNumber = 1,
    device: Device = None,
    seen: Seen = None,
) -> Response[Any]:
    """The list alone, for an open page; nothing if it is what that page shows already."""
    overview = await _overview(request, authority, caller, number, device)
    if seen == overview.fingerprint:
        return Response(None, status_code=204)
    return page(request, "sessions_list.html", overview=overview)


@get("/ended")
async def ended_page(
    request: PageRequest, authority: OurAuthority, caller: Signed, number: PageNumber = 1
) -> Response[bytes]:
    """Those that ended, with when, by whom and why."""
    ended = rows_for(request, caller).ended(await authority.sessions.list(by=caller, ended=True))
    retention = authority.settings.retention
    return page(request, "sessions_ended.html", ended=paged(ended, number), retention=retention.days)


router = Router("/settings/sessions", route_handlers=[sessions_page, sessions_list, ended_page])
