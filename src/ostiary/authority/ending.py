"""The one way out: every ending of a session passes here (rule 2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.event import Detail, Event, EventKind
from ostiary.core.session import Reason, Revocation, Session
from ostiary.storage import cli_tokens, events, sessions, subjects
from ostiary.storage.database import Connection
from ostiary.storage.sessions import Whose


async def end_sessions(
    db: Connection, chosen: sessions.Chosen, *, reason: Reason, by: Caller, now: datetime, detail: Detail | None = None
) -> list[Session]:
    """End the chosen sessions that have not ended yet, with one event each. Returns them as they were before.

    What a plan ended before, and could still bring back, is ended for good: somebody else wants it ended, too.
    """
    suspended = await sessions.hold(db, chosen)
    end = Revocation(now, reason, by.name)
    ended = await sessions.revoke(db, chosen, end)
    await _tell(db, "session.revoked", ended, now, by, detail or {}, reason)
    await sessions.make_final(db, suspended)
    return ended


async def suspend_sessions(
    db: Connection, session_ids: Sequence[str], *, by: Caller, now: datetime, plan_id: str, can_undo: bool
) -> int:
    """End the sessions of a plan that have not ended yet, so that the plan may bring them back if `can_undo`.

    Returns how many it ended.
    """
    end = Revocation(now, "bulk", by.name)
    ended = await sessions.suspend(db, session_ids, end, plan_id if can_undo else None)
    await _tell(db, "session.revoked", ended, now, by, {"plan_id": plan_id}, end.reason)
    return len(ended)


async def restore_sessions(
    db: Connection, session_ids: Sequence[str], *, by: Caller, now: datetime, plan_id: str
) -> int:
    """Bring back sessions that a plan ended, with one event each. How many."""
    back = await sessions.restore(db, session_ids, plan_id)
    await _tell(db, "session.restored", back, now, by, {"plan_id": plan_id})
    return len(back)


async def _tell(
    db: Connection,
    kind: EventKind,
    changed: Sequence[Session | Whose],
    now: datetime,
    by: Caller,
    detail: Detail,
    reason: Reason | None = None,
) -> None:
    client = by.client
    await events.add(
        db,
        [
            Event(
                now,
                kind,
                user_id=one.user_id,
                session_id=one.id,
                by=by.name,
                ip=client.ip,
                user_agent=client.user_agent,
                reason=reason,
                request_id=client.request_id,
                detail=detail,
            )
            for one in changed
        ],
    )


async def end_user(
    db: Connection,
    user_id: str,
    *,
    reason: Reason,
    by: Caller,
    now: datetime,
    but: str | None = None,
    application_id: str | None = None,
) -> list[Session]:
    """End every session of a user (in one application; but one, when given), and bar whatever sign-in began before now.

    Holding the user's row makes this and a start take turns; the cut-off time refuses the start that comes second.
    """
    previous = await subjects.hold(db, user_id)
    chosen = sessions.of_user(user_id, now, but, application_id)
    ended = await end_sessions(db, chosen, reason=reason, by=by, now=now)
    await subjects.set_cut_off(db, user_id, _later(previous, now))
    return ended


async def end_tokens(
    db: Connection, user_id: str, *, by: Caller, now: datetime, token_id: str | None = None
) -> list[str]:
    """Revoke one CLI token of a user, or all that still work, with one event each. The ids of those it revoked."""
    revoked = await cli_tokens.revoke(db, user_id, now, token_id)
    await events.add(
        db,
        [
            Event(
                now,
                "token.revoked",
                user_id=user_id,
                by=by.name,
                ip=by.client.ip,
                user_agent=by.client.user_agent,
                request_id=by.client.request_id,
                detail={"token_id": revoked_id},
            )
            for revoked_id in revoked
        ],
    )
    return revoked


def _later(previous: datetime | None, now: datetime) -> datetime:
    # A start remembers the cut-off it saw, so each one must differ from the last, whatever the clocks say.
    return now if previous is None or now > previous else previous + timedelta(microseconds=1)


def session_event(
    kind: EventKind, session: Session, at: datetime, client: Client, by: str | None, detail: Detail
) -> Event:
    """What happened to a session, as a row of the trail."""
    return Event(
        at,
        kind,
        user_id=session.user_id,
        session_id=session.id,
        by=by,
        ip=client.ip,
        user_agent=client.user_agent,
        request_id=client.request_id,
        detail=detail,
    )
