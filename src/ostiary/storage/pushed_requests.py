"""Statements about authorization requests that clients pushed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, delete, func, insert, select

from ostiary.storage.database import Connection
from ostiary.storage.oauth_schema import pushed_requests

FORGOTTEN_AT_ONCE: Final = 1000


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
    address: str | None = None,
    site: str | None = None,
) -> None:
    """Write one; of a public client with where it came from, to be counted by."""
    values = {"id": request_id, "secret_hash": secret_hash, "client_id": client_id, "address": address, "site": site}
    await db.execute(insert(pushed_requests).values(**values, parameters=parameters, expires_at=expires_at))


async def find(db: Connection, request_id: str) -> PushedRequest | None:
    """One of them."""
    columns = [pushed_requests.c[name] for name in PushedRequest.__slots__]
    row = (await db.execute(select(*columns).where(pushed_requests.c.id == request_id))).one_or_none()
    return PushedRequest(**row._mapping) if row else None


async def count(db: Connection, client_id: str, now: datetime) -> int:
    """How many of a client's wait."""
    return await _count(db, pushed_requests.c.client_id == client_id, now)


async def count_from(db: Connection, address: str, site: str | None, now: datetime) -> tuple[int, int]:
    """How many of public clients' wait that came from an address, and from the site around it."""
    of_site = await _count(db, pushed_requests.c.site == site, now) if site is not None else 0
    return await _count(db, pushed_requests.c.address == address, now), of_site


async def forget_expired(db: Connection, now: datetime) -> None:
    """Remove some of those that nobody can use any more: more than are added beside it. Others may be at it, too."""
    old = select(pushed_requests.c.id).where(pushed_requests.c.expires_at <= now).limit(FORGOTTEN_AT_ONCE)
    found = list((await db.execute(old.with_for_update(skip_locked=True))).scalars())
    if found:
        await db.execute(delete(pushed_requests).where(pushed_requests.c.id.in_(found)))


async def _count(db: Connection, whose: ColumnElement[bool], now: datetime) -> int:
    query = select(func.count()).select_from(pushed_requests).where(whose, pushed_requests.c.expires_at > now)
    return (await db.execute(query)).scalar_one()
