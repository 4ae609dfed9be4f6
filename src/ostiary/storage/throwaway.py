"""Taking back what a check of the store has made: users who never were anybody.

Their events stay: the trail is evidence, and a hole in it would be taken for tampering.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete

from ostiary.storage.database import Connection
from ostiary.storage.schema import cli_tokens, sessions, subjects, users


async def remove(db: Connection, user_ids: Sequence[str]) -> None:
    """Remove users with all that is theirs, but for the events about them."""
    for table in (sessions, cli_tokens, subjects):
        await db.execute(delete(table).where(table.c.user_id.in_(user_ids)))
    await db.execute(delete(users).where(users.c.id.in_(user_ids)))
