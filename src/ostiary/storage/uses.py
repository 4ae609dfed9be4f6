"""Statements about when and from where sessions were last used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, update

from ostiary.core.policy import Policy
from ostiary.core.session import Session
from ostiary.storage.database import Connection
from ostiary.storage.live import since
from ostiary.storage.schema import sessions
from ostiary.storage.sessions import PLACE, place


@dataclass(frozen=True, slots=True)
class Use:
    """A session's newest use: when, and from where."""

    at: datetime
    ip: str | None
    user_agent: str | None


async def touch(db: Connection, used: Mapping[str, Use], policy: Policy, now: datetime) -> None:
    """Record use. Never revives: not an ended session, and not one that was idle for too long at `now`."""
    if not used:
        return
    conditions = [
        sessions.c.id == bindparam("session_id"),
        sessions.c.revoked_at.is_(None),
        sessions.c.last_used_at < bindparam("at"),
        sessions.c.last_used_at > since(policy, now).last_used_at,
    ]
    statement = (
        update(sessions)
        .where(*conditions)
        .values(last_used_at=bindparam("at"), **{name: bindparam(f"new_{name}") for name in PLACE})
    )
    # In one order everywhere, so that two nodes cannot wait for each other.
    await db.execute(
        statement,
        [
            {
                "session_id": session_id,
                "at": use.at,
                **{f"new_{name}": value for name, value in place(use.ip, use.user_agent).items()},
            }
            for session_id, use in sorted(used.items(), key=lambda item: item[0])
        ],
    )


async def record(db: Connection, session: Session, use: Use) -> bool:
    """Record use at once. False if it ended; if not, whoever wants to end it waits until the transaction ends."""
    done = await db.execute(
        update(sessions)
        .where(sessions.c.id == session.id, sessions.c.revoked_at.is_(None))
        .values(last_used_at=max(use.at, session.last_used_at), **place(use.ip, use.user_agent))
    )
    return done.rowcount == 1
