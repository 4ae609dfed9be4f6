"""Everything that a database holds, to see whether anything was written."""

from __future__ import annotations

from ostiary.storage import schema
from ostiary.storage.database import Connection, Database

# What a server writes by itself, whoever asks or does not.
BY_ITSELF = {
    "event_chain": "seals the events that are there already",
    "lags": "how long endings took to be known, once a minute",
    "leases": "which node looks after what",
    "verifiers": "when a reader of the feed was last seen",
}
# When a credential was last used is noted at the head of a request, while it was live, and written later.
LAST_USE = {"last_used_at"}


async def dump(database: Database) -> dict[str, list[str]]:
    """Every row of every table, but for what is named above."""
    async with database.reading() as db:
        return await dump_within(db)


async def dump_within(db: Connection) -> dict[str, list[str]]:
    """The same, as a transaction sees it that is under way."""
    found = {}
    for table in schema.metadata.sorted_tables:
        if table.name not in BY_ITSELF:
            columns = [column for column in table.columns if column.name not in LAST_USE]
            rows = await db.execute(table.select().with_only_columns(*columns))
            found[table.name] = sorted(repr(tuple(row)) for row in rows)
    return found


def difference(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """Rows that are in one only, each with its table."""
    found = []
    for table, rows in before.items():
        was, now = set(rows), set(after[table])
        found += [f"{table}: - {row}" for row in sorted(was - now)] + [f"{table}: + {row}" for row in sorted(now - was)]
    return found
