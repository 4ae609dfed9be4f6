"""Statements about plans and the sessions that they pin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, delete, exists, func, insert, not_, select, update

from ostiary.core.plan import Plan
from ostiary.storage.database import Connection
from ostiary.storage.schema import plan_sessions, plans, sessions
from ostiary.storage.sessions import Chosen

_COLUMNS: Final = [plans.c[name] for name in Plan.__slots__]


async def add(db: Connection, plan: Plan) -> None:
    """Write a new plan. Nobody finds it until `complete`."""
    await db.execute(insert(plans).values({name: getattr(plan, name) for name in Plan.__slots__} | {"complete": False}))


async def read(db: Connection, where: Chosen, limit: int, size: int) -> AsyncIterator[Sequence[tuple[str, str]]]:
    """The ids and users of all that are chosen, as they are at one moment, some at a time."""
    query = select(sessions.c.id, sessions.c.user_id).where(where).limit(limit)
    async with db.stream(query) as rows:
        async for some in rows.partitions(size):
            yield [(row[0], row[1]) for row in some]


async def pin(db: Connection, plan_id: str, session_ids: Sequence[str]) -> None:
    """Pin sessions to a plan."""
    await db.execute(insert(plan_sessions), [{"plan_id": plan_id, "session_id": one} for one in session_ids])


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


async def pinned_after(db: Connection, plan_id: str, cursor: str, limit: int) -> list[str]:
    """The next pinned sessions behind one, in the order of their ids."""
    query = (
        select(plan_sessions.c.session_id)
        .where(plan_sessions.c.plan_id == plan_id, plan_sessions.c.session_id > cursor)
        .order_by(plan_sessions.c.session_id)
        .limit(limit)
    )
    return list((await db.execute(query)).scalars())


def but(where: Chosen, spared: str | None) -> Chosen:
    """The chosen sessions without one."""
    return where if spared is None else and_(where, sessions.c.id != spared)


async def count_unpinned(db: Connection, plan_id: str, where: Chosen) -> int:
    """How many of the chosen sessions the plan does not pin."""
    pinned = exists().where(plan_sessions.c.plan_id == plan_id, plan_sessions.c.session_id == sessions.c.id)
    query = select(func.count()).select_from(sessions).where(and_(where, not_(pinned)))
    return (await db.execute(query)).scalar_one()


async def suspended(db: Connection, plan_id: str, limit: int) -> list[str]:
    """Sessions that the plan ended, and that may still be brought back: some, in the order of their ids.

    Sorted here: asked for the first ones by id, PostgreSQL goes along the primary key, past all that are back already.
    """
    query = select(sessions.c.id).where(sessions.c.undo_plan_id == plan_id).limit(limit)
    return sorted((await db.execute(query)).scalars())


async def purge(db: Connection, before: datetime, limit: int) -> int:
    """Forget plans that expired before `before`, some of their pins at a time. How many pins it forgot."""
    old = select(plans.c.id).where(plans.c.expires_at < before)
    pins = (
        select(plan_sessions.c.plan_id, plan_sessions.c.session_id).where(plan_sessions.c.plan_id.in_(old)).limit(limit)
    )
    gone = [(row.plan_id, row.session_id) for row in await db.execute(pins)]
    for plan_id in {plan_id for plan_id, _ in gone}:
        of_plan = [session_id for one, session_id in gone if one == plan_id]
        await db.execute(
            delete(plan_sessions).where(plan_sessions.c.plan_id == plan_id, plan_sessions.c.session_id.in_(of_plan))
        )
    if len(gone) < limit:
        await db.execute(delete(plans).where(plans.c.expires_at < before))
    return len(gone)
