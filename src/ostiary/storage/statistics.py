"""Statements that count: for charts and for whoever watches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, case, extract, func, literal_column, select

from ostiary.core.plan import MAXIMUM_UNDO
from ostiary.core.policy import Policy
from ostiary.storage.database import Connection
from ostiary.storage.live import live, suspended
from ostiary.storage.schema import events, sessions

COUNTED: Final = ("session.started", "session.revoked", "sign_in.refused")  # kinds of events that charts tell of
_LIMITED: Final = "sign_in.limited"  # many refused sign-ins in one event
_TOLD_OF: Final = (*COUNTED, _LIMITED)


async def totals(db: Connection, policy: Policy, now: datetime) -> tuple[int, int]:
    """How many sessions would be accepted now, and of how many users."""
    query = select(func.count(), func.count(sessions.c.user_id.distinct())).where(live(policy, now))
    row = (await db.execute(query)).one()
    return row[0], row[1]


async def count_suspended(db: Connection, now: datetime) -> int:
    """How many sessions a plan refuses that can still be brought back."""
    lately = sessions.c.revoked_at > now - MAXIMUM_UNDO  # what was suspended earlier is final; an index finds these
    return (await db.execute(select(func.count()).select_from(sessions).where(lately, suspended(now)))).scalar_one()


async def events_over_time(db: Connection, since: datetime, step: timedelta) -> list[tuple[int, str, str | None, int]]:
    """What happened in each step: seconds since the epoch at which the step begins, kind, reason, and how often."""
    begins = _begin_of_step(events.c.at, step)
    query = (
        select(begins, _kind(), events.c.reason, _count())
        .where(events.c.at >= since, events.c.kind.in_(_TOLD_OF))
        .group_by(begins, _kind(), events.c.reason)
    )
    return [(int(row[0]), row[1], row[2], row[3]) for row in await db.execute(query)]


async def events_since(db: Connection, since: datetime) -> dict[str, int]:
    """How often each kind of `COUNTED` happened."""
    query = select(_kind(), _count()).where(events.c.at >= since, events.c.kind.in_(_TOLD_OF)).group_by(_kind())
    return {row[0]: row[1] for row in await db.execute(query)}


def _kind() -> ColumnElement[str]:
    # Literals, as PostgreSQL takes a parameter here and the same one in GROUP BY for two expressions.
    return case(
        (events.c.kind == literal_column(f"'{_LIMITED}'"), literal_column(f"'{COUNTED[2]}'")), else_=events.c.kind
    )


def _count() -> ColumnElement[int]:
    return func.sum(case((events.c.kind == _LIMITED, events.c.detail["count"].as_integer()), else_=1))


async def live_by_application(db: Connection, policy: Policy, now: datetime, limit: int) -> list[tuple[str, int]]:
    """Live sessions by application, the largest first; those of none are left out."""
    return await _live_by(db, sessions.c.application_id, policy, now, limit)


async def live_by_agent(db: Connection, policy: Policy, now: datetime, limit: int) -> list[tuple[str, int]]:
    """Live sessions by user agent, as sent; the largest first."""
    return await _live_by(db, sessions.c.user_agent, policy, now, limit)


async def live_by_address(db: Connection, policy: Policy, now: datetime, limit: int) -> list[tuple[str, int]]:
    """Live sessions by address; the largest first."""
    return await _live_by(db, sessions.c.ip, policy, now, limit)


async def _live_by(
    db: Connection, column: ColumnElement[str | None], policy: Policy, now: datetime, limit: int
) -> list[tuple[str, int]]:
    count = func.count().label("count")
    query = (
        select(column, count)
        .where(and_(live(policy, now), column.is_not(None)))
        .group_by(column)
        .order_by(count.desc(), column)
        .limit(limit)
    )
    return [(row[0] or "", row[1]) for row in await db.execute(query)]


def _begin_of_step(at: ColumnElement[datetime], step: timedelta) -> ColumnElement[int]:
    # The length stands in the text: PostgreSQL takes two bound parameters, here and in GROUP BY, for two expressions.
    length: ColumnElement[int] = literal_column(str(int(step.total_seconds())))
    epoch = extract("epoch", at)
    return epoch - epoch % length
