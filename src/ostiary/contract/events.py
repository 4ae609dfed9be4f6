"""The audit trail, for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.answer import Answer
from ostiary.contract.calling import W
from ostiary.contract.fields import Cursor, NextCursor, Time, Username
from ostiary.contract.operation import Namespace, Operation, Takes
from ostiary.contract.shapes import SESSION_ID, Instant
from ostiary.core.event import EventKind
from ostiary.errors import Conflict, EventNotFound, UserNotFound


class Event(Answer, kw_only=True):
    """What happened, to whom, by whom, from where and why."""

    position: Annotated[int | None, Meta(description="Its place in the trail.")]
    at: Instant
    kind: EventKind
    user_id: str | None
    session_id: str | None
    by: Annotated[str | None, Meta(description="A user, a CLI token, or `database:` and a login.")]
    ip: str | None
    user_agent: str | None
    reason: str | None
    request_id: str | None
    detail: Annotated[dict[str, str | int | bool | None], Meta(description="More, by kind.")]


class EventPage(Answer, kw_only=True):
    """A page of the audit trail."""

    events: Sequence[Event]
    next_cursor: NextCursor
    settled: Annotated[
        int,
        Meta(
            description="With `order=oldest`: nothing can appear at or below this position any more. "
            "Who follows the trail asks again after it, and forgets what they have seen."
        ),
    ]

    @property
    def items(self) -> Sequence[Event]:
        """The events."""
        return self.events


class Receipt(Answer, kw_only=True):
    """A signed statement about an ending."""

    receipt: Annotated[str, Meta(description="A JWS in its compact form (RFC 7515) of the type `ostiary-receipt+jwt`.")]


class ListEvents(Takes, kw_only=True):
    """One page of what happened."""

    user: Annotated[Username | None, Meta(description="Of this user only.")] = None
    kind: Annotated[
        Annotated[str, Meta(max_length=512, examples=["session.started,session.revoked"])] | None,
        Meta(description="Of these kinds only, with commas between."),
    ] = None
    session_id: Annotated[
        Annotated[str, Meta(max_length=64, examples=[SESSION_ID])] | None,
        Meta(description="About this session only."),
    ] = None
    since: Annotated[Time | None, Meta(description="RFC 3339.")] = None
    until: Annotated[Time | None, Meta(description="RFC 3339.")] = None
    order: Annotated[Literal["newest", "oldest"], Meta(description="Which come first.")] = "newest"
    after: Annotated[
        Annotated[int, Meta(ge=0, le=2**63 - 1)] | None,
        Meta(description="With `order=oldest`: only what is after this position."),
    ] = None
    cursor: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Events in one page.")] = 100


class ReceiptOfEnding(Takes):
    """Who ended which sessions, when and why, as a JWS that the published keys verify."""

    event_id: Annotated[
        str,
        Meta(
            max_length=64,
            description="The ended session's id, or the position of the event that tells of it.",
            examples=[SESSION_ID],
        ),
    ]


class AdminEvents(Namespace[W]):
    """The audit trail."""

    tag = "administration: audit trail"

    list = Operation(
        "GET",
        "/api/v1/admin/events",
        ListEvents,
        EventPage,
        summary="Read the audit trail",
        errors=(UserNotFound,),
    )
    receipt = Operation(
        "GET",
        "/api/v1/admin/events/{event_id}/receipt",
        ReceiptOfEnding,
        Receipt,
        summary="A signed receipt of an ending",
        errors=(EventNotFound, Conflict),
    )
