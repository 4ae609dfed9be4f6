"""What a database is like, beyond its schema's number: its indexes, its clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, inspect, text

from ostiary.storage.database import Database
from ostiary.storage.schema import metadata

COUNTED: Final = 1_000_000  # entries of an index: some tenths of a second


async def missing_indexes(database: Database) -> list[str]:
    """Indexes of this version's schema that are not there: dropped by hand, or left out of a copy.

    Raises:
        StoreUnavailable: it cannot be reached.
    """

    def read(connection: Connection) -> list[str]:
        found, schema = inspect(connection), database.naming.schema
        tables = found.get_multi_indexes(schema=schema).values()
        there = {index["name"] for indexes in tables for index in indexes}
        ours = database.naming.placed(metadata).tables.values()
        wanted = {str(index.name) for table in ours for index in table.indexes}
        return sorted(wanted - there)

    async with database.reading() as db:
        return await db.run_sync(read)


async def look_at_contents(database: Database) -> None:
    """Let SQLite count what its indexes hold, so that it chooses among them by that. PostgreSQL does so by itself.

    Nobody can write meanwhile, so each index has a transaction of its own, and of a large one a part is counted.

    Raises:
        StoreUnavailable: it cannot be reached.
    """
    if not database.is_sqlite:
        return
    for table in database.naming.placed(metadata).sorted_tables:
        for index in table.indexes:
            async with database.transaction() as db:
                await db.exec_driver_sql(f"PRAGMA analysis_limit = {COUNTED}")
                began = time.perf_counter()
                await db.exec_driver_sql(f'ANALYZE "{index.name}"')
                took = time.perf_counter() - began
            await asyncio.sleep(took)  # others get at least half of the store


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
