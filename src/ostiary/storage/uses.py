"""Statements about when and from where sessions were last used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import bindparam, false, func, or_, select, update

from ostiary.core.policy import Policy
from ostiary.core.session import Session
from ostiary.storage.columns import Instant
from ostiary.storage.database import Connection
from ostiary.storage.live import since
from ostiary.storage.schema import sessions
from ostiary.storage.sessions import PLACE, later, place

MOVED_WITHIN: Final = timedelta(
    minutes=2
)  # of its newest use, where a session was still counts: longer than notes wait


@dataclass(frozen=True, slots=True)
class Use:
    """A session's newest use: when, and from where.

    Attributes:
        depth: how many sessions it is bound to.
        has_moved: whether the session was not there before.
        due: when it may be written, so that a session is written at most once a minute; None is at once.
    """

    at: datetime
    ip: str | None
    user_agent: str | None
    depth: int = 0
    has_moved: bool = False
    due: datetime | None = None


async def touch(
    db: Connection,
    used: Mapping[str, Use],
    policy: Policy,
    now: datetime,
    above: Mapping[str, Use] = MappingProxyType({}),
) -> None:
    """Record use. Never revives: not an ended session, and not one that was idle for too long at `now`.

    Args:
        above: what sessions in `used` are bound to: of these, when, but not from where.
    """
    line = since(policy, now)
    conditions = [
        sessions.c.id == bindparam("session_id"),
        sessions.c.revoked_at.is_(None),
        sessions.c.last_used_at < bindparam("newer_than"),
        sessions.c.last_used_at > line.last_used_at,
        or_(sessions.c.stays.is_distinct_from(false()), sessions.c.last_used_at > line.browser_used_at),
    ]
    parent = sessions.alias("parent")
    used_by_then = select(parent.c.id).where(
        parent.c.id == sessions.c.parent_id, parent.c.last_used_at >= bindparam("at")
    )
    # Never later than what it is bound to, which may be suspended right now.
    conditions.append(or_(func.length(sessions.c.path) == 0, used_by_then.exists()))
    statement = update(sessions).where(*conditions).values(last_used_at=later(bindparam("at", type_=Instant())))
    with_place = statement.values({name: bindparam(f"new_{name}") for name in PLACE})
    # In one order everywhere, so that two nodes cannot wait for each other (`storage.tree.ORDER`).
    for depth in sorted({use.depth for use in (*used.values(), *above.values())}):
        if rows := _at(above, depth):
            await db.execute(statement, [{"session_id": one, "at": use.at, "newer_than": use.at} for one, use in rows])
        if rows := _at(used, depth):
            await db.execute(with_place, [_with_place(one, use) for one, use in rows])


def _at(used: Mapping[str, Use], depth: int) -> list[tuple[str, Use]]:
    return sorted(((one, use) for one, use in used.items() if use.depth == depth), key=lambda item: item[0])


def _with_place(session_id: str, use: Use) -> dict[str, Any]:
    found = {f"new_{name}": value for name, value in place(use.ip, use.user_agent).items()}
    # What is bound to it may have used it since, from anywhere: that says nothing of where it is itself.
    newer_than = use.at + MOVED_WITHIN if use.has_moved else use.at
    return {"session_id": session_id, "at": use.at, "newer_than": newer_than, **found}


async def record(db: Connection, session: Session, use: Use) -> bool:
    """Record use at once, and of all that it is bound to.

    False if one of these ended; if not, whoever wants to end one waits until the transaction ends.
    """
    if not await record_chain(db, session.path, use.at):
        return False
    done = await db.execute(
        update(sessions)
        .where(sessions.c.id == session.id, sessions.c.revoked_at.is_(None))
        .values(last_used_at=later(use.at), **place(use.ip, use.user_agent))
    )
    return done.rowcount == 1


async def record_chain(db: Connection, session_ids: Sequence[str], at: datetime) -> bool:
    """The same of sessions of which each is bound to the one before, but not from where."""
    for session_id in session_ids:
        used = update(sessions).where(sessions.c.id == session_id, sessions.c.revoked_at.is_(None))
        if (await db.execute(used.values(last_used_at=later(at)))).rowcount != 1:
            return False
    return True
