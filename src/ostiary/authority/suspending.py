"""What plans do to sessions: suspend them, bring them back, and make it final; with what is bound to them.

The endings among these are `authority.ending`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ostiary.authority.ending import Below, end_what_they_made, finish, suspended_by, tell
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.event import Detail
from ostiary.core.session import Revocation
from ostiary.core.statement import written
from ostiary.storage import sessions, suspended, tree
from ostiary.storage.database import Connection
from ostiary.storage.sessions import Whose


async def suspend_sessions(
    db: Connection, session_ids: Sequence[str], *, by: Caller, now: datetime, plan_id: str, until: datetime
) -> int:
    """Suspend the live ones of a plan's sessions, and what is bound to them, until the plan is undone. How many."""
    chosen = sessions.ids(session_ids)
    # An undo of another plan may bring some of them back right now: then they are ours to suspend, and it waits for us.
    held = await tree.take(db, chosen)
    below = Below(await tree.take_below(db, chosen), held, "bulk")
    end, with_parent = Revocation(now, "bulk", by.name, until), Revocation(now, "parent", by.name, until)
    plan: Detail = {"plan_id": plan_id, "until": written(until)}
    changed = await suspended.suspend(db, session_ids, end, plan_id)
    await tell(db, "session.suspended", changed, now, by, plan, end.reason)
    if below.live:
        with_them = await suspended.suspend(db, below.live, with_parent, plan_id)
        await tell(db, "session.suspended", with_them, now, by, below.detail_of(plan), with_parent.reason)
        changed += with_them
    minted = await sessions.minted_among(db, [one.id for one in changed])
    await end_what_they_made(db, minted, reason=end.reason, by=by, now=now)
    return len(changed)


async def restore_sessions(
    db: Connection, session_ids: Sequence[str], *, by: Caller, now: datetime, plan_id: str
) -> int:
    """Bring back sessions that a plan suspended, and what it suspended with them, with one event each. How many.

    What another plan was applied to as well stays refused, by that one from now on, and so does what is bound to what
    stays refused.
    """
    chosen = sessions.ids(session_ids)
    held = await tree.take(db, chosen)  # as above: another plan is applied before this, or after it
    held += [one for one in await tree.take_below(db, chosen) if one not in held]
    suspends = [one for one in held if one.plan_id == plan_id]
    for heir, some in _by_heir(await suspended.heirs(db, [one.id for one in suspends], plan_id)):
        whose = [Whose(one.session_id, one.user_id) for one in some]
        applied_by = Caller(User(heir.applied_by), client=by.client)
        if heir.undo_until is None or now >= heir.undo_until:
            theirs = {one.id for one in whose}
            end = Revocation(now, "bulk", applied_by.name)
            await finish(db, [one for one in suspends if one.id in theirs], end, applied_by, {})
        else:
            await _hand_over(db, whose, heir.plan_id, heir.undo_until, applied_by, now)
    back: list[Whose] = []
    for depth in sorted({len(one.path) for one in suspends}):  # what others are bound to comes back before these
        at_depth = [one.id for one in suspends if len(one.path) == depth]
        back += await suspended.restore(db, at_depth, plan_id)
        for one in await suspended.orphans(db, at_depth, plan_id):
            await _keep_refused(db, one, by, now)
    await tell(db, "session.restored", back, now, by, {"plan_id": plan_id})
    return len(back)


async def _hand_over(
    db: Connection, some: Sequence[Whose | suspended.Orphan], plan_id: str, until: datetime, by: Caller, now: datetime
) -> None:
    await suspended.hand_over(db, [one.id for one in some], plan_id, until)
    await tell(db, "session.suspended", some, now, by, {"plan_id": plan_id, "until": written(until)}, "bulk")


async def _keep_refused(db: Connection, one: suspended.Orphan, by: Caller, now: datetime) -> None:
    """What it is bound to has ended, or is suspended by another plan: then it comes back with that, or not at all."""
    if one.parent_plan_id is not None and one.parent_until is not None:
        await _hand_over(db, [one], one.parent_plan_id, one.parent_until, by, now)
        return
    await suspended.end(db, [one.id], Revocation(now, "parent", by.name))
    await tell(db, "session.revoked", [one], now, by, suspended_by(one.plan_id, one.at), "parent")


async def settle_sessions(
    db: Connection, session_ids: Sequence[str], *, applied_by: Caller, now: datetime, plan_id: str
) -> int:
    """Make a plan's suspensions final, as nobody can undo it any more. How many ended by that, with one event each."""
    chosen = sessions.ids(session_ids)
    below = [one.id for one in await tree.take_below(db, chosen) if one.plan_id == plan_id]
    ended = await suspended.settle(db, [*session_ids, *below], plan_id)
    since = {one.id: suspended_by(plan_id, one.at) for one in ended}
    for reason in dict.fromkeys(one.reason for one in ended):
        some = [one for one in ended if one.reason == reason]
        await tell(db, "session.revoked", some, now, applied_by, since.__getitem__, reason)
    return len(ended)


def _by_heir(found: Sequence[suspended.Heir]) -> Iterable[tuple[suspended.Heir, list[suspended.Heir]]]:
    groups: dict[str, list[suspended.Heir]] = {}
    for one in found:
        groups.setdefault(one.plan_id, []).append(one)
    return [(some[0], some) for some in groups.values()]
