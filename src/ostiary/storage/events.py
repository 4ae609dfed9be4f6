"""Statements about events. There is no UPDATE here: the trail only grows. What takes away is in retention.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select

from ostiary.core.event import Event, EventKind
from ostiary.storage.database import WRITTEN, Connection
from ostiary.storage.schema import events


async def add(db: Connection, new: Sequence[Event]) -> None:
    """Write events, in the transaction of the act that they tell of."""
    if new:
        rows = [asdict(event) for event in new]
        for row in rows:
            row.pop("position")
        await db.execute(insert(events), rows)
        db.info.setdefault(WRITTEN, []).extend(new)


async def list_newest(
    db: Connection,
    *,
    user_id: str | None = None,
    session_id: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Event]:
    """One page of the trail, newest first, before a position."""
    query = select(events).order_by(events.c.position.desc()).limit(limit)
    if user_id is not None:
        query = query.where(events.c.user_id == user_id)
    if session_id is not None:
        query = query.where(events.c.session_id == session_id)
    if before is not None:
        query = query.where(events.c.position < before)
    return [_event(row) for row in await db.execute(query)]


async def settled(db: Connection, before: datetime) -> int:
    """The highest position among the events older than `before`, or 0.

    Positions are given in the order of writing, and seen in the order of committing. With `before` further back than a
    transaction may take, nothing can appear at or below this position any more.
    """
    query = select(events.c.position).where(events.c.at < before).order_by(events.c.position.desc()).limit(1)
    return (await db.execute(query)).scalar_one_or_none() or 0


async def of_users_after(db: Connection, user_ids: Sequence[str], position: int, limit: int) -> list[Event]:
    """What concerns these users, after a position, oldest first."""
    query = (
        select(events)
        .where(events.c.user_id.in_(user_ids), events.c.position > position)
        .order_by(events.c.position)
        .limit(limit)
    )
    return [_event(row) for row in await db.execute(query)]


async def of_kinds(db: Connection, kinds: Sequence[EventKind]) -> list[Event]:
    """All events of these kinds: for kinds that are rare."""
    rows = await db.execute(select(events).where(events.c.kind.in_(kinds)).order_by(events.c.position))
    return [_event(row) for row in rows]


def _event(row: Row[Any]) -> Event:
    return Event(**row._mapping)
