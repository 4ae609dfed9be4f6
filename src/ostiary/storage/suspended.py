"""Statements about suspended sessions: refused, until their plan is undone, or somebody ends them for good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, select, update

from ostiary.core.session import Reason, Revocation
from ostiary.storage.database import Connection
from ostiary.storage.live import Chosen
from ostiary.storage.schema import REVOKED, plan_sessions, plans, sessions, users
from ostiary.storage.sessions import Whose, ids, revoking, written
from ostiary.storage.tree import ORDER


class Settled(NamedTuple):
    """A session whose suspension has become final: whose, since when, and for which reason."""

    id: str
    user_id: str
    at: datetime
    reason: Reason


class Orphan(NamedTuple):
    """A session that a plan suspends, and that must stay refused, as what it is bound to is; by which plan, if any."""

    id: str
    user_id: str
    at: datetime
    plan_id: str
    parent_plan_id: str | None
    parent_until: datetime | None


class Heir(NamedTuple):
    """Another plan that pins a suspended session, too, and so keeps it when the first one is undone."""

    session_id: str
    user_id: str
    plan_id: str
    applied_by: str
    undo_until: datetime | None


async def suspend(db: Connection, session_ids: Sequence[str], end: Revocation, plan_id: str) -> list[Whose]:
    """Mark live sessions suspended by a plan, which may bring them back. Returns those it suspended."""
    suspended = revoking(ids(session_ids), end).values(undo_plan_id=plan_id)
    return [Whose(*row) for row in await db.execute(suspended.returning(sessions.c.id, sessions.c.user_id))]


async def end(db: Connection, session_ids: Sequence[str], end: Revocation) -> None:
    """End for good what a plan had suspended: this is the ending that holds. Take them first (`storage.tree`)."""
    if session_ids:
        final = update(sessions).where(ids(session_ids), sessions.c.undo_plan_id.is_not(None))
        await db.execute(final.values(**written(end), undo_plan_id=None))


async def plan_of(db: Connection, session_id: str) -> str | None:
    """The plan that suspends a session, if one does."""
    query = select(sessions.c.undo_plan_id).where(sessions.c.id == session_id)
    return (await db.execute(query)).scalar_one_or_none()


async def settle(db: Connection, session_ids: Sequence[str], plan_id: str) -> list[Settled]:
    """Make a plan's suspensions final, as they are. Returns the sessions that it ended by that."""
    final = (
        update(sessions)
        .where(ids(session_ids), sessions.c.undo_plan_id == plan_id)
        .values(undo_plan_id=None, suspended_until=None)
        .returning(*(sessions.c[name] for name in ("id", "user_id", "revoked_at", "revoked_reason")))
    )
    return [Settled(*row) for row in await db.execute(final)]


async def heirs(db: Connection, session_ids: Sequence[str], plan_id: str) -> list[Heir]:
    """Of the sessions that a plan suspends, those that another one pins that was applied as well and not undone.

    It found them refused and left them so. Of several, the one that was applied for good, or can be undone for the
    longest.
    """
    applied = select(plans.c.id).where(
        plans.c.id != plan_id, plans.c.started_at.is_not(None), plans.c.undone_at.is_(None), plans.c.looked_at > 0
    )
    others = list((await db.execute(applied)).scalars())
    if not others:  # nearly always
        return []
    query = (
        select(sessions.c.id, sessions.c.user_id, plans.c.id, plans.c.started_by, plans.c.undo_until)
        .join(plan_sessions, plan_sessions.c.session_id == sessions.c.id)
        .join(plans, plans.c.id == plan_sessions.c.plan_id)
        .where(ids(session_ids), sessions.c.undo_plan_id == plan_id)
        .where(plans.c.id.in_(others), plan_sessions.c.number <= plans.c.looked_at)
        .order_by(plans.c.undo_until.is_not(None), plans.c.undo_until.desc())
    )
    found: dict[str, Heir] = {}
    for row in await db.execute(query):
        found.setdefault(row[0], Heir(*row))
    return list(found.values())


async def hand_over(db: Connection, session_ids: Sequence[str], heir: str, until: datetime) -> None:
    """Let another plan suspend sessions that are suspended now."""
    kept = update(sessions).where(ids(session_ids), sessions.c.undo_plan_id.is_not(None))
    await db.execute(kept.values(undo_plan_id=heir, suspended_until=until))


async def restore(db: Connection, session_ids: Sequence[str], plan_id: str) -> list[Whose]:
    """Take back the suspensions of a plan, where what a session is bound to lives. Returns those it brought back.

    Nobody's who is disabled: whatever disabled them has ended theirs, and where it could not, this must not undo it.
    """
    disabled = select(users.c.id).where(users.c.id == sessions.c.user_id, users.c.disabled_at.is_not(None))
    back = await db.execute(
        update(sessions)
        .where(ids(session_ids), sessions.c.undo_plan_id == plan_id, ~disabled.exists(), ~_is_refused_with_another())
        .values(dict.fromkeys((*REVOKED, "undo_plan_id")))
        .returning(sessions.c.id, sessions.c.user_id)
    )
    return [Whose(*row) for row in back]


async def orphans(db: Connection, session_ids: Sequence[str], plan_id: str) -> list[Orphan]:
    """Those that a plan still suspends and that are bound to what stays refused, by itself or by another plan."""
    parent = sessions.alias("parent")
    query = (
        select(
            sessions.c.id, sessions.c.user_id, sessions.c.revoked_at, sessions.c.undo_plan_id,
            parent.c.undo_plan_id, parent.c.suspended_until,
        )
        .join(parent, parent.c.id == sessions.c.parent_id)
        .where(ids(session_ids), sessions.c.undo_plan_id == plan_id, func.length(sessions.c.path) > 0)
        .where(parent.c.revoked_at.is_not(None), parent.c.undo_plan_id.is_distinct_from(plan_id))
        .order_by(*ORDER)
    )  # fmt: skip
    return [Orphan(*row) for row in await db.execute(query)]


def _is_refused_with_another() -> Chosen:
    parent = sessions.alias("parent")
    refused = select(parent.c.id).where(parent.c.id == sessions.c.parent_id, parent.c.revoked_at.is_not(None))
    return and_(func.length(sessions.c.path) > 0, refused.exists())
