"""The one way out: every ending of a session passes here (rule 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from ostiary.authority.derived import Roots, closure
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.event import Detail, Event, EventKind
from ostiary.core.session import Reason, Revocation, Session
from ostiary.core.statement import written
from ostiary.storage import cli_tokens, events, sessions, subjects, suspended
from ostiary.storage.database import Connection
from ostiary.storage.live import Chosen
from ostiary.storage.sessions import Whose


async def end_sessions(
    db: Connection, chosen: Chosen, *, reason: Reason, by: Caller, now: datetime, detail: Detail | None = None
) -> list[Session]:
    """End the chosen sessions that have not ended yet, with one event each. Returns the live ones, as they were before.

    What a plan has suspended ends for good by this act: its reason and its moment hold, and no undo brings it back.
    """
    held = await suspended.hold(db, chosen)
    end = Revocation(now, reason, by.name)
    ended = await sessions.revoke(db, chosen, end)
    await _tell(db, "session.revoked", ended, now, by, detail or {}, reason)
    await _finish(db, held, end, by, detail or {})
    await end_what_they_made(db, [one for one in ended if one.issued_by is not None], reason=reason, by=by, now=now)
    return ended


async def _finish(
    db: Connection, held: Sequence[suspended.Suspended], end: Revocation, by: Caller, detail: Detail
) -> None:
    await suspended.end(db, [one.id for one in held], end)
    for (plan_id, at), some in _together(held):
        before: Detail = {**detail, "plan_id": plan_id, "suspended_at": written(at)}
        await _tell(db, "session.revoked", some, end.at, by, before, end.reason)


async def suspend_sessions(
    db: Connection, session_ids: Sequence[str], *, by: Caller, now: datetime, plan_id: str, until: datetime
) -> int:
    """Suspend the live ones of a plan's sessions: refused from now on, until the plan is undone. How many."""
    # An undo of another plan may bring some of them back right now: then they are ours to suspend, and it waits for us.
    await suspended.hold(db, sessions.ids(session_ids))
    end = Revocation(now, "bulk", by.name, until)
    changed = await suspended.suspend(db, session_ids, end, plan_id)
    await _tell(db, "session.suspended", changed, now, by, {"plan_id": plan_id, "until": written(until)}, end.reason)
    minted = await sessions.minted_among(db, [one.id for one in changed])
    await end_what_they_made(db, minted, reason=end.reason, by=by, now=now)
    return len(changed)


async def end_what_they_made(
    db: Connection, minted: Sequence[Session], *, reason: Reason, by: Caller, now: datetime
) -> None:
    """End for good what was derived from sessions that an administrator made: tokens, grants, and sessions of both."""
    for one in minted:
        if one.client_id is not None:
            continue  # a grant of one: nothing is made in it
        found, tokens, _ = await closure(db, Roots(one.user_id, sessions=(one.id,)))
        others = await sessions.issued_by(db, list(tokens), spare=one.user_id)
        for made in [*found.values(), *others]:
            if made.id != one.id:
                await end_sessions(db, sessions.by_id(made.id), reason=reason, by=by, now=now)
        for token_id in tokens:
            await end_tokens(db, one.user_id, by=by, now=now, token_id=token_id)


async def restore_sessions(
    db: Connection, session_ids: Sequence[str], *, by: Caller, now: datetime, plan_id: str
) -> int:
    """Bring back sessions that a plan suspended, with one event each. How many.

    What another plan was applied to as well stays refused, by that one from now on.
    """
    await suspended.hold(db, sessions.ids(session_ids))  # as above: another plan is applied before this, or after it
    for heir, some in _by_heir(await suspended.heirs(db, session_ids, plan_id)):
        whose = [Whose(one.session_id, one.user_id) for one in some]
        applied_by = Caller(User(heir.applied_by), client=by.client)
        if heir.undo_until is None or now >= heir.undo_until:
            end = Revocation(now, "bulk", applied_by.name)
            held = await suspended.hold(db, sessions.ids([one.id for one in whose]))
            await _finish(db, held, end, applied_by, {})
        else:
            await suspended.hand_over(db, [one.id for one in whose], heir.plan_id, heir.undo_until)
            detail: Detail = {"plan_id": heir.plan_id, "until": written(heir.undo_until)}
            await _tell(db, "session.suspended", whose, now, applied_by, detail, "bulk")
    back = await suspended.restore(db, session_ids, plan_id)
    await _tell(db, "session.restored", back, now, by, {"plan_id": plan_id})
    return len(back)


async def settle_sessions(
    db: Connection, session_ids: Sequence[str], *, applied_by: Caller, now: datetime, plan_id: str
) -> int:
    """Make a plan's suspensions final, as nobody can undo it any more. How many ended by that, with one event each."""
    ended = await suspended.settle(db, session_ids, plan_id)
    for (_, at), some in _together(ended):
        detail: Detail = {"plan_id": plan_id, "suspended_at": written(at)}
        await _tell(db, "session.revoked", some, now, applied_by, detail, "bulk")
    return len(ended)


def _together(
    held: Sequence[suspended.Suspended],
) -> Iterable[tuple[tuple[str, datetime], list[suspended.Suspended]]]:
    """Those that one step of one plan suspended."""
    groups: dict[tuple[str, datetime], list[suspended.Suspended]] = {}
    for one in held:
        groups.setdefault((one.plan_id, one.at), []).append(one)
    return groups.items()


def _by_heir(found: Sequence[suspended.Heir]) -> Iterable[tuple[suspended.Heir, list[suspended.Heir]]]:
    groups: dict[str, list[suspended.Heir]] = {}
    for one in found:
        groups.setdefault(one.plan_id, []).append(one)
    return [(some[0], some) for some in groups.values()]


async def _tell(
    db: Connection,
    kind: EventKind,
    changed: Sequence[Session | Whose | suspended.Suspended],
    now: datetime,
    by: Caller,
    detail: Detail,
    reason: Reason | None = None,
) -> None:
    told = [by.did(kind, now, user_id=one.user_id, session_id=one.id, reason=reason, detail=detail) for one in changed]
    await events.add(db, told)


async def end_user(
    db: Connection,
    user_id: str,
    *,
    reason: Reason,
    by: Caller,
    now: datetime,
    spare: str | None = None,
    application_id: str | None = None,
) -> list[Session]:
    """End every session of a user (in one application; but one, when given), and bar whatever sign-in began before now.

    Holding the user's row makes this and a start take turns; the cut-off time refuses the start that comes second.
    """
    previous = await subjects.hold(db, user_id)
    chosen = sessions.of_user(user_id, spare, application_id)
    ended = await end_sessions(db, chosen, reason=reason, by=by, now=now)
    await subjects.set_cut_off(db, user_id, _later(previous, now))
    return ended


async def end_tokens(
    db: Connection, user_id: str, *, by: Caller, now: datetime, token_id: str | None = None
) -> list[str]:
    """Revoke one CLI token of a user, or all that still work, with one event each. The ids of those it revoked."""
    revoked = await cli_tokens.revoke(db, user_id, now, token_id)
    told = [
        by.did("token.revoked", now, user_id=user_id, session_id=None, detail={"token_id": revoked_id})
        for revoked_id in revoked
    ]
    await events.add(db, told)
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
