"""Statements about events. There is no UPDATE here: the trail only grows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select

from ostiary.core.endings import matters
from ostiary.core.event import Event
from ostiary.storage.database import WRITTEN, Connection
from ostiary.storage.schema import events
from ostiary.storage.wakeups import CHANNEL

_WAKE = select(func.pg_notify(CHANNEL, ""))


async def add(db: Connection, new: Sequence[Event]) -> None:
    """Write events, in the transaction of the act that they tell of."""
    if new:
        rows = [asdict(event) for event in new]
        for row in rows:
            row.pop("position")
        await db.execute(insert(events), rows)
        db.info.setdefault(WRITTEN, []).extend(new)
        if matters(new) and db.dialect.name == "postgresql":
            await db.execute(_WAKE)  # sent with the commit, to every node that listens


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


async def tokens_given(
    db: Connection, user_id: str, session_ids: Collection[str], token_ids: Collection[str]
) -> dict[str, str]:
    """CLI tokens of a user whose secret was shown to one of the sessions or tokens: new, or new by rotation."""
    given = or_(events.c.session_id.in_(session_ids), events.c.by.in_(token_ids))
    query = select(events).where(events.c.user_id == user_id, events.c.kind == "token.created", given)
    found = [_event(row) for row in await db.execute(query.order_by(events.c.position))]
    return {
        str(event.detail["token_id"]): event.session_id or event.by or ""
        for event in found
        if "token_id" in event.detail
    }


async def purge(db: Connection, before: datetime, limit: int) -> int:
    """Remove up to `limit` events past retention. How many it removed."""
    old = select(events.c.position).where(events.c.at < before).limit(limit)
    return (await db.execute(delete(events).where(events.c.position.in_(old)))).rowcount


def _event(row: Row[Any]) -> Event:
    return Event(**row._mapping)
