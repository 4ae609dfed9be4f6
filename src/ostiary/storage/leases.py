"""Leases: what one node at a time may do, held by a row and timed by the store's own clock.

Nothing but a guarded UPDATE is needed, so it works on any SQL engine; the nodes' clocks may say what they like. A lease
is taken inside the transaction that does a piece of the work: its row stays locked until that commits, so two nodes
never do pieces at once, even when one was so slow that its lease ran out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, DateTime, Interval, bindparam, func, insert, or_, select, type_coerce, update
from sqlalchemy.exc import IntegrityError

from ostiary.storage.columns import Instant
from ostiary.storage.database import Connection
from ostiary.storage.schema import leases

RETENTION: Final = "retention"
CHAIN: Final = "chain"
KEYS: Final = "keys"
ADMINISTRATORS: Final = "administrators"  # for acts after which there must be one left
REFUSED_SIGN_INS: Final = "refused sign-ins"
FOR_EVER: Final = timedelta(days=36_500)


def store_clock(db: Connection, ahead: timedelta = timedelta(0)) -> ColumnElement[Any]:
    """The store's time, as a part of a statement; `ahead` of it, if wanted."""
    if db.dialect.name == "sqlite":
        shift = f"{ahead.total_seconds():+.3f} seconds"
        return func.strftime("%Y-%m-%d %H:%M:%f000", "now", shift, type_=Instant)  # as wide as `Instant` writes it
    return type_coerce(func.clock_timestamp(type_=DateTime(timezone=True)) + bindparam(None, ahead, Interval), Instant)


async def take(db: Connection, name: str, holder: str, span: timedelta) -> bool:
    """Hold a task for `span` from now, if nobody else does. The row is locked until the transaction ends."""
    free = or_(leases.c.holder == holder, leases.c.until <= store_clock(db))
    done = await db.execute(
        update(leases).where(leases.c.name == name, free).values(holder=holder, until=store_clock(db, span))
    )
    if done.rowcount:
        return True
    if (await db.execute(select(leases.c.name).where(leases.c.name == name))).first() is not None:
        return False
    try:
        async with db.begin_nested():
            await db.execute(insert(leases).values(name=name, holder=holder, until=store_clock(db, span)))
    except IntegrityError:  # another node was the first
        return False
    return True


async def lock(db: Connection, name: str) -> None:
    """Keep others from a piece of the task until this transaction ends, without taking the task over."""
    done = await db.execute(update(leases).where(leases.c.name == name).values(name=name))
    if not done.rowcount:
        await take(db, name, "nobody", timedelta(0))


async def release(db: Connection, name: str, holder: str) -> None:
    """Let others take it now."""
    await db.execute(
        update(leases).where(leases.c.name == name, leases.c.holder == holder).values(until=store_clock(db))
    )


async def marked(db: Connection, name: str, ago: timedelta) -> tuple[int, bool] | None:
    """The mark, and whether it was set at least so long ago; None if there is none."""
    is_old = leases.c.marked_at <= store_clock(db, -ago)
    row = (await db.execute(select(leases.c.mark, is_old).where(leases.c.name == name))).one_or_none()
    return None if row is None or row[0] is None else (cast("int", row[0]), bool(row[1]))


async def mark(db: Connection, name: str, to: int) -> None:
    """Set the mark. Hold the task."""
    await db.execute(update(leases).where(leases.c.name == name).values(mark=to, marked_at=store_clock(db)))


async def kept(db: Connection, name: str, proposed: str) -> str:
    """What the first who asked proposed: the same for every node, for as long as the database lasts."""
    await take(db, name, proposed, FOR_EVER)
    holder: str = (await db.execute(select(leases.c.holder).where(leases.c.name == name))).scalar_one()
    return holder


async def now(db: Connection) -> datetime:
    """The store's time."""
    found: datetime = (await db.execute(select(store_clock(db)))).scalar_one()
    return found
