"""Ending many sessions at once: exactly those that were looked at, in steps that hold nobody up, and with a way back.

A plan pins the sessions that its filters match. Applying it ends the pinned ones, a few in each transaction, together
with the note of how far it came. Whoever applies it again goes on from there: after a crash, or side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from ostiary.authority.acting import act
from ostiary.authority.ending import end_sessions
from ostiary.authority.planning import Planning
from ostiary.authority.suspending import restore_sessions, suspend_sessions
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.event import Detail
from ostiary.core.needs import admin, fresh, power
from ostiary.core.plan import MAXIMUM_PINNED, UNDO_FOR, Newer, Plan, check_undo_for
from ostiary.core.selector import parse
from ostiary.errors import InvalidRequest
from ostiary.errors.translatable import translatable
from ostiary.storage import plans, selecting, sessions, store_time
from ostiary.storage.database import Connection, in_transaction

ENDED_AT_ONCE: Final = 1000  # sessions in one transaction: about a tenth of a second in which they are held
ENDED_AT_ONCE_ON_SQLITE: Final = 50  # there, everybody who writes waits for a step
REST: Final = 0.002  # seconds between two of them, in which others get their turn


class Plans(Planning):
    """Make, find, list; apply, undo."""

    async def apply(
        self,
        plan_id: str,
        *,
        by: Caller,
        tolerance: int = 0,
        undo_for: timedelta = UNDO_FOR,
        limit: int | None = None,
        newer: Newer | None = None,
    ) -> Plan:
        """End exactly the pinned sessions: refused at once, and restorable by `undo` until `undo_for` has passed.

        Applying again goes on where it stopped, and changes nothing once all is done. The caller's own session is
        never ended, whoever made the plan.

        Args:
            tolerance: how many sessions may match that are not pinned, when it begins. They are not ended either way.
            newer: what becomes of those that came since, however many: `leave` them, or `include` them, as they are
                when it begins. None: they make the plan stale, beyond the tolerance.
            undo_for: zero ends for good. What it was when it began holds.
            limit: look at this many pinned sessions at most, and answer; the plan says whether it is done.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old for the policy.
            PlanNotFound: unknown, or forgotten.
            PlanStale: it has expired, or too many sessions came since.
            Conflict: it was undone.
            InvalidRequest: `tolerance` is negative, `undo_for` too long.
        """
        self.acting.ensure(by, admin, fresh, power)
        if tolerance < 0:
            raise InvalidRequest("tolerance", "is a number of sessions, 0 or more")
        plan = await self._begin(plan_id, tolerance, check_undo_for(undo_for), newer, by=by)
        left = limit if limit is not None else MAXIMUM_PINNED
        while plan.applied_at is None and left > 0:
            plan = await self._step(plan_id, min(left, self.size), by=by)
            left -= self.size
            await asyncio.sleep(REST)
        plan.ensure_not_undone()
        if plan.applied_at is not None:
            await self._end_all_expired(plan, by)
        return plan

    async def _end_all_expired(self, plan: Plan, by: Caller) -> None:
        some = True
        while some:
            some = await self._end_expired(plan, by=by)
            await asyncio.sleep(REST)

    @act(admin)
    async def _end_expired(self, db: Connection, plan: Plan, *, by: Caller) -> bool:
        """End some of what matches and has expired by our clock: by another node's it may live. Nobody counts these."""
        now = await store_time.now(db, self._clock)
        where = await selecting.expired(db, parse(plan.filters), self.policy, now, begun_by=plan.created_at)
        chosen = await plans.some(db, plans.sparing(plans.sparing(where, plan.spared), by.session_id), self.size)
        if chosen:
            await end_sessions(db, sessions.ids(chosen), reason="bulk", by=by, now=now, detail={"plan_id": plan.id})
        return len(chosen) > 0

    @property
    def size(self) -> int:
        """How many sessions one transaction takes at the most."""
        return min(ENDED_AT_ONCE, ENDED_AT_ONCE_ON_SQLITE) if self.database.is_sqlite else ENDED_AT_ONCE

    @act(admin, fresh, power)
    async def _begin(
        self, db: Connection, plan_id: str, tolerance: int, undo_for: timedelta, newer: Newer | None, *, by: Caller
    ) -> Plan:
        plan = await self._hold(db, plan_id)
        plan.ensure_not_undone()
        if plan.started_at is not None:
            return plan
        now = await store_time.now(db, self._clock)
        plan.ensure_applicable(await self._added(db, plan, by, now) if newer is None else 0, tolerance, now)
        if newer == "include":
            plan = await self._include(db, plan, by, now)
        until = now + undo_for if undo_for else None
        await plans.change(db, plan_id, started_at=now, started_by=by.name, undo_until=until)
        await self._tell(db, "plan.applied", plan, by, {"sessions": plan.count, "undo": undo_for > timedelta(0)})
        return await self._hold(db, plan_id)

    async def _include(self, db: Connection, plan: Plan, by: Caller, now: datetime) -> Plan:
        room = MAXIMUM_PINNED - plan.count
        more = await plans.unpinned(db, plan.id, await self._matching(db, plan, by, now), room + 1)
        if len(more) > room:
            raise InvalidRequest(
                "newer", translatable("more than %(most)s sessions match by now; plan in parts", most=MAXIMUM_PINNED)
            )
        await plans.pin(db, plan.id, [session_id for session_id, _ in more], plan.count + 1)
        count = plan.count + len(more)
        await plans.complete(db, plan.id, count, await plans.count_users(db, plan.id))
        return await self._hold(db, plan.id)

    @act(admin)  # how fresh the sign-in is was asked when it began: a long plan must not stop half-way for that
    async def _step(self, db: Connection, plan_id: str, size: int, *, by: Caller) -> Plan:
        plan = await self._hold(db, plan_id)
        plan.ensure_not_undone()
        if plan.applied_at is not None:
            return plan
        now = await store_time.now(db, self._clock)
        chosen = await plans.pinned(db, plan_id, plan.looked_at, size)
        ended = await self._end(db, plan, [one for one in chosen if one != by.session_id], by, now)
        is_last = len(chosen) < size
        await plans.change(
            db,
            plan_id,
            looked_at=plan.looked_at + len(chosen),
            ended=plan.ended + ended,
            applied_at=now if is_last else None,
        )
        return await self._hold(db, plan_id)

    async def _end(self, db: Connection, plan: Plan, chosen: Sequence[str], by: Caller, now: datetime) -> int:
        until = plan.suspends_until(now)
        if until is not None:
            return await suspend_sessions(db, chosen, by=by, now=now, plan_id=plan.id, until=until)
        detail: Detail = {"plan_id": plan.id}
        ended = await end_sessions(db, sessions.ids(chosen), reason="bulk", by=by, now=now, detail=detail)
        return len(ended)

    async def undo(self, plan_id: str, *, by: Caller) -> Plan:
        """Bring back what the plan ended, but for what somebody ended again since. Undoing again goes on, as `apply`.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old for the policy.
            PlanNotFound: unknown, or forgotten.
            Conflict: it was not applied, or for good, or too long ago.
        """
        self.acting.ensure(by, admin, fresh, power)
        plan = await self._begin_undo(plan_id, by=by)
        while plan.restored_at is None:
            plan = await self._step_back(plan_id, by=by)
            await asyncio.sleep(REST)
        return plan

    async def finish_undo(self, plan_id: str) -> None:
        """Go on with an undo that was begun and stopped: by itself, as whoever began it had the right to."""
        async with self.database.reading() as db:
            plan = await plans.find(db, plan_id)
        while plan is not None and plan.state == "undoing":
            plan = await self._go_on_back(plan_id)
            await asyncio.sleep(REST)

    @act(admin, fresh, power)
    async def _begin_undo(self, db: Connection, plan_id: str, *, by: Caller) -> Plan:
        plan, now = await self._hold(db, plan_id), await store_time.now(db, self._clock)
        plan.ensure_undoable(now)
        if plan.undone_at is None:
            await plans.change(db, plan_id, undone_at=now, undone_by=by.name, looked_at=0)
            await self._tell(db, "plan.undone", plan, by, {"sessions": plan.ended})
        return await self._hold(db, plan_id)

    @act(admin)
    async def _step_back(self, db: Connection, plan_id: str, *, by: Caller) -> Plan:
        return await self._back(db, plan_id, by)

    @in_transaction
    async def _go_on_back(self, db: Connection, plan_id: str) -> Plan:
        plan = await self._hold(db, plan_id)
        return await self._back(db, plan_id, Caller(User(plan.undone_by or "upkeep")))

    async def _back(self, db: Connection, plan_id: str, by: Caller) -> Plan:
        plan, now = await self._hold(db, plan_id), await store_time.now(db, self._clock)
        if plan.restored_at is not None:
            return plan
        chosen = await plans.pinned(db, plan_id, plan.looked_at, self.size)
        back = await restore_sessions(db, chosen, by=by, now=now, plan_id=plan_id)
        is_last = len(chosen) < self.size
        await plans.change(
            db,
            plan_id,
            looked_at=plan.looked_at + len(chosen),
            restored=plan.restored + back,
            restored_at=now if is_last else None,
        )
        return await self._hold(db, plan_id)
