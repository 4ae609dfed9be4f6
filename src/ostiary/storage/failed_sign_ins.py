"""Statements about failed sign-ins inside the window: what the sign-in limits count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, case, delete, false, func, insert, select

from ostiary.core.address import nearby
from ostiary.storage.database import Connection
from ostiary.storage.schema import refusals, sessions

NO_ACCOUNT: Final = ""  # in a row that counts for a site only


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed sign-ins since the window began, and when the oldest of them was."""

    pair: int
    account: int
    address: int
    oldest: datetime | None
    site: int = 0


async def add(db: Connection, account: str, address: str, site: str | None, at: datetime) -> None:
    """Remember one more. The site has a row of its own, which is on no account."""
    rows = [{"at": at, "account": account, "address": address}]
    if site is not None:
        rows.append({"at": at, "account": NO_ACCOUNT, "address": site})
    await db.execute(insert(refusals), rows)


async def count(db: Connection, account: str, address: str, site: str | None, since: datetime) -> Failures:
    """How many on this account, from this address, on this account from this address, and from the site around it."""
    of_account, of_address = refusals.c.account == account, refusals.c.address == address
    of_site = refusals.c.address == site if site is not None else false()

    def sum_of(what: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((what, 1), else_=0)), 0)

    query = select(
        sum_of(of_account & of_address),
        sum_of(of_account),
        sum_of(of_address),
        func.min(refusals.c.at),
        sum_of(of_site),
    ).where(refusals.c.at > since, of_account | of_address | of_site)
    return Failures(*(await db.execute(query)).one())


async def is_known(db: Connection, user_id: str | None, ip: str | None) -> bool:
    """True if the user has had a session at this address: a stranger's failures elsewhere do not concern it.

    Of IPv6, on its link: a laptop takes another address there every day (RFC 8981).
    """
    near = nearby(ip) if ip and user_id else None
    if near is None:
        return False
    there = sessions.c.address.between(*near)
    query = select(sessions.c.id).where(sessions.c.user_id == user_id, there).limit(1)
    return (await db.execute(query)).first() is not None


async def purge(db: Connection, before: datetime) -> int:
    """Forget what no window reaches. How many it removed."""
    return (await db.execute(delete(refusals).where(refusals.c.at < before))).rowcount
