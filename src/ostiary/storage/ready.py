"""Whether the store could do now what an ending needs, without doing it."""

from __future__ import annotations

from sqlalchemy import false, insert, select, update

from ostiary.storage.database import Database
from ostiary.storage.schema import events, sessions


async def ensure_writable(database: Database) -> None:
    """Return if a transaction can write to what an ending writes to. Nothing is written.

    PostgreSQL refuses a statement that would write, on a standby, on a server that only reads and to a role without the
    right, also where no row fits; SQLite takes the lock of writers, for which the file must be one that can be written.

    Raises:
        StoreUnavailable: it cannot, or it cannot be reached.
    """
    nobody = select(events.c.at, events.c.kind, events.c.detail).where(false())
    async with database.transaction() as db:
        await db.execute(update(sessions).where(false()).values(revoked_by=None))
        await db.execute(insert(events).from_select(["at", "kind", "detail"], nobody))
