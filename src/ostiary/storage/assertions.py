"""Statements about client assertions that were used: each works once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from ostiary.storage.database import Connection
from ostiary.storage.oauth_schema import used_assertions


async def use(db: Connection, client_id: str, jti_hash: bytes, expires_at: datetime) -> bool:
    """Use one up. False if it was used before: of two that come at once, the second waits here and finds it used."""
    values = {"client_id": client_id, "jti_hash": jti_hash, "expires_at": expires_at}
    try:
        async with db.begin_nested():
            await db.execute(insert(used_assertions).values(**values))
    except IntegrityError:
        return False
    return True
