"""Statements about failed sign-ins inside the window: what the sign-in limits count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, delete, func, insert, select

from ostiary.storage.database import Connection
from ostiary.storage.schema import refusals, sessions


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed sign-ins since the window began, and when the oldest that counts for the pair was."""

    pair: int
    account: int
    address: int
    oldest: datetime | None


async def add(db: Connection, account: str, address: str, at: datetime) -> None:
    """Remember one more."""
    await db.execute(insert(refusals).values(at=at, account=account, address=address))


async def count(db: Connection, account: str, address: str, since: datetime) -> Failures:
    """How many on this account, from this address, and on this account from this address."""
    of_account, of_address = refusals.c.account == account, refusals.c.address == address
    query = select(
        func.coalesce(func.sum(case((of_account & of_address, 1), else_=0)), 0),
        func.coalesce(func.sum(case((of_account, 1), else_=0)), 0),
        func.coalesce(func.sum(case((of_address, 1), else_=0)), 0),
        func.min(refusals.c.at),
    ).where(refusals.c.at > since, of_account | of_address)
    return Failures(*(await db.execute(query)).one())


async def is_known(db: Connection, user_id: str | None, address: str) -> bool:
    """True if the user has had a session at this address: a stranger's failures elsewhere do not concern it."""
    query = select(sessions.c.id).where(sessions.c.user_id == (user_id or ""), sessions.c.ip == address).limit(1)
    return (await db.execute(query)).first() is not None


async def purge(db: Connection, before: datetime) -> int:
    """Forget what no window reaches. How many it removed."""
    return (await db.execute(delete(refusals).where(refusals.c.at < before))).rowcount
