"""Statements about the first administrator's one-time link."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select

from ostiary.storage.database import Connection
from ostiary.storage.schema import setup_codes


async def replace(db: Connection, code_id: str, secret_hash: bytes, expires_at: datetime) -> None:
    """Write a code; it is the only one from now on."""
    await db.execute(delete(setup_codes))
    await db.execute(insert(setup_codes).values(id=code_id, secret_hash=secret_hash, expires_at=expires_at))


async def find(db: Connection, code_id: str, now: datetime) -> bytes | None:
    """The hash of a code that has not expired."""
    query = select(setup_codes.c.secret_hash).where(setup_codes.c.id == code_id, setup_codes.c.expires_at > now)
    return (await db.execute(query)).scalar_one_or_none()


async def remove_all(db: Connection) -> int:
    """No link works any more. How many there were: of two that use one link, the second finds none."""
    return (await db.execute(delete(setup_codes))).rowcount
