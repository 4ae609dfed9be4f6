"""Statements about plans and the sessions that they pin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from ostiary.core.plan import Plan
from ostiary.storage import bulk
from ostiary.storage.database import Connection
from ostiary.storage.live import Chosen
from ostiary.storage.schema import plan_sessions, plans, sessions

_COLUMNS: Final = [plans.c[name] for name in Plan.__slots__]


async def add(db: Connection, plan: Plan) -> None:
    """Write a new plan. Nobody finds it until `complete`."""
    await db.execute(insert(plans).values({name: getattr(plan, name) for name in Plan.__slots__} | {"complete": False}))


async def read(db: Connection, where: Chosen, limit: int, size: int) -> AsyncIterator[Sequence[tuple[str, str]]]:
    """The ids and users of all that are chosen, as they are at one moment, some at a time; oldest first."""
    query = select(sessions.c.id, sessions.c.user_id).where(where).order_by(sessions.c.created_at).limit(limit)
    async with db.stream(query) as rows:
        async for some in rows.partitions(size):
            yield [(row[0], row[1]) for row in some]


async def some(db: Connection, where: Chosen, limit: int) -> Sequence[str]:
    """The ids of some of the chosen."""
    return (await db.execute(select(sessions.c.id).where(where).limit(limit))).scalars().all()


async def pin(db: Connection, plan_id: str, session_ids: Sequence[str], first: int) -> None:
    """Pin sessions to a plan, numbered from `first`."""
    rows = [{"plan_id": plan_id, "number": n, "session_id": one} for n, one in enumerate(session_ids, first)]
    await bulk.add(db, plan_sessions, rows)


async def complete(db: Connection, plan_id: str, count: int, users: int) -> None:
    """All are pinned: the plan is there from now on."""
    await db.execute(update(plans).where(plans.c.id == plan_id).values(complete=True, count=count, users=users))


async def find(db: Connection, plan_id: str, *, hold: bool = False) -> Plan | None:
    """The plan; with `hold`, whoever else holds it waits until the transaction ends."""
    query = select(*_COLUMNS).where(plans.c.id == plan_id, plans.c.complete)
    row = (await db.execute(query.with_for_update() if hold else query)).one_or_none()
    return Plan(**row._mapping) if row else None


async def change(db: Connection, plan_id: str, **values: Any) -> None:
    """Write how far a plan has come. Call `find` with `hold` first, in the same transaction."""
    await db.execute(update(plans).where(plans.c.id == plan_id).values(**values))


async def pinned(db: Connection, plan_id: str, offset: int, limit: int) -> list[str]:
    """Pinned sessions in their order, without the first `offset`."""
    query = (
        select(plan_sessions.c.session_id)
        .where(plan_sessions.c.plan_id == plan_id, plan_sessions.c.number > offset)
        .order_by(plan_sessions.c.number)
        .limit(limit)
    )
    return list((await db.execute(query)).scalars())


def sparing(where: Chosen, spared: str | None) -> Chosen:
    """The chosen sessions without one."""
    return where if spared is None else and_(where, sessions.c.id != spared)


async def count_unpinned(db: Connection, plan_id: str, where: Chosen) -> int:
    """How many of the chosen sessions the plan does not pin.

    Each side is read once, whatever the database believes of a table that has just been filled.
    """
    pinned = select(plan_sessions.c.session_id).where(plan_sessions.c.plan_id == plan_id)
    added = select(sessions.c.id).where(where).except_(pinned).subquery()
    return (await db.execute(select(func.count()).select_from(added))).scalar_one()


async def newest(db: Connection, limit: int) -> list[Plan]:
    """The newest plans, newest first."""
    query = select(*_COLUMNS).where(plans.c.complete)
    rows = await db.execute(query.order_by(plans.c.created_at.desc(), plans.c.id.desc()).limit(limit))
    return [Plan(**row._mapping) for row in rows]


async def unpinned(db: Connection, plan_id: str, where: Chosen, limit: int) -> list[tuple[str, str]]:
    """The ids and users of the chosen sessions that the plan does not pin, oldest first."""
    pinned = select(plan_sessions.c.session_id).where(plan_sessions.c.plan_id == plan_id)
    query = select(sessions.c.id, sessions.c.user_id).where(where, sessions.c.id.not_in(pinned))
    rows = await db.execute(query.order_by(sessions.c.created_at).limit(limit))
    return [(row[0], row[1]) for row in rows]


async def count_users(db: Connection, plan_id: str) -> int:
    """Of how many users the pinned sessions are."""
    query = select(func.count(sessions.c.user_id.distinct())).join(
        plan_sessions, plan_sessions.c.session_id == sessions.c.id
    )
    return (await db.execute(query.where(plan_sessions.c.plan_id == plan_id))).scalar_one()


async def to_settle(db: Connection, now: datetime, interrupted: datetime) -> list[str]:
    """Plans that nobody can undo any more and that are not settled; undoings that stopped half-way before a time."""
    over = and_(plans.c.undo_until <= now, plans.c.undone_at.is_(None), plans.c.settled_at.is_(None))
    stopped = and_(plans.c.undone_at < interrupted, plans.c.restored_at.is_(None))
    return list((await db.execute(select(plans.c.id).where(or_(over, stopped)))).scalars())


async def purge(db: Connection, before: datetime, limit: int) -> int:
    """Forget plans that expired before `before`, some of their pins at a time. How many pins it forgot."""
    old = select(plans.c.id).where(plans.c.expires_at < before, _is_done())
    pins = select(plan_sessions.c.plan_id, plan_sessions.c.number).where(plan_sessions.c.plan_id.in_(old)).limit(limit)
    gone = [(row.plan_id, row.number) for row in await db.execute(pins)]
    for plan_id in {plan_id for plan_id, _ in gone}:
        of_plan = [number for one, number in gone if one == plan_id]
        await db.execute(
            delete(plan_sessions).where(plan_sessions.c.plan_id == plan_id, plan_sessions.c.number.in_(of_plan))
        )
    if len(gone) < limit:
        await db.execute(delete(plans).where(plans.c.expires_at < before, _is_done()))
    return len(gone)


def _is_done() -> ColumnElement[bool]:
    """Nothing is left to be brought back, or to be made final."""
    return or_(
        plans.c.undo_until.is_(None),
        plans.c.restored_at.is_not(None),
        and_(plans.c.undone_at.is_(None), plans.c.settled_at.is_not(None)),
    )
