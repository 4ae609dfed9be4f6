"""Making final what no plan can bring back any more, and finishing the undoings that stopped half-way.

Nobody has to wait for this: what is suspended is refused, and after its time no undo begins. It is here so that the
trail, and all who read it, are told of each ending that holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from ostiary.authority.plans import REST, Plans
from ostiary.authority.suspending import settle_sessions
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.plan import Plan
from ostiary.storage import plans, store_time, suspended
from ostiary.storage.database import Connection, Database, in_transaction

INTERRUPTED_AFTER: Final = timedelta(minutes=5)  # an undo of a million sessions takes less


class Settling:
    """Settle."""

    def __init__(self, database: Database, clock: Callable[[], datetime], acts: Plans) -> None:
        """Part of an `Authority`."""
        self.database = database
        self._clock = clock
        self._acts = acts

    async def settle(self) -> int:
        """Settle every plan whose time is over, a few sessions in each transaction. How many sessions ended by that.

        Several nodes may be at it: each step holds its plan.
        """
        count = 0
        async with self.database.reading() as db:
            now = await self._now(db)
            found = await plans.to_settle(db, now, now - INTERRUPTED_AFTER)
        for plan_id in found:
            while (ended := await self._step(plan_id)) is not None:
                count += ended
                await asyncio.sleep(REST)
            await self._acts.finish_undo(plan_id)
        return count

    async def _now(self, db: Connection) -> datetime:
        # By the store's clock: a node whose clock is ahead must not take from all others what can still be undone.
        return await store_time.now(db, self._clock)

    async def settle_one(self, session_id: str) -> None:
        """Make the ending of one session final now, if its plan cannot be undone any more."""
        async with self.database.reading() as db:
            plan_id = await suspended.plan_of(db, session_id)
        if plan_id is not None:
            await self._settle_one(plan_id, session_id)

    @in_transaction
    async def _settle_one(self, db: Connection, plan_id: str, session_id: str) -> None:
        plan, now = await plans.find(db, plan_id, hold=True), await self._now(db)
        if plan is not None and _is_over(plan, now):
            await plans.change(db, plan_id, final_at=plan.final_at or now)
            by = Caller(User(plan.started_by or "upkeep"))
            await settle_sessions(db, [session_id], applied_by=by, now=now, plan_id=plan_id)

    @in_transaction
    async def _step(self, db: Connection, plan_id: str) -> int | None:
        plan, now = await plans.find(db, plan_id, hold=True), await self._now(db)
        if plan is None or not _is_over(plan, now):
            return None
        chosen = await plans.pinned(db, plan_id, plan.settled, min(self._acts.size, plan.looked_at - plan.settled))
        by = Caller(User(plan.started_by or "upkeep"))
        ended = await settle_sessions(db, chosen, applied_by=by, now=now, plan_id=plan_id)
        settled = plan.settled + len(chosen)
        # What an application that goes on ends after this, it ends for good.
        is_last = settled >= plan.looked_at
        await plans.change(
            db, plan_id, final_at=plan.final_at or now, settled=settled, settled_at=now if is_last else None
        )
        return ended


def _is_over(plan: Plan, now: datetime) -> bool:
    """True if nobody can undo it any more, and that has not been written everywhere."""
    if plan.undo_until is None or plan.undone_at is not None or plan.settled_at is not None:
        return False
    return plan.final_at is not None or now >= plan.undo_until
