"""Statements about measured lags: how long endings took to be refused everywhere, summed up by half hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from ostiary.core.lags import Lags
from ostiary.storage.database import Connection
from ostiary.storage.schema import lags


async def add(db: Connection, new: Lags) -> None:
    """Add to what other nodes, and this one earlier, measured in the same half hour."""
    is_sqlite = db.dialect.name == "sqlite"
    statement: Any = (sqlite_insert if is_sqlite else postgres_insert)(lags)
    larger = func.max if is_sqlite else func.greatest
    statement = statement.values({name: getattr(new, name) for name in Lags.__slots__}).on_conflict_do_update(
        index_elements=["begins_at"],
        set_={
            "endings": lags.c.endings + statement.excluded.endings,
            "seconds": lags.c.seconds + statement.excluded.seconds,
            "slowest": larger(lags.c.slowest, statement.excluded.slowest),
        },
    )
    await db.execute(statement)


async def since(db: Connection, begins_at: datetime) -> Sequence[Lags]:
    """Half hours from one on, in which something ended; oldest first."""
    query = select(lags).where(lags.c.begins_at >= begins_at).order_by(lags.c.begins_at)
    return [Lags(**row._mapping) for row in await db.execute(query)]


async def purge(db: Connection, before: datetime, limit: int) -> int:
    """Forget half hours that began before `before`. How many."""
    old = select(lags.c.begins_at).where(lags.c.begins_at < before).limit(limit)
    found = list((await db.execute(old)).scalars())
    if found:
        await db.execute(delete(lags).where(lags.c.begins_at.in_(found)))
    return len(found)
