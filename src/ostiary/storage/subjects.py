"""Statements about subjects: the row that starts and bulk endings of one user take in turns."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from ostiary.storage.database import Connection
from ostiary.storage.schema import subjects


async def hold(db: Connection, user_id: str) -> datetime | None:
    """Take the user's row until the transaction ends, making it if need be; returns the cut-off time.

    The update to itself is what takes the lock and reads the newest value in one statement.
    """
    insert = sqlite_insert if db.dialect.name == "sqlite" else postgres_insert
    statement = (
        insert(subjects)
        .values(user_id=user_id)
        .on_conflict_do_update(index_elements=["user_id"], set_={"user_id": user_id})
        .returning(subjects.c.cut_off)
    )
    cut_off: datetime | None = (await db.execute(statement)).scalar_one()
    return cut_off


async def cut_off(db: Connection, user_id: str) -> datetime | None:
    """The user's cut-off time, without waiting for anybody."""
    return (await db.execute(select(subjects.c.cut_off).where(subjects.c.user_id == user_id))).scalar_one_or_none()


async def set_cut_off(db: Connection, user_id: str, at: datetime) -> None:
    """Move it. Call `hold` first, in the same transaction."""
    await db.execute(update(subjects).where(subjects.c.user_id == user_id).values(cut_off=at))
