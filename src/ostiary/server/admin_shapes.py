"""What the API answers to administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from ostiary.core.event import Event as CoreEvent
from ostiary.core.event import EventKind
from ostiary.core.plan import Plan, State
from ostiary.server.shapes import SECRET, SESSION_ID, AdminSession, Count, Instant, Session, SessionId, User


class AdminUser(User, kw_only=True):
    """A user as an administrator sees them."""

    created_at: Instant | None
    disabled_at: Annotated[Instant | None, Meta(description="Nothing of a disabled user works.")]


class UserAnswer(Struct, kw_only=True):
    """One user."""

    user: AdminUser


class UserOverview(Struct, kw_only=True):
    """One user, and how many sessions and CLI tokens of theirs work now."""

    user: AdminUser
    sessions: Count
    tokens: Count


class UserPage(Struct, kw_only=True):
    """Users by name."""

    users: list[AdminUser]
    next_cursor: Annotated[str | None, Meta(description="Give it as `cursor` for more; null at the end.")]


class SessionPage(Struct, kw_only=True):
    """Sessions by start time."""

    sessions: list[AdminSession]
    next_cursor: Annotated[str | None, Meta(description="Give it as `cursor` for more; null at the end.")]
    count: Annotated[Count, Meta(description="How many there are on all pages.")]


PlanId: TypeAlias = Annotated[str, Meta(examples=["plan_k3v7mzpq2w4x6y7a2b3c4d5e6f"])]


class MadePlan(Struct, kw_only=True):
    """A plan: the sessions that it pins, and no others, are ended when it is applied."""

    plan_id: PlanId
    count: Annotated[Count, Meta(description="Sessions that are pinned.")]
    users: Annotated[Count, Meta(description="How many users they are of.")]
    sample: Annotated[list[AdminSession], Meta(description="The newest of them.")]
    expires_at: Annotated[Instant, Meta(description="Apply it before.")]


class PlanProgress(Struct, kw_only=True):
    """How far a plan has come."""

    plan_id: PlanId
    state: State
    filters: dict[str, str]
    pinned: Count
    count: Annotated[Count, Meta(description="Sessions that it ended; the other pinned ones had ended before.")]
    done: Annotated[bool, Meta(description="False while there is more to do: ask for the same again.")]
    restored: Annotated[Count, Meta(description="Sessions that an undo brought back.")]
    created_at: Instant
    created_by: Annotated[str, Meta(description="A user, a CLI token, or `database:` and a login.")]
    applied_by: Annotated[str | None, Meta(description="Likewise; null while nobody did.")]
    expires_at: Instant
    undo_until: Annotated[Instant | None, Meta(description="Null when it is not applied, or was applied for good.")]
    can_undo: Annotated[bool, Meta(description="True if an undo may begin now.")]


class Ended(Struct, kw_only=True):
    """What an act on a user ended."""

    ok: bool = True
    sessions: Count
    tokens: Count


class Minted(Struct, kw_only=True):
    """A session that was made for somebody, with its cookie, which is shown once."""

    username: str
    session: Session
    cookie: Annotated[
        str, Meta(examples=[f"__Host-session={SESSION_ID}.{SECRET}; Path=/; HttpOnly; Secure; SameSite=Lax"])
    ]


class SignedOutSession(Struct, kw_only=True):
    """A session that somebody ended, and when."""

    username: str
    session_id: SessionId
    revoked: Instant


class SignedOutUser(Struct, kw_only=True):
    """All sessions of a user that somebody ended, oldest first, earlier ones with their first time.

    Of more than 1000 those that ended last, the newest first, and `more` is true.
    """

    sessions: list[SignedOutSession]
    more: Annotated[bool | UnsetType, Meta(description="True where there are more; else left out.")] = UNSET


class Event(Struct, kw_only=True):
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


class EventPage(Struct, kw_only=True):
    """A page of the audit trail."""

    events: list[Event]
    next_cursor: Annotated[str | None, Meta(description="Give it as `cursor` for more; null at the end.")]
    settled: Annotated[
        int,
        Meta(
            description="With `order=oldest`: nothing can appear at or below this position any more. "
            "Who follows the trail asks again after it, and forgets what they have seen."
        ),
    ]


class Receipt(Struct, kw_only=True):
    """A signed statement about an ending."""

    receipt: Annotated[str, Meta(description="A JWS in its compact form (RFC 7515) of the type `ostiary-receipt+jwt`.")]


def event_of(event: CoreEvent) -> Event:
    """An event as it was written."""
    return Event(**{name: getattr(event, name) for name in Event.__struct_fields__})


def progress_of(plan: Plan, now: datetime) -> PlanProgress:
    """How far a plan has come."""
    return PlanProgress(
        plan_id=plan.id,
        state=plan.state,
        filters=plan.filters,
        pinned=plan.count,
        count=plan.ended,
        done=plan.state in ("applied", "undone"),
        restored=plan.restored,
        created_at=plan.created_at,
        created_by=plan.created_by,
        applied_by=plan.started_by,
        expires_at=plan.expires_at,
        undo_until=plan.undo_until,
        can_undo=plan.can_be_undone(now),
    )
