"""Statements about the hash chain over the trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select

from ostiary.core.chain import Link
from ostiary.core.event import Event
from ostiary.storage import bulk
from ostiary.storage.database import Connection
from ostiary.storage.schema import event_chain, events


@dataclass(frozen=True, slots=True)
class Sealed:
    """A link and its event, as both are now; None where the event is gone."""

    link: Link
    event: Event | None


async def head(db: Connection) -> Link | None:
    """The last link."""
    query = select(event_chain).order_by(event_chain.c.number.desc()).limit(1)
    row = (await db.execute(query)).one_or_none()
    return _link(row) if row else None


async def first(db: Connection) -> Link | None:
    """The first link that is kept."""
    row = (await db.execute(select(event_chain).order_by(event_chain.c.number).limit(1))).one_or_none()
    return _link(row) if row else None


async def of_position(db: Connection, position: int) -> Link | None:
    """The link of one event."""
    row = (await db.execute(select(event_chain).where(event_chain.c.position == position))).one_or_none()
    return _link(row) if row else None


async def add(db: Connection, links: Sequence[Link]) -> None:
    """Write new links. Of two nodes that write the same number, one fails and has written nothing."""
    await bulk.add(db, event_chain, [{name: getattr(link, name) for name in Link.__slots__} for link in links])


async def events_between(db: Connection, after: int, until: int, limit: int) -> list[Event]:
    """The events after a position and up to another, in their order."""
    query = select(events).where(events.c.position > after, events.c.position <= until)
    return [Event(**row._mapping) for row in await db.execute(query.order_by(events.c.position).limit(limit))]


async def highest_position(db: Connection) -> int:
    """The newest event's position, or 0."""
    return (await db.execute(select(func.max(events.c.position)))).scalar_one_or_none() or 0


async def position_before(db: Connection, at: datetime) -> int:
    """The position of the newest event that happened before `at`, or 0."""
    query = select(events.c.position).where(events.c.at < at).order_by(events.c.at.desc()).limit(1)
    return (await db.execute(query)).scalar_one_or_none() or 0


async def read(db: Connection, after: int, limit: int) -> list[Sealed]:
    """Links after a number with their events, in the order of the chain."""
    joined = event_chain.outerjoin(events, events.c.position == event_chain.c.position)
    mine = [column.label(f"link_{column.name}") for column in event_chain.c]
    query = select(*mine, *events.c).select_from(joined).where(event_chain.c.number > after)
    rows = await db.execute(query.order_by(event_chain.c.number).limit(limit))
    return [_sealed(row) for row in rows]


async def unsealed(db: Connection, after: int, until: int, limit: int) -> list[Event]:
    """Events after a position and up to another that have no link."""
    joined = events.outerjoin(event_chain, events.c.position == event_chain.c.position)
    query = select(*events.c).select_from(joined)
    query = query.where(event_chain.c.number.is_(None), events.c.position > after, events.c.position <= until)
    return [Event(**row._mapping) for row in await db.execute(query.order_by(events.c.position).limit(limit))]


async def count_after(db: Connection, position: int) -> int:
    """How many events there are after a position."""
    query = select(func.count()).select_from(events).where(events.c.position > position)
    return (await db.execute(query)).scalar_one()


async def shorten(db: Connection, limit: int) -> int:
    """Remove up to `limit` links from the beginning whose events are gone, but the last of them: the chain hangs on it.

    How many it removed.
    """
    first = await read(db, 0, limit + 1)
    gone = 0
    while gone < len(first) and first[gone].event is None:
        gone += 1
    if gone < 2:
        return 0
    last = first[gone - 1].link.number
    return (await db.execute(delete(event_chain).where(event_chain.c.number < last))).rowcount


def _link(row: Row[Any]) -> Link:
    return Link(**row._mapping)


def _sealed(row: Row[Any]) -> Sealed:
    values = dict(row._mapping)
    link = Link(**{name: values.pop(f"link_{name}") for name in Link.__slots__})
    return Sealed(link, Event(**values) if values["position"] is not None else None)
