"""Forgetting what is past retention. Nothing that can still be used is ever removed here.

Every piece is a transaction of its own, small enough that nobody waits for it for long, and holds the lease: of several
nodes one works. Before events are taken away the trail says until when they will be: their absence is on record.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias, TypeVar

from ostiary.authority.acting import Acting, Acts, act
from ostiary.authority.sealing import Sealing
from ostiary.core.browser import MARK_LIFE
from ostiary.core.caller import Caller
from ostiary.core.lags import KEPT as LAGS_KEPT
from ostiary.core.needs import admin
from ostiary.core.retained import APPLIED, bound
from ostiary.errors import Conflict, InvalidRequest
from ostiary.settings import Settings
from ostiary.storage import chain, events, lags, leases, plans, retention, store_time
from ostiary.storage.database import Connection, in_transaction

FIRST: Final = 100  # rows in the first piece; then as many as fit
FEWEST: Final = 100  # what a piece costs whatever its size is more than these rows
MOST: Final = 2000
PIECE: Final = 0.025  # seconds that a piece aims at; the slowest of hundreds takes several times as long
SHARE: Final = 1.0  # pause after a piece, in times of what it took: others get at least half of the store
LEASE: Final = timedelta(seconds=60)  # far more than a piece takes; a node that dies holds nobody up for longer
PLANS_KEPT: Final = timedelta(days=2)  # after their time to begin: longer than they may take, or be undone
CODES_KEPT: Final = timedelta(days=1)  # after their end: a code that is used twice is recognised for as long

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)  # before anything ended

T = TypeVar("T")
Statement: TypeAlias = Callable[[Connection, int], Awaitable[int]]
Walk: TypeAlias = Callable[[Connection, datetime, datetime, int], Awaitable[list[datetime]]]


@dataclass(frozen=True, slots=True)
class Kept:
    """How long what stays, after it ended or happened."""

    sessions: timedelta
    events: timedelta
    refused: timedelta
    personal: timedelta
    window: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Kept:
        """As the settings say."""
        return cls(
            settings.retention,
            settings.retention_events,
            settings.retention_refused,
            settings.retention_personal,
            settings.sign_in_window,
        )


@dataclass(slots=True)
class Purged:
    """How many rows went, and from how many the personal part. `longest`: seconds that the slowest piece took."""

    sessions: int = 0
    tokens: int = 0
    codes: int = 0
    events: int = 0
    forgotten: int = 0
    longest: float = 0.0


@dataclass(slots=True)
class _Pace:
    limit: int = FIRST
    took: float = field(default=0.0)

    def note(self, took: float) -> None:
        self.took = took
        factor = max(0.25, min(2.0, PIECE / max(took, 0.001)))
        self.limit = max(FEWEST, min(MOST, int(self.limit * factor)))


class Retention(Acts):
    """Purge."""

    def __init__(self, acting: Acting, kept: Kept, sealing: Sealing, node: str) -> None:
        """Part of an `Authority`; `node` tells this process from all others."""
        super().__init__(acting)
        self._kept = kept
        self._sealing = sealing
        self._node = node

    async def purge(
        self,
        *,
        by: Caller,
        older_than: timedelta | None = None,
        progress: Callable[[Purged], None] | None = None,
    ) -> Purged:
        """Remove what ended or happened longer ago than its retention (or than `older_than`, whatever its kind).

        Works in small pieces; stopping it half-way loses nothing but the rest of the work.

        Raises:
            NotAllowed: the caller is not an administrator.
            InvalidRequest: `older_than` is not positive.
            Conflict: another node is at it now.
        """
        by.ensure_admin()
        kept = self._kept
        if older_than is not None:
            if older_than <= timedelta(0):
                raise InvalidRequest("older_than", "must be positive, such as 2160h")
            kept = Kept(older_than, older_than, older_than, older_than, kept.window)
        await self._sealing.seal()
        gone = Purged()
        tell = progress or (lambda _: None)
        await self._rows(gone, kept, tell)
        await self._events(gone, kept, by, tell)
        await self._done()
        return gone

    async def _now(self) -> datetime:
        # By the store's clock: what a node whose clock is ahead takes for old, others may still accept.
        async with self.database.reading() as db:
            return await store_time.now(db, self._clock)

    async def _rows(self, gone: Purged, kept: Kept, tell: Callable[[Purged], None]) -> None:
        now = await self._now()
        ended, codes, window = now - kept.sessions, now - CODES_KEPT, now - kept.window
        personal = now - kept.personal
        gone.sessions += await self._along(retention.revoked_sessions, ended, gone, tell)
        gone.sessions += await self._along(retention.expired_sessions, ended, gone, tell)
        gone.tokens += await self._all(lambda db, n: retention.ended_tokens(db, ended, n), gone, tell)
        gone.codes += await self._all(lambda db, n: retention.expired_codes(db, codes, n), gone, tell)
        await self._all(lambda db, n: retention.old_refusals(db, window, n), gone, tell)
        await self._all(lambda db, n: retention.old_marks(db, now - MARK_LIFE, n), gone, tell)
        await self._all(lambda db, n: plans.purge(db, now - PLANS_KEPT, n), gone, tell)
        await self._all(lambda db, n: lags.purge(db, now - LAGS_KEPT, n), gone, tell)
        gone.forgotten += await self._all(lambda db, n: retention.forget_in_sessions(db, personal, n), gone, tell)

    async def _events(self, gone: Purged, kept: Kept, by: Caller, tell: Callable[[Purged], None]) -> None:
        now = await self._now()
        refused = retention.refused_events(now - kept.refused)
        others = retention.other_events(now - kept.events)
        personal = now - kept.personal
        if not await self._record(now, kept, by=by):
            return
        gone.events += await self._all(lambda db, n: retention.sealed_events(db, refused, n), gone, tell)
        gone.events += await self._all(lambda db, n: retention.sealed_events(db, others, n), gone, tell)
        await self._all(chain.shorten, gone, tell)

        async def forget(db: Connection, limit: int) -> int:
            await leases.lock(db, leases.CHAIN)  # what is being sealed must not change meanwhile
            mark = await leases.marked(db, leases.RETENTION, timedelta(0))
            found = await retention.forget_in_events(db, mark[0] if mark else 0, personal, limit)
            if found:
                await leases.mark(db, leases.RETENTION, found[-1])
            return len(found)

        gone.forgotten += await self._all(forget, gone, tell)

    async def _all(self, statement: Statement, gone: Purged, tell: Callable[[Purged], None]) -> int:
        """Run a statement until it finds nothing more."""

        async def work(limit: int) -> int:
            return await self._piece(lambda db: statement(db, limit))

        return await self._paced(work, gone, tell)

    async def _along(self, walk: Walk, before: datetime, gone: Purged, tell: Callable[[Purged], None]) -> int:
        """The same with one that goes along a time."""
        since = BEGINNING

        async def work(limit: int) -> int:
            nonlocal since
            found = await self._piece(lambda db: walk(db, since, before, limit))
            since = found[-1] if found else since
            return len(found)

        return await self._paced(work, gone, tell)

    async def _paced(self, work: Callable[[int], Awaitable[int]], gone: Purged, tell: Callable[[Purged], None]) -> int:
        """Piece by piece, at a pace that leaves room for others."""
        count, pace = 0, _Pace()
        while True:
            began = time.perf_counter()
            done = await work(pace.limit)
            pace.note(time.perf_counter() - began)
            gone.longest = max(gone.longest, pace.took)
            count += done
            if not done:
                return count
            tell(gone)
            await asyncio.sleep(pace.took * SHARE)

    @in_transaction
    async def _piece(self, db: Connection, work: Callable[[Connection], Awaitable[T]]) -> T:
        if not await leases.take(db, leases.RETENTION, self._node, LEASE):
            raise Conflict("another node is purging now; it will be done there")
        await retention.need_not_wait(db)
        return await work(db)

    @act(admin)
    async def _record(self, db: Connection, now: datetime, kept: Kept, *, by: Caller) -> bool:
        """Say in the trail what will be taken away. False if there is nothing."""
        mark = await leases.marked(db, leases.RETENTION, timedelta(0))
        found = [
            await retention.any_event(db, retention.refused_events(now - kept.refused)),
            await retention.any_event(db, retention.other_events(now - kept.events)),
            await retention.any_personal(db, mark[0] if mark else 0, now - kept.personal),
        ]
        if not any(found):
            return False
        detail = {
            "events_before": bound(now - kept.events),
            "refused_before": bound(now - kept.refused),
            "personal_before": bound(now - kept.personal),
        }
        await events.add(db, [by.did(APPLIED, now, detail={**detail})])
        return True

    @in_transaction
    async def _done(self, db: Connection) -> None:
        await leases.release(db, leases.RETENTION, self._node)
