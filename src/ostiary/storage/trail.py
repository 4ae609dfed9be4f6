"""The trail as the feed reads it: what is new, what came late, and what to say when it is too much for one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, func, literal, or_, select

from ostiary.core.endings import CHANGED, ENDED, Changed, Ended, EndedMany, Entry, Lost
from ostiary.core.event import Event
from ostiary.core.gaps import Range
from ostiary.storage.among import one_of
from ostiary.storage.database import Connection
from ostiary.storage.schema import events, sessions

MAXIMUM_GROUPS: Final = 1000  # users in one answer; more are told as everybody

_COLUMNS = [events.c[name] for name in ("position", "at", "kind", "user_id", "session_id", "reason", "detail")]


@dataclass(frozen=True, slots=True)
class Summary:
    """Many events in few entries.

    Attributes:
        missing: the ranges in which no event was seen.
        highest: the last position that the entries cover.
    """

    entries: list[Entry]
    missing: list[Range]
    highest: int


async def now(db: Connection, clock: Callable[[], datetime]) -> datetime:
    """The time of the store: PostgreSQL's own, so that nodes agree; on SQLite, which is on one machine, the clock."""
    if db.dialect.name == "sqlite":
        return clock()
    found: datetime = (await db.execute(select(func.clock_timestamp()))).scalar_one()
    return found


async def highest(db: Connection) -> int:
    """The highest position there is, or 0."""
    return (await db.execute(select(func.max(events.c.position)))).scalar_one_or_none() or 0


async def settled(db: Connection, before: datetime) -> int:
    """The highest position among the events older than `before`, or 0."""
    query = select(events.c.position).where(events.c.at < before).order_by(events.c.position.desc()).limit(1)
    return (await db.execute(query)).scalar_one_or_none() or 0


async def read(db: Connection, above: int, holes: Sequence[Range], limit: int) -> list[Event]:
    """The events above a position and in the holes below it, oldest first; `limit` of them at most."""
    query = select(*_COLUMNS).where(_anywhere(above, holes)).order_by(events.c.position).limit(limit)
    return [_event(row) for row in await db.execute(query)]


async def summarise(db: Connection, floor: int, holes: Sequence[Range], above: int) -> Summary:
    """What `read` would find, in groups; and which positions above `floor` are missing.

    The missing ones are read first: what commits in between is then told now and once more later, and not lost.
    """
    missing, top = await holes_above(db, floor)
    where = and_(_anywhere(above, holes), events.c.position <= top)
    entries = [*await _endings(db, where), *await _changes(db, where)]
    return Summary(entries, missing, top)


async def holes_above(db: Connection, floor: int) -> tuple[list[Range], int]:
    """The ranges of positions above `floor` in which there is no event, and the highest position there is."""
    top = await highest(db)
    before = func.lag(events.c.position, 1, literal(floor)).over(order_by=events.c.position).label("before")
    steps = select(events.c.position, before).where(events.c.position > floor, events.c.position <= top).subquery()
    jumps = select(steps.c.before + 1, steps.c.position - 1).where(steps.c.position > steps.c.before + 1)
    return [(first, last) for first, last in await db.execute(jumps)], top


async def ended_among(db: Connection, session_ids: Sequence[str]) -> list[Ended]:
    """Those of these sessions that somebody ended or suspended."""
    fields = ("id", "user_id", "revoked_reason", "revoked_at", "suspended_until")
    query = select(*(sessions.c[name] for name in fields)).where(
        one_of(sessions.c.id, session_ids), sessions.c.revoked_at.is_not(None)
    )
    return [Ended(*row) for row in await db.execute(query)]


async def _endings(db: Connection, where: ColumnElement[bool]) -> list[Entry]:
    # By when the sessions began, which is what readers compare with; purged ones are nobody's memory any more.
    ended = and_(where, events.c.kind.in_(ENDED))
    counted = (func.count().label("count"), func.max(sessions.c.created_at).label("cut_off"))
    joined = events.join(sessions, sessions.c.id == events.c.session_id)
    by_user = (select(events.c.user_id, *counted).select_from(joined).where(ended).group_by(events.c.user_id)).limit(
        MAXIMUM_GROUPS + 1
    )
    groups = (await db.execute(by_user)).all()
    if len(groups) <= MAXIMUM_GROUPS:
        return [EndedMany(user_id, cut_off, count) for user_id, count, cut_off in groups]
    count, cut_off = (await db.execute(select(*counted).select_from(joined).where(ended))).one()
    return [EndedMany(None, cut_off, count)]


async def _changes(db: Connection, where: ColumnElement[bool]) -> list[Entry]:
    query = select(events.c.user_id).where(where, events.c.kind.in_(CHANGED)).distinct().limit(MAXIMUM_GROUPS + 1)
    user_ids = (await db.execute(query)).scalars().all()
    if len(user_ids) > MAXIMUM_GROUPS:
        return [Lost()]
    # What concerns no user (keys, clients) is rare, and one word covers it.
    return [Changed(user_id=user_id) if user_id is not None else Lost() for user_id in user_ids]


def _anywhere(above: int, holes: Sequence[Range]) -> ColumnElement[bool]:
    position = events.c.position
    return or_(position > above, *(position.between(first, last) for first, last in holes))


def _event(row: Row[Any]) -> Event:
    return Event(**row._mapping)
