"""The one way out: every ending of a session passes here (rule 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from ostiary.authority.derived import Roots, closure
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.event import Detail, Event, EventKind
from ostiary.core.session import Bound, Reason, Revocation, Session
from ostiary.core.statement import written
from ostiary.storage import cli_tokens, events, sessions, subjects, suspended, tree
from ostiary.storage.database import Connection
from ostiary.storage.live import Chosen
from ostiary.storage.sessions import Whose
from ostiary.storage.tree import Taken

Changed: TypeAlias = Session | Bound | Whose | Taken | suspended.Settled | suspended.Orphan  # of which an event tells


async def end_sessions(
    db: Connection,
    chosen: Chosen,
    *,
    reason: Reason,
    by: Caller,
    now: datetime,
    detail: Detail | None = None,
    held: Sequence[Taken] | None = None,
) -> list[Session | Bound]:
    """End the chosen sessions that have not ended yet, and what is bound to them, with one event each.

    Returns those that were live, as they were before: first the chosen ones, then what ended with them, for the reason
    `parent`. What a plan has suspended ends for good by this act: its reason and its moment hold, and no undo brings it
    back.

    Args:
        held: the chosen ones that have not ended for good, if they are held already.
    """
    held = await tree.take(db, chosen) if held is None else held
    end, with_parent = Revocation(now, reason, by.name), Revocation(now, "parent", by.name)
    revoked, are_bound = await sessions.revoke(db, chosen, end)
    ended: list[Session | Bound] = [*revoked]
    told = _told("session.revoked", revoked, now, by, detail or {}, reason)
    # Nearly always nothing is bound, and nobody need be asked for it: all were held when the UPDATE looked.
    is_sure = bool(held) and {one.id for one in held} == {one.id for one in revoked}
    found = await tree.take_below(db, chosen) if are_bound or not is_sure else []
    below = Below(found, held, reason)
    if below.live:
        with_them = await sessions.revoke_bound(db, below.live, with_parent)
        told += _told("session.revoked", with_them, now, by, below.detail_of(detail), "parent")
        ended += with_them
    await events.add(db, told)
    await finish(db, [one for one in held if one.plan_id is not None], end, by, detail or {})
    await finish(db, below.suspended, with_parent, by, below.detail_of(detail))
    await end_what_they_made(db, [one for one in ended if one.issued_by is not None], reason=reason, by=by, now=now)
    return ended


class Below:
    """What is bound to sessions that end, taken together with them."""

    def __init__(self, found: Sequence[Taken], above: Sequence[Taken], reason: Reason) -> None:
        """`found`, as far as it is not among `above`, which end by themselves for a reason."""
        ends = {one.id for one in above}
        own = [one for one in found if one.id not in ends]
        self.live = [one.id for one in own if one.plan_id is None]
        self.suspended = [one for one in own if one.plan_id is not None]
        self._because = {one.id: next((at for at in reversed(one.path) if at in ends), one.path[-1]) for one in own}
        self._reason = reason

    def detail_of(self, detail: Detail | None = None) -> Callable[[str], Detail]:
        """What an event says of one: what it ended with, and why that ended."""
        return lambda session_id: {
            **(detail or {}), "because": self._because[session_id], "because_reason": self._reason
        }  # fmt: skip


async def finish(
    db: Connection, held: Sequence[Taken], end: Revocation, by: Caller, detail: Detail | Callable[[str], Detail]
) -> None:
    """End for good what plans had suspended, with one event each."""
    await suspended.end(db, [one.id for one in held], end)
    before = {one.id: suspended_by(one.plan_id, one.at) for one in held}
    await tell(db, "session.revoked", held, end.at, by, lambda one: {**_of(detail, one), **before[one]}, end.reason)


async def end_what_they_made(
    db: Connection, minted: Sequence[Session | Bound], *, reason: Reason, by: Caller, now: datetime
) -> None:
    """End for good what was derived from sessions that an administrator made: tokens, grants, and sessions of both.

    What hangs under them has ended with them; what else there can be was made with a token that was made in one.
    """
    if not minted:
        return
    makers = await cli_tokens.makers_among(db, [one.id for one in minted], {one.user_id for one in minted})
    for one in minted:
        if one.id not in makers:
            continue
        found, tokens, _ = await closure(db, Roots(one.user_id, sessions=(one.id,)))
        others = await sessions.issued_by(db, list(tokens), spare=one.user_id)
        for made in [*found.values(), *others]:
            if made.id != one.id:
                await end_sessions(db, sessions.by_id(made.id), reason=reason, by=by, now=now)
        for token_id in tokens:
            await end_tokens(db, one.user_id, by=by, now=now, token_id=token_id)


def suspended_by(plan_id: str | None, at: datetime | None) -> Detail:
    """What an event says of the suspension that an ending, or another plan, takes over."""
    return {"plan_id": plan_id, "suspended_at": written(at) if at is not None else None}


async def tell(
    db: Connection,
    kind: EventKind,
    changed: Sequence[Changed],
    now: datetime,
    by: Caller,
    detail: Detail | Callable[[str], Detail],
    reason: Reason | None = None,
) -> None:
    """Write one event for each, by the one who acts; `detail` may differ by session id."""
    await events.add(db, _told(kind, changed, now, by, detail, reason))


def _told(
    kind: EventKind,
    changed: Sequence[Changed],
    now: datetime,
    by: Caller,
    detail: Detail | Callable[[str], Detail],
    reason: Reason | None,
) -> list[Event]:
    return [
        by.did(kind, now, user_id=one.user_id, session_id=one.id, reason=reason, detail=_of(detail, one.id))
        for one in changed
    ]


def _of(detail: Detail | Callable[[str], Detail], session_id: str) -> Detail:
    return detail(session_id) if callable(detail) else detail


async def end_user(
    db: Connection,
    user_id: str,
    *,
    reason: Reason,
    by: Caller,
    now: datetime,
    spare: Session | None = None,
    application_id: str | None = None,
) -> list[Session | Bound]:
    """End every session of a user (in one application), and bar whatever sign-in began before now.

    With `spare`, that session goes on, with what is bound together with it: the applications of the same browser. What
    stands by itself does not.

    Holding the user's row makes this and a start take turns; the cut-off time refuses the start that comes second.
    """
    previous = await subjects.hold(db, user_id)
    spared = await tree.bound_together(db, spare) if spare is not None else ()
    chosen = sessions.of_user(user_id, spared, application_id)
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
