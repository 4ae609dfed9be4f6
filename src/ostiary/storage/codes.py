"""Statements about authorization codes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from ostiary.core.oauth.code import Code
from ostiary.storage.among import one_of
from ostiary.storage.database import Connection
from ostiary.storage.oauth_schema import authorization_codes as codes

COLUMNS = [codes.c[name] for name in Code.__slots__]


async def add(db: Connection, code: Code, secret_hash: bytes) -> None:
    """Write a new code."""
    values = {name: getattr(code, name) for name in Code.__slots__}
    await db.execute(insert(codes).values(secret_hash=secret_hash, **values))


async def find(db: Connection, code_id: str) -> tuple[Code, bytes] | None:
    """The code and its secret's hash."""
    row = (await db.execute(select(*COLUMNS, codes.c.secret_hash).where(codes.c.id == code_id))).one_or_none()
    if row is None:
        return None
    values = dict(row._mapping)
    secret_hash: bytes = values.pop("secret_hash")
    return Code(**values), secret_hash


async def use(db: Connection, code_id: str, now: datetime) -> bool:
    """Use it up. False if it was used before: of two that come at once, the second waits here and finds it used."""
    statement = update(codes).where(codes.c.id == code_id, codes.c.used_at.is_(None)).values(used_at=now)
    return (await db.execute(statement)).rowcount == 1


async def granted_from(db: Connection, user_id: str, session_ids: Collection[str]) -> dict[str, str]:
    """Sessions that clients got by codes of these browser sessions of a user: each with the one it came from."""
    query = select(codes.c.granted_session_id, codes.c.session_id).where(
        codes.c.user_id == user_id, one_of(codes.c.session_id, session_ids), codes.c.granted_session_id.is_not(None)
    )
    return {row.granted_session_id: row.session_id for row in await db.execute(query)}


async def set_granted(db: Connection, code_id: str, session_id: str) -> None:
    """Remember the session that it was exchanged for, so that a second use can end it."""
    await db.execute(update(codes).where(codes.c.id == code_id).values(granted_session_id=session_id))


async def forget_granted(db: Connection, user_id: str, session_id: str) -> None:
    """Forget which codes led to a session of a user: it goes on by a newer one, and theirs cannot end it any more."""
    where = (codes.c.user_id == user_id, codes.c.granted_session_id == session_id)
    await db.execute(update(codes).where(*where).values(granted_session_id=None))


async def remove_for(db: Connection, resource: str) -> None:
    """Remove the codes for a resource."""
    await db.execute(delete(codes).where(codes.c.resource == resource))


async def remove_of(db: Connection, user_id: str, client_id: str) -> None:
    """Remove a user's codes for a client, used ones too."""
    await db.execute(delete(codes).where(codes.c.user_id == user_id, codes.c.client_id == client_id))
