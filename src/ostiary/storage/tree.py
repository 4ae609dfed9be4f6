"""Statements about what hangs under what; see core/tree.py."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CTE, ColumnElement, and_, func, or_, select

from ostiary.core.policy import Policy
from ostiary.core.session import Session
from ostiary.core.tree import SENT_AWAY
from ostiary.storage.among import one_of
from ostiary.storage.database import Connection
from ostiary.storage.live import Chosen, live
from ostiary.storage.schema import sessions
from ostiary.storage.sessions import COLUMNS, as_session

# In one order everywhere, so that two who take several cannot wait for each other: what others are bound to comes
# before these. Ids are all of one length, so the length of the path is the depth.
ORDER: Sequence[ColumnElement[Any]] = (func.length(sessions.c.path), sessions.c.id)


class Taken(NamedTuple):
    """A session that is held until the transaction ends: live, or suspended since a moment by a plan."""

    id: str
    user_id: str
    path: tuple[str, ...]
    at: datetime | None
    plan_id: str | None


_TAKEN = [sessions.c[name] for name in ("id", "user_id", "path", "revoked_at", "undo_plan_id")]
_is_not_final = or_(sessions.c.revoked_at.is_(None), sessions.c.undo_plan_id.is_not(None))


async def take(db: Connection, chosen: Chosen) -> list[Taken]:
    """Take the chosen sessions that are live or suspended until the transaction ends.

    An ending, an undo and what begins under the same session take turns by this, and the second one sees what the first
    one did.
    """
    rows = await db.execute(select(*_TAKEN).where(chosen, _is_not_final).order_by(*ORDER).with_for_update())
    return [Taken(*row) for row in rows]


async def take_one(db: Connection, session_id: str, user_id: str) -> tuple[Taken | None, bytes]:
    """The same of one session, if it is that user's, with the hash of its secret."""
    query = select(*_TAKEN, sessions.c.secret_hash).where(
        sessions.c.id == session_id, sessions.c.user_id == user_id, _is_not_final
    )
    row = (await db.execute(query.with_for_update())).one_or_none()
    return (None, b"") if row is None else (Taken(*row[:-1]), row[-1])


async def take_below(db: Connection, chosen: Chosen) -> list[Taken]:
    """The same of all that is bound to the chosen ones, at any depth. Take these first: then nothing joins them."""
    below = _below(chosen, is_bound=True)
    return await take(db, sessions.c.id.in_(select(below.c.id)))


def within(chosen: Chosen) -> Chosen:
    """The chosen ones, and all that hangs under them, bound or standing."""
    return or_(chosen, sessions.c.id.in_(select(_below(chosen, is_bound=False).c.id)))


def hanging_under(session_id: str) -> Chosen:
    """What hangs under a session, bound or standing, but not itself."""
    return sessions.c.id.in_(select(_below(sessions.c.id == session_id, is_bound=False).c.id))


def standing_under(session_ids: Sequence[str], policy: Policy, now: datetime) -> Chosen:
    """What acts while its person is away, and was let in by these sessions: it outlives them, as a rule."""
    hangs = sessions.c.id.in_(select(_below(sessions.c.id.in_(session_ids), is_bound=False).c.id))
    return and_(hangs, func.length(sessions.c.path) == 0, live(policy, now))


async def count(db: Connection, chosen: Chosen) -> int:
    """How many these are."""
    return (await db.execute(select(func.count()).select_from(sessions).where(chosen))).scalar_one()


async def find_all(db: Connection, chosen: Chosen, limit: int) -> list[Session]:
    """The chosen ones, most recently used first."""
    query = select(*COLUMNS).where(chosen).order_by(sessions.c.last_used_at.desc(), sessions.c.id)
    return [as_session(row) for row in await db.execute(query.limit(limit))]


async def find_grants(db: Connection, parent_id: str, client_id: str, resource: str | None) -> list[Session]:
    """What a client holds for a resource under a session, unless it has ended for good; the newest first."""
    query = select(*COLUMNS).where(
        sessions.c.parent_id == parent_id,
        sessions.c.client_id == client_id,
        sessions.c.resource.is_not_distinct_from(resource),
        or_(sessions.c.revoked_at.is_(None), sessions.c.undo_plan_id.is_not(None)),
    )
    rows = await db.execute(query.order_by(sessions.c.created_at.desc(), sessions.c.id))
    return [as_session(row) for row in rows]


async def was_sent_away(db: Connection, parent_id: str, client_id: str, since: datetime) -> bool:
    """True if a grant of a client under a session was ended after a time, by somebody who meant it (`SENT_AWAY`)."""
    query = select(sessions.c.id).where(
        sessions.c.parent_id == parent_id,
        sessions.c.client_id == client_id,
        sessions.c.revoked_at > since,
        sessions.c.revoked_reason.in_(SENT_AWAY),
    )
    return (await db.execute(query.limit(1))).first() is not None


async def children_of(db: Connection, user_id: str, session_ids: Collection[str]) -> dict[str, str]:
    """Sessions of a user that hang under these, ended ones too: each with its parent."""
    query = select(sessions.c.id, sessions.c.parent_id).where(
        sessions.c.user_id == user_id, one_of(sessions.c.parent_id, session_ids)
    )
    return {row.id: row.parent_id for row in await db.execute(query)}


async def bound_together(db: Connection, session: Session) -> list[str]:
    """The ids of all that is bound to the same session as this one: the outermost, and what ends with it."""
    outermost = sessions.c.id == (session.path or (session.id,))[0]
    query = select(sessions.c.id).where(
        or_(outermost, sessions.c.id.in_(select(_below(outermost, is_bound=True).c.id)))
    )
    return list((await db.execute(query)).scalars())


def _below(chosen: Chosen, *, is_bound: bool) -> CTE:
    child = sessions.alias("child")
    bound = (func.length(child.c.path) > 0,) if is_bound else ()
    parents = select(sessions.c.id).where(chosen).correlate(None)
    below = select(child.c.id).where(child.c.parent_id.in_(parents), *bound).cte(recursive=True)
    # UNION, which drops what it has already: a loop, which nothing of ours writes, must not hang a server.
    return below.union(select(child.c.id).where(child.c.parent_id == below.c.id, *bound))
