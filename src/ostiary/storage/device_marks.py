"""Statements about the marks of browsers; see core/browser.py."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, case, delete, insert, literal, or_, select, update

from ostiary.core.browser import MARK_GRACE, MARK_LIFE
from ostiary.storage.browser_schema import device_marks as marks
from ostiary.storage.columns import Instant
from ostiary.storage.database import Connection


async def hold(db: Connection, mark_hash: bytes, now: datetime) -> dict[str, str]:
    """Each user's newest session in the browser that holds this mark; held until the transaction ends."""
    query = select(marks.c.user_id, marks.c.session_id).where(
        marks.c.mark_hash == mark_hash, marks.c.marked_at > now - MARK_LIFE
    )
    rows = await db.execute(query.order_by(marks.c.user_id).with_for_update())
    return {row.user_id: row.session_id for row in rows}


async def put(
    db: Connection,
    user_id: str,
    session_id: str,
    mark_hash: bytes,
    *,
    old: bytes | None,
    instead_of: Collection[str],
    now: datetime,
) -> None:
    """Keep which session a user's newest sign-in in a browser has made.

    The marks of the sessions that it takes the place of stand for it, too. The `old` one, which the browser presented,
    and others of before pass away after `MARK_GRACE`, in which a sign-in under way at the same time may present it.
    Those that are as new were given to the same browser at the same time: it may have kept any of them.
    """
    passing = now - MARK_LIFE + MARK_GRACE
    is_new = and_(marks.c.mark_hash != (old or b""), marks.c.marked_at > now - MARK_GRACE)
    stays = or_(is_new, marks.c.marked_at < passing)
    marked_at = case((stays, marks.c.marked_at), else_=literal(passing, Instant))
    before = (marks.c.user_id == user_id, marks.c.session_id.in_(instead_of))
    await db.execute(delete(marks).where(marks.c.mark_hash == mark_hash, marks.c.user_id == user_id))
    if instead_of:
        await db.execute(update(marks).where(*before).values(session_id=session_id, marked_at=marked_at))
    values = {"mark_hash": mark_hash, "user_id": user_id, "session_id": session_id, "marked_at": now}
    await db.execute(insert(marks).values(**values))
