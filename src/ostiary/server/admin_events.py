"""The audit trail, for administrators."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from ostiary import errors
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.server import admin_shapes, requests
from ostiary.server.cursors import Cursor, before_event, read_event
from ostiary.server.refusals import refusals


@get(
    "/events",
    operation_id="list_events",
    summary="Read the audit trail",
    responses=refusals(errors.UserNotFound),
)
async def list_events(
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    user: requests.UserFilter = None,
    cursor: Cursor = None,
    limit: Annotated[int, QueryParameter(ge=1, le=1000, description="Events in one page.")] = 100,
) -> admin_shapes.EventPage:
    """One page of what happened, newest first."""
    page = await authority.audit.list(by=caller, username=user, before=read_event(cursor), limit=limit)
    return admin_shapes.EventPage(
        events=[admin_shapes.event_of(event) for event in page.events], next_cursor=before_event(page.beyond)
    )


router = Router("/admin", route_handlers=[list_events], tags=["administration: audit trail"])
