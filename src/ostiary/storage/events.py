"""Statements about events. There is no UPDATE here: the trail only grows. What takes away is in retention.py."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Select, func, or_, select

from ostiary.core.endings import ENDED, matters
from ostiary.core.event import ALL, Event, EventKind, Wanted
from ostiary.storage import bulk
from ostiary.storage.among import one_of
from ostiary.storage.database import SENDER, WRITTEN, Connection
from ostiary.storage.schema import events
from ostiary.storage.wakeups import CHANNEL

MARGIN: Final = timedelta(minutes=5)  # more than positions and times may be out of step: long transactions, clocks
_WRITTEN: Final = [name for name in Event.__slots__ if name != "position"]


async def add(db: Connection, new: Sequence[Event]) -> None:
    """Write events, in the transaction of the act that they tell of."""
    if new:
        await bulk.add(db, events, [{name: getattr(event, name) for name in _WRITTEN} for event in new])
        db.info.setdefault(WRITTEN, []).extend(new)
        if matters(new) and db.dialect.name == "postgresql":
            # Sent with the commit, to every node that listens; its own knows already, and need not look twice.
            await db.execute(select(func.pg_notify(CHANNEL, db.info.get(SENDER, ""))))


async def list_newest(
    db: Connection, wanted: Wanted = ALL, *, before: int | None = None, limit: int = 100
) -> list[Event]:
    """One page of the trail, newest first, before a position."""
    query = await _within(db, wanted)
    if before is not None:
        query = query.where(events.c.position < before)
    return [_event(row) for row in await db.execute(query.order_by(events.c.position.desc()).limit(limit))]


async def list_oldest(db: Connection, wanted: Wanted = ALL, *, after: int = 0, limit: int = 100) -> list[Event]:
    """One page of the trail, oldest first, after a position."""
    query = (await _within(db, wanted)).where(events.c.position > after)
    return [_event(row) for row in await db.execute(query.order_by(events.c.position).limit(limit))]


async def _within(db: Connection, wanted: Wanted) -> Select[Any]:
    """The events that are wanted. Times are turned into bounds on positions, so that no page reads what it skips."""
    query = select(events)
    if wanted.user_id is not None:
        query = query.where(events.c.user_id == wanted.user_id)
    if wanted.session_id is not None:
        query = query.where(events.c.session_id == wanted.session_id)
    if wanted.kinds:
        query = query.where(events.c.kind.in_(wanted.kinds))
    if wanted.since is not None:
        query = query.where(events.c.at >= wanted.since, events.c.position > await _before(db, wanted.since - MARGIN))
    if wanted.until is not None:
        query = query.where(events.c.at < wanted.until)
        beyond = await _after(db, wanted.until + MARGIN)
        if beyond is not None:
            query = query.where(events.c.position < beyond)
    return query


async def _before(db: Connection, at: datetime) -> int:
    query = select(events.c.position).where(events.c.at < at).order_by(events.c.at.desc()).limit(1)
    return (await db.execute(query)).scalar_one_or_none() or 0


async def _after(db: Connection, at: datetime) -> int | None:
    query = select(events.c.position).where(events.c.at > at).order_by(events.c.at).limit(1)
    return (await db.execute(query)).scalar_one_or_none()


async def settled(db: Connection, before: datetime) -> int:
    """The position of the newest event older than `before`, by the events' own times; or 0."""
    return await _before(db, before)


async def any_of_user(db: Connection, user_id: str) -> bool:
    """True if anything is known of a user id."""
    return (await db.execute(select(events.c.position).where(events.c.user_id == user_id).limit(1))).first() is not None


async def find(db: Connection, position: int) -> Event | None:
    """One event."""
    row = (await db.execute(select(events).where(events.c.position == position))).one_or_none()
    return _event(row) if row else None


async def ending_of(db: Connection, session_id: str) -> Event | None:
    """The newest event that tells of a session's ending, of its suspension, or that this was undone."""
    query = select(events).where(events.c.session_id == session_id, events.c.kind.in_((*ENDED, "session.restored")))
    row = (await db.execute(query.order_by(events.c.position.desc()).limit(1))).one_or_none()
    return _event(row) if row else None


async def endings_of_act(db: Connection, ending: Event, limit: int) -> list[Event]:
    """The endings that were one act with this one: at the same instant, by the same caller, in the same request.

    Their reasons differ where some ended with others.
    """
    query = select(events).where(
        events.c.at == ending.at,
        events.c.kind == ending.kind,
        events.c.by == ending.by,
        events.c.request_id.is_not_distinct_from(ending.request_id),
    )
    return [_event(row) for row in await db.execute(query.order_by(events.c.position).limit(limit))]


async def of_kinds(db: Connection, kinds: Sequence[EventKind]) -> list[Event]:
    """All events of these kinds: for kinds that are rare."""
    rows = await db.execute(select(events).where(events.c.kind.in_(kinds)).order_by(events.c.position))
    return [_event(row) for row in rows]


async def tokens_given(
    db: Connection, user_id: str, session_ids: Collection[str], token_ids: Collection[str]
) -> dict[str, str]:
    """CLI tokens of a user whose secret was shown to one of the sessions or tokens: new, or new by rotation."""
    given = or_(one_of(events.c.session_id, session_ids), one_of(events.c.by, token_ids))
    query = select(events).where(events.c.user_id == user_id, events.c.kind == "token.created", given)
    found = [_event(row) for row in await db.execute(query.order_by(events.c.position))]
    return {
        str(event.detail["token_id"]): event.session_id or event.by or ""
        for event in found
        if "token_id" in event.detail
    }


def _event(row: Row[Any]) -> Event:
    return Event(**row._mapping)
