"""Statements about the marks of browsers; see core/browser.py."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from ostiary.storage.browser_schema import device_marks as marks
from ostiary.storage.database import Connection


async def find(db: Connection, mark_hash: bytes, user_id: str) -> str | None:
    """The session of a user's newest sign-in in the browser that holds this mark."""
    query = select(marks.c.session_id).where(marks.c.mark_hash == mark_hash, marks.c.user_id == user_id)
    return (await db.execute(query)).scalar_one_or_none()


async def put(db: Connection, user_id: str, session_id: str, *, old: bytes | None, new: bytes, now: datetime) -> None:
    """Give a browser another mark, which stands for all who signed in there, and keep the newest sign-in of a user."""
    if old is not None:
        await db.execute(update(marks).where(marks.c.mark_hash == old).values(mark_hash=new))
    await db.execute(delete(marks).where(marks.c.mark_hash == new, marks.c.user_id == user_id))
    values = {"mark_hash": new, "user_id": user_id, "session_id": session_id, "marked_at": now}
    await db.execute(insert(marks).values(**values))
