"""Statements that forget: each removes or empties a few rows that are past retention, and says how many.

Every one finds its rows by an index and stops at `limit`, so that the locks it takes are few and short.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, null, or_, select, text, update

from ostiary.core.event import REFUSED
from ostiary.core.likeness import label_key
from ostiary.storage.accounts import NOBODYS
from ostiary.storage.browser_schema import device_marks
from ostiary.storage.database import Connection
from ostiary.storage.oauth_schema import authorization_codes, pushed_requests, refresh_tokens, used_assertions
from ostiary.storage.schema import cli_tokens, event_chain, events, refusals, sessions, setup_codes
from ostiary.storage.sessions import place


async def need_not_wait(db: Connection) -> None:
    """Let the commit of this transaction not wait for the disk, and so let go of what it locks.

    What a power cut takes back of a purge is done again by the next one.
    """
    if db.dialect.name == "postgresql":
        await db.execute(_NOT_WAITING)


_NOT_WAITING: Final = text("SELECT set_config('synchronous_commit', 'off', true)")


async def revoked_sessions(db: Connection, since: datetime, before: datetime, limit: int) -> list[datetime]:
    """Remove sessions that somebody ended in this span, the first ones first, with their refresh tokens.

    Returns when each had ended. Go on from the last one: what was removed may stay in an index for a while, and would
    be passed again at each call.
    """
    return await _remove_sessions(db, sessions.c.revoked_at, since, before, limit)


async def expired_sessions(db: Connection, since: datetime, before: datetime, limit: int) -> list[datetime]:
    """Remove sessions whose lifetime ended in this span, likewise."""
    return await _remove_sessions(db, sessions.c.expires_at, since, before, limit)


async def _remove_sessions(
    db: Connection, end: ColumnElement[Any], since: datetime, before: datetime, limit: int
) -> list[datetime]:
    old = select(sessions.c.id, end).where(end >= since, end < before).order_by(end).limit(limit)
    found = (await db.execute(old)).all()
    if found:
        ids = [row[0] for row in found]
        await db.execute(delete(refresh_tokens).where(refresh_tokens.c.session_id.in_(ids)))
        await db.execute(delete(sessions).where(sessions.c.id.in_(ids)))
    return [row[1] for row in found]


async def ended_tokens(db: Connection, before: datetime, limit: int) -> int:
    """Remove CLI tokens that were revoked, or expired, before `before`."""
    old = or_(cli_tokens.c.revoked_at < before, cli_tokens.c.expires_at < before)
    return await _remove(db, cli_tokens.c.id, old, limit)


async def expired_codes(db: Connection, before: datetime, limit: int) -> int:
    """Remove authorization codes, and what lives as shortly, that expired before `before`."""
    for table in (setup_codes, pushed_requests, used_assertions):
        await db.execute(delete(table).where(table.c.expires_at < before))
    return await _remove(db, authorization_codes.c.id, authorization_codes.c.expires_at < before, limit)


async def old_marks(db: Connection, before: datetime, limit: int) -> int:
    """Remove the marks of browsers in which nobody has signed in since `before`."""
    old = select(device_marks.c.mark_hash).where(device_marks.c.marked_at < before).limit(limit)
    found = list((await db.execute(old)).scalars())
    if found:
        chosen = (device_marks.c.mark_hash.in_(found), device_marks.c.marked_at < before)
        await db.execute(delete(device_marks).where(*chosen))
    return len(found)


async def old_refusals(db: Connection, before: datetime, limit: int) -> int:
    """Remove failed sign-ins that no window reaches."""
    return await _remove(db, refusals.c.position, refusals.c.at < before, limit)


def refused_events(before: datetime) -> ColumnElement[bool]:
    """Events of refused sign-ins before `before`."""
    return and_(events.c.at < before, events.c.kind.in_(REFUSED))


def other_events(before: datetime) -> ColumnElement[bool]:
    """All events before `before`."""
    return events.c.at < before


async def any_event(db: Connection, old: ColumnElement[bool]) -> bool:
    """True if there is something to remove that has been sealed."""
    query = select(events.c.position).join(event_chain, event_chain.c.position == events.c.position)
    return (await db.execute(query.where(old).limit(1))).first() is not None


async def any_personal(db: Connection, after: int, before: datetime) -> bool:
    """True if an event after a position and before `before` may hold something personal, and has been sealed."""
    query = select(events.c.position).join(event_chain, event_chain.c.position == events.c.position)
    where = and_(events.c.position > after, events.c.at < before)
    return (await db.execute(query.where(where).order_by(events.c.position).limit(1))).first() is not None


async def sealed_events(db: Connection, old: ColumnElement[bool], limit: int) -> int:
    """Remove events that have been sealed; their links stay, until all before them are gone, too."""
    query = select(events.c.position).join(event_chain, event_chain.c.position == events.c.position)
    found = list((await db.execute(query.where(old).limit(limit))).scalars())
    if found:
        await db.execute(delete(events).where(events.c.position.in_(found)))
    return len(found)


async def forget_in_sessions(db: Connection, before: datetime, limit: int) -> int:
    """Empty address, agent and label of sessions that ended before `before`."""
    held = or_(sessions.c.ip.is_not(None), sessions.c.user_agent.is_not(None), sessions.c.label.is_not(None))
    count = 0
    for ended in (sessions.c.revoked_at < before, sessions.c.expires_at < before):
        found = list((await db.execute(select(sessions.c.id).where(ended, held).limit(limit - count))).scalars())
        if found:
            await forget_sessions(db, sessions.c.id.in_(found))
        count += len(found)
    return count


async def forget_sessions(db: Connection, chosen: ColumnElement[bool]) -> None:
    """Empty what is personal in the chosen sessions, and what search reads of it."""
    nowhere = {**place(None, None), "label": None, "label_key": label_key(None)}
    await db.execute(update(sessions).where(chosen).values(**nowhere, **NOBODYS))


async def forget_in_events(db: Connection, after: int, before: datetime, limit: int) -> list[int]:
    """Empty what is personal in sealed events after a position that happened before `before`. Their positions.

    Hold the chain first (`leases.lock`).
    """
    query = select(events.c.position).join(event_chain, event_chain.c.position == events.c.position)
    old = query.where(events.c.position > after, events.c.at < before).order_by(events.c.position).limit(limit)
    found = list((await db.execute(old)).scalars())
    if found:
        await forget_events(db, events.c.position.in_(found), event_chain.c.position.in_(found))
    return found


async def forget_events(db: Connection, chosen: ColumnElement[bool], links: ColumnElement[bool]) -> int:
    """Empty what is personal in the chosen events, and the salts of their links. How many events there were."""
    done = await db.execute(update(events).where(chosen).values(ip=null(), user_agent=null()))
    await db.execute(update(events).where(chosen, events.c.kind == "user.deleted").values(detail={}))
    await db.execute(update(event_chain).where(links).values(salt=null()))
    return done.rowcount


async def _remove(db: Connection, key: Any, old: ColumnElement[bool], limit: int) -> int:
    found = list((await db.execute(select(key).where(old).limit(limit))).scalars())
    if found:
        await db.execute(delete(key.table).where(key.in_(found)))
    return len(found)
