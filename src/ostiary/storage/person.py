"""Statements about everything that is held about one person: to give it to them, or to take it away."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import and_, delete, func, or_, select

from ostiary.storage import retention
from ostiary.storage.among import one_of
from ostiary.storage.browser_schema import device_marks
from ostiary.storage.database import Connection
from ostiary.storage.oauth_schema import authorization_codes, consents
from ostiary.storage.schema import cli_tokens, event_chain, events, refusals, sessions


async def is_known(db: Connection, user_id: str) -> bool:
    """True if anything is held about a user id."""
    for table in (sessions, events, cli_tokens, consents):
        if (await db.execute(select(table.c.user_id).where(table.c.user_id == user_id).limit(1))).first() is not None:
            return True
    return False


async def consents_of(db: Connection, user_id: str) -> list[dict[str, Any]]:
    """To which clients they agreed, and to what."""
    query = select(consents.c.client_id, consents.c.scopes, consents.c.granted_at).where(consents.c.user_id == user_id)
    return [dict(row._mapping) for row in await db.execute(query.order_by(consents.c.granted_at))]


async def codes_of(db: Connection, user_id: str) -> list[dict[str, Any]]:
    """Authorization codes that are still kept, without their secrets' hashes."""
    table = authorization_codes
    columns = (table.c.id, table.c.client_id, table.c.scopes, table.c.ip, table.c.user_agent, table.c.expires_at)
    rows = await db.execute(select(*columns).where(table.c.user_id == user_id).order_by(table.c.expires_at))
    return [dict(row._mapping) for row in rows]


async def failures_on(db: Connection, account: str) -> int:
    """Failed sign-ins on an account, named by its hash, that the limits still count."""
    query = select(func.count()).select_from(refusals).where(refusals.c.account == account)
    return (await db.execute(query)).scalar_one()


async def token_ids(db: Connection, user_id: str) -> list[str]:
    """Every CLI token of theirs."""
    query = select(cli_tokens.c.id).where(cli_tokens.c.user_id == user_id).order_by(cli_tokens.c.id)
    return list((await db.execute(query)).scalars())


async def remove_rows(db: Connection, user_id: str, account: str | None) -> None:
    """Remove what nobody has to prove later, and empty what is personal in their sessions, which must have ended."""
    for table in (consents, authorization_codes, cli_tokens, device_marks):
        await db.execute(delete(table).where(table.c.user_id == user_id))
    if account is not None:
        await db.execute(delete(refusals).where(refusals.c.account == account))
    await retention.forget_sessions(db, sessions.c.user_id == user_id)


async def highest_event(db: Connection) -> int:
    """Where the trail ends now."""
    return (await db.execute(select(func.max(events.c.position)))).scalar_one_or_none() or 0


async def forget_acts(db: Connection, user_id: str, tokens: Collection[str], after: int, until: int) -> int:
    """Empty what is personal to them in the events of a range of positions. Hold the chain first. How many.

    That is what they did themselves, attempts to sign in to their account, and where their name was written down.
    """
    on_them = and_(events.c.user_id == user_id, or_(events.c.by.is_(None), events.c.kind == "user.deleted"))
    theirs = or_(one_of(events.c.by, [user_id, *tokens]), on_them)
    query = select(events.c.position).where(events.c.position > after, events.c.position <= until, theirs)
    found = list((await db.execute(query)).scalars())
    if found:
        await retention.forget_events(db, events.c.position.in_(found), event_chain.c.position.in_(found))
    return len(found)
