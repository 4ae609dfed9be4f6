"""Many rows in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Insert, Table, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY

from ostiary.storage.database import Connection


async def add(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that have the same columns.

    PostgreSQL is asked once, and gets an array for each column; SQLite, which is not far away, once for each row.
    """
    if len(rows) > 1 and db.dialect.name == "postgresql":
        names = tuple(rows[0])
        await db.execute(_of_arrays(table, names), {name: [row[name] for row in rows] for name in names})
    elif rows:
        await db.execute(insert(table), rows)


@lru_cache
def _of_arrays(table: Table, names: tuple[str, ...]) -> Insert:
    arrays = [bindparam(name, type_=ARRAY(table.c[name].type)) for name in names]
    rows = func.unnest(*arrays).table_valued(*names).render_derived()
    return insert(table).from_select(names, select(*(rows.c[name] for name in names)))
