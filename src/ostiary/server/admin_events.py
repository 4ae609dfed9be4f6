"""The audit trail, for administrators."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from ostiary import errors
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.event import EVENT_KINDS, EventKind, Wanted
from ostiary.server import admin_shapes, requests
from ostiary.server.cursors import Cursor, before_event, read_event
from ostiary.server.refusals import refusals
from ostiary.server.shapes import SESSION_ID

KindFilter = Annotated[
    str | None,
    QueryParameter(
        max_length=512,
        description="Of these kinds only, with commas between.",
        examples=[Example(value="session.started,session.revoked")],
    ),
]
SessionFilter = Annotated[
    str | None,
    QueryParameter(max_length=64, description="About this session only.", examples=[Example(value=SESSION_ID)]),
]


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
    kind: KindFilter = None,
    session_id: SessionFilter = None,
    since: requests.TimeFilter = None,
    until: requests.TimeFilter = None,
    order: Annotated[Literal["newest", "oldest"], QueryParameter(description="Which come first.")] = "newest",
    after: Annotated[
        int | None,
        QueryParameter(ge=0, le=2**63 - 1, description="With `order=oldest`: only what is after this position."),
    ] = None,
    cursor: Cursor = None,
    limit: Annotated[int, QueryParameter(ge=1, le=1000, description="Events in one page.")] = 100,
) -> admin_shapes.EventPage:
    """One page of what happened."""
    begin = read_event(cursor)
    wanted = Wanted(
        session_id=session_id,
        kinds=_kinds(kind),
        since=requests.instant("since", since),
        until=requests.instant("until", until),
    )
    if order == "oldest":
        start = begin if begin is not None else after or 0
        page = await authority.audit.follow(by=caller, username=user, wanted=wanted, after=start, limit=limit)
    elif after is not None:
        raise errors.InvalidRequest("after", "belongs to order=oldest")
    else:
        page = await authority.audit.list(by=caller, username=user, wanted=wanted, before=begin, limit=limit)
    return admin_shapes.EventPage(
        events=[admin_shapes.event_of(event) for event in page.events],
        next_cursor=before_event(page.beyond),
        settled=page.settled,
    )


@get(
    "/events/{event_id:str}/receipt",
    operation_id="receipt_of_ending",
    summary="A signed receipt of an ending",
    responses=refusals(errors.EventNotFound, errors.Conflict),
)
async def receipt_of_ending(
    event_id: Annotated[
        str,
        PathParameter(
            max_length=64,
            description="The ended session's id, or the position of the event that tells of it.",
            examples=[Example(value=SESSION_ID)],
        ),
    ],
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
) -> admin_shapes.Receipt:
    """Who ended which sessions, when and why, as a JWS that the published keys verify."""
    return admin_shapes.Receipt(receipt=await authority.receipts.of(event_id, by=caller))


def _kinds(text: str | None) -> tuple[EventKind, ...]:
    if text is None:
        return ()
    named = [part.strip() for part in text.split(",")]
    known = tuple(kind for kind in EVENT_KINDS if kind in named)
    if unknown := sorted(set(named) - set(known)):
        raise errors.InvalidRequest("kind", f'there is no kind of event "{unknown[0][:64]}"')
    return known


router = Router("/admin", route_handlers=[list_events, receipt_of_ending], tags=["administration: audit trail"])
