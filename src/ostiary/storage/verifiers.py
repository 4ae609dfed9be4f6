"""Statements about verifiers: who remembers sessions, and how far each has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from ostiary.core.verifier import KEPT, LEASE, Verifier
from ostiary.storage.database import Connection
from ostiary.storage.schema import verifiers

_KEPT_APART = {"id", "owner", "reader", "since"}  # do not change


async def write(db: Connection, rows: Sequence[Verifier]) -> None:
    """Write down how far these have come. In the order of ids, so that two nodes cannot wait for each other."""
    insert = sqlite_insert if db.dialect.name == "sqlite" else postgres_insert
    statement = insert(verifiers)
    changed = {name: statement.excluded[name] for name in Verifier.__slots__ if name not in _KEPT_APART}
    statement = statement.on_conflict_do_update(index_elements=["id"], set_=changed)
    await db.execute(statement, [asdict(row) for row in sorted(rows, key=lambda row: row.id)])


async def list_all(db: Connection) -> list[Verifier]:
    """All of them, oldest first."""
    found = await db.execute(select(verifiers).order_by(verifiers.c.since, verifiers.c.id))
    return [Verifier(**row._mapping) for row in found]


async def count(db: Connection, owner: str) -> int:
    """How many ask with one credential."""
    query = select(func.count()).select_from(verifiers).where(verifiers.c.owner == owner)
    return int((await db.execute(query)).scalar_one())


async def remove_gone(db: Connection, now: datetime) -> None:
    """Forget those of which nothing has been heard for long."""
    await db.execute(delete(verifiers).where(verifiers.c.trust_until <= now - LEASE - KEPT))
