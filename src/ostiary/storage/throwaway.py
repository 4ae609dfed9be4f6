"""Taking back what a check of the store has made: users who never were anybody, and every trace of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete

from ostiary.storage.database import Connection
from ostiary.storage.schema import cli_tokens, events, sessions, subjects, users


async def remove(db: Connection, user_ids: Sequence[str]) -> None:
    """Remove users with all that is theirs, their events too: nobody will ever want to know what they did."""
    for table in (sessions, cli_tokens, subjects, events):
        await db.execute(delete(table).where(table.c.user_id.in_(user_ids)))
    await db.execute(delete(users).where(users.c.id.in_(user_ids)))
