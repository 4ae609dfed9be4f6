"""What a database is like, beyond its schema's number: its indexes, its clock."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, inspect, text

from ostiary.storage.database import Database
from ostiary.storage.schema import metadata


async def missing_indexes(database: Database) -> list[str]:
    """Indexes of this version's schema that are not there: dropped by hand, or left out of a copy.

    Raises:
        StoreUnavailable: it cannot be reached.
    """

    def read(connection: Connection) -> list[str]:
        found = inspect(connection)
        there = {index["name"] for table in found.get_table_names() for index in found.get_indexes(table)}
        wanted = {str(index.name) for table in metadata.tables.values() for index in table.indexes}
        return sorted(wanted - there)

    async with database.reading() as db:
        return await db.run_sync(read)


async def clock(database: Database) -> datetime:
    """What time it is there.

    Raises:
        StoreUnavailable: it cannot be reached.
    """
    if database.is_sqlite:  # it has none of its own
        return datetime.now(UTC)
    async with database.reading() as db:
        found: datetime = (await db.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return found
