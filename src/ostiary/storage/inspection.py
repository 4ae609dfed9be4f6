"""What a database is like, beyond its schema's number: its indexes, its clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, inspect, text

from ostiary.storage.database import Database
from ostiary.storage.schema import metadata

ANALYSED: Final = 1000  # rows of an index; SQLite's own advice is 100 to 1000


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


async def look_at_contents(database: Database) -> None:
    """Let SQLite count what its indexes hold, so that it chooses among them by that. PostgreSQL does so by itself.

    It looks at some rows of each index, so it takes milliseconds however many there are (sqlite.org/lang_analyze.html).

    Raises:
        StoreUnavailable: it cannot be reached.
    """
    if database.is_sqlite:
        async with database.transaction() as db:
            await db.exec_driver_sql(f"PRAGMA analysis_limit = {ANALYSED}")
            await db.exec_driver_sql("ANALYZE")


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
