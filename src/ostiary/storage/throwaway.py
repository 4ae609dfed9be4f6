"""Taking back what a check of the store has made: users who never were anybody.

Their events stay: the trail is evidence, and a hole in it would be taken for tampering.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete

from ostiary.storage.browser_schema import device_marks
from ostiary.storage.database import Connection
from ostiary.storage.schema import cli_tokens, plan_sessions, plans, sessions, subjects, users


async def remove(db: Connection, user_ids: Sequence[str], plan_ids: Sequence[str] = ()) -> None:
    """Remove users with all that is theirs, but for the events about them; and plans."""
    await db.execute(delete(plan_sessions).where(plan_sessions.c.plan_id.in_(plan_ids)))
    await db.execute(delete(plans).where(plans.c.id.in_(plan_ids)))
    for table in (sessions, cli_tokens, subjects, device_marks):
        await db.execute(delete(table).where(table.c.user_id.in_(user_ids)))
    await db.execute(delete(users).where(users.c.id.in_(user_ids)))
