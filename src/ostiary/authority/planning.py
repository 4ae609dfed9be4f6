"""Which sessions a plan is about: pinned when it is made, and looked at until it is applied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ostiary.authority.acting import Acts, act
from ostiary.core.caller import Caller
from ostiary.core.event import Detail, EventKind
from ostiary.core.needs import admin
from ostiary.core.plan import LIFETIME, MAXIMUM_PINNED, SAMPLE, Plan, checked
from ostiary.core.selector import Selector, parse
from ostiary.core.session import Session
from ostiary.core.token import new_id
from ostiary.errors import InvalidRequest, PlanNotFound, UserNotFound
from ostiary.errors.translatable import translatable
from ostiary.storage import accounts, events, plans, selecting, sessions, store_time
from ostiary.storage.database import Connection
from ostiary.storage.live import Chosen

PINNED_AT_ONCE: Final = 5000  # rows in one transaction
MAXIMUM_LISTED: Final = 1000  # plans in one answer: those of two days


@dataclass(frozen=True, slots=True)
class Made:
    """A new plan, some of its sessions, newest first, and the usernames that we know of these."""

    plan: Plan
    sample: list[Session]
    usernames: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """Some sessions of a plan, and the usernames that we know of these."""

    sessions: list[Session]
    usernames: dict[str, str]


class Planning(Acts):
    """Make, find, list. `Plans` are all the acts."""

    async def make(self, where: Selector, *, by: Caller) -> Made:
        """Pin the live sessions that match now, but for the caller's own. Nothing is ended.

        Raises:
            NotAllowed: the caller is not an administrator.
            UserNotFound: the filter `user` names nobody.
            InvalidRequest: filters of sessions that have ended; more sessions than one plan may pin.
        """
        by.ensure_admin()
        where, now = checked(where), await self._now()
        plan = Plan(new_id("plan"), where.filters(), now, by.name, now + LIFETIME, 0, 0, spared=by.session_id)
        await self._add(plan, by=by)
        async with self.database.reading_through(writes_between=True) as db:
            await selecting.prepare(db)
            chosen = plans.sparing(await selecting.chosen(db, where, self.policy, now), plan.spared)
            if where.user is not None and await accounts.named(db, where.user) is None:
                await self._ensure_kept(db, where.user)
            count, users = 0, set[str]()
            async for some in plans.read(db, chosen, MAXIMUM_PINNED + 1, PINNED_AT_ONCE):
                count += len(some)
                if count > MAXIMUM_PINNED:
                    raise InvalidRequest(
                        "filters", translatable("match more than %(most)s sessions; plan in parts", most=MAXIMUM_PINNED)
                    )
                users |= {user_id for _, user_id in some}
                await self._pin(plan.id, [session_id for session_id, _ in some], count - len(some) + 1, by=by)
            sample = await selecting.page(db, chosen, sort="-created_at", after=None, limit=SAMPLE)
            names = await accounts.names(db, {session.user_id for session in sample})
        return Made(await self._complete(plan.id, count, len(users), by=by), sample, names)

    async def _now(self) -> datetime:
        # By the store's clock: a plan by a machine that is ahead would not see what lives for all others.
        async with self.database.reading() as db:
            return await store_time.now(db, self._clock)

    async def _ensure_kept(self, db: Connection, user: str) -> None:
        if not await selecting.exists(db, user):
            raise UserNotFound(user)

    @act(admin)
    async def _add(self, db: Connection, plan: Plan, *, by: Caller) -> None:
        await plans.add(db, plan)

    @act(admin)
    async def _pin(self, db: Connection, plan_id: str, session_ids: list[str], first: int, *, by: Caller) -> None:
        await plans.pin(db, plan_id, session_ids, first)

    @act(admin)
    async def _complete(self, db: Connection, plan_id: str, count: int, users: int, *, by: Caller) -> Plan:
        await plans.complete(db, plan_id, count, users)
        plan = await self._hold(db, plan_id)
        await self._tell(db, "plan.made", plan, by, {"sessions": count, "users": users})
        return plan

    async def find(self, plan_id: str, *, by: Caller) -> Plan:
        """A plan, and how far it has come.

        Raises:
            NotAllowed: the caller is not an administrator.
            PlanNotFound: unknown, or forgotten.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            plan = await plans.find(db, plan_id)
        if plan is None:
            raise PlanNotFound
        return plan

    async def list(self, *, by: Caller) -> list[Plan]:
        """The newest plans, newest first, with what can still be undone; they are kept for two days.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            return await plans.newest(db, MAXIMUM_LISTED)

    async def count_newer(self, plan: Plan, *, by: Caller) -> int:
        """How many sessions match by now that a plan does not pin, but for the caller's own.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        async with self.database.reading_through() as db:
            return await self._added(db, plan, by, await store_time.now(db, self._clock))

    async def sample(self, plan_id: str, limit: int, *, by: Caller) -> Sample:
        """Some of the pinned sessions, as they are now.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            chosen = await plans.pinned(db, plan_id, 0, limit)
            found = [session for one in chosen if (session := await sessions.find(db, one)) is not None]
            return Sample(found, await accounts.names(db, {session.user_id for session in found}))

    async def _matching(self, db: Connection, plan: Plan, by: Caller, now: datetime) -> Chosen:
        await selecting.prepare(db)
        chosen = await selecting.chosen(db, parse(plan.filters), self.policy, now)
        return plans.sparing(plans.sparing(chosen, plan.spared), by.session_id)

    async def _added(self, db: Connection, plan: Plan, by: Caller, now: datetime) -> int:
        return await plans.count_unpinned(db, plan.id, await self._matching(db, plan, by, now))

    async def _hold(self, db: Connection, plan_id: str) -> Plan:
        plan = await plans.find(db, plan_id, hold=True)
        if plan is None:
            raise PlanNotFound
        return plan

    async def _tell(self, db: Connection, kind: EventKind, plan: Plan, by: Caller, detail: Detail) -> None:
        words = {"plan_id": plan.id, "filters": parse(plan.filters).describe(), **detail}
        await events.add(db, [by.did(kind, self._clock(), detail=words)])
