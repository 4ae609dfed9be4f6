"""Statements about authorization requests that clients pushed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select

from ostiary.storage.database import Connection
from ostiary.storage.oauth_schema import pushed_requests


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """One row."""

    secret_hash: bytes
    client_id: str
    parameters: dict[str, str]
    expires_at: datetime


async def add(
    db: Connection,
    request_id: str,
    secret_hash: bytes,
    client_id: str,
    parameters: dict[str, str],
    expires_at: datetime,
) -> None:
    """Write one."""
    values = {"id": request_id, "secret_hash": secret_hash, "client_id": client_id}
    await db.execute(insert(pushed_requests).values(**values, parameters=parameters, expires_at=expires_at))


async def find(db: Connection, request_id: str) -> PushedRequest | None:
    """One of them."""
    columns = [pushed_requests.c[name] for name in PushedRequest.__slots__]
    row = (await db.execute(select(*columns).where(pushed_requests.c.id == request_id))).one_or_none()
    return PushedRequest(**row._mapping) if row else None


async def count(db: Connection, client_id: str, now: datetime) -> int:
    """How many of a client's wait."""
    where = (pushed_requests.c.client_id == client_id, pushed_requests.c.expires_at > now)
    return (await db.execute(select(func.count()).select_from(pushed_requests).where(*where))).scalar_one()
