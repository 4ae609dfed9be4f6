"""Statements about refresh tokens: one row for each session that has them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from ostiary.core.oauth.refresh import Family
from ostiary.storage.among import one_of
from ostiary.storage.database import Connection
from ostiary.storage.oauth_schema import refresh_tokens


async def add(db: Connection, family: Family) -> None:
    """Write a new family."""
    values = {name: getattr(family, name) for name in Family.__slots__}
    await db.execute(insert(refresh_tokens).values(**values))


async def forget(db: Connection, session_id: str) -> None:
    """Forget the family of a session: its tokens are unknown from then on."""
    await db.execute(delete(refresh_tokens).where(refresh_tokens.c.session_id == session_id))


async def find(db: Connection, family_id: str) -> Family | None:
    """The family."""
    row = (await db.execute(select(refresh_tokens).where(refresh_tokens.c.id == family_id))).one_or_none()
    return _family(row) if row else None


async def of_sessions(db: Connection, session_ids: Collection[str]) -> list[Family]:
    """The families of these sessions."""
    rows = await db.execute(select(refresh_tokens).where(one_of(refresh_tokens.c.session_id, session_ids)))
    return [_family(row) for row in rows]


async def rotate(db: Connection, family: Family, secret_hash: bytes, now: datetime) -> bool:
    """Put the next secret in the place of the newest. False if somebody else has done so meanwhile."""
    done = await db.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.id == family.id, refresh_tokens.c.secret_hash == family.secret_hash)
        .values(secret_hash=secret_hash, rotated_at=now)
    )
    return done.rowcount == 1


def _family(row: Row[Any]) -> Family:
    return Family(**row._mapping)
