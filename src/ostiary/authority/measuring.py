"""How long after its commit an ending is refused everywhere, by what verifiers have told of themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from ostiary.core.endings import Changed
from ostiary.core.verifier import MAXIMUM_WAIT, Lag, Verifier, lag_of
from ostiary.feed import Poll
from ostiary.storage import trail, verifiers
from ostiary.storage.callbacks import call_all
from ostiary.storage.database import Database

LOOK_EVERY: Final = 0.03  # seconds between looks at the rows while somebody waits or something is measured
LOOKING: Final = 0.1  # of the time, at most, while only something is measured
MAXIMUM_MEASURED: Final = 10_000  # endings that are measured, or remembered as measured, at once


class Measuring:
    """Part of `Verifiers`.

    Attributes:
        measured: called with the lag in seconds of each ending that was committed here, once it is refused everywhere.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Nothing is measured yet."""
        self.measured: list[Callable[[float], None]] = []
        self._database = database
        self._clock = clock
        # Endings that are measured: which one of the session it is, by when it ended, and by when that was committed.
        self._pending: dict[str, tuple[datetime, datetime]] = {}
        self._settled: dict[str, tuple[datetime, Lag]] = {}
        self._has_pending = asyncio.Event()
        self._looks: dict[bool, asyncio.Future[tuple[Sequence[Verifier], datetime]]] = {}  # that have not begun
        self._looking = asyncio.Lock()
        self._looked_for = 0.0  # seconds that the last look took

    async def lag(self, session_id: str, ending: datetime, ended_by: datetime, wait: float) -> Lag:
        """How far an ending has come; waits up to `wait` seconds until it is refused everywhere.

        Args:
            ended_by: when it was committed at the latest, by the store's clock.
        """
        until, at_once = asyncio.get_running_loop().time() + min(wait, MAXIMUM_WAIT), True
        while True:
            rows, now = await self._look(at_once=at_once)
            lag, at_once = lag_of(rows, ended_by, now), False
            if (settled := self.settled(session_id, ending)) is not None:
                return settled
            if lag.is_everywhere or asyncio.get_running_loop().time() >= until:
                return lag

    def settled(self, session_id: str, ending: datetime) -> Lag | None:
        """The lag of an ending that was measured to its end."""
        at, lag = self._settled.get(session_id, (None, None))
        return lag if at == ending else None

    def drop_undone(self, poll: Poll) -> None:
        """Forget what was noted of endings that were undone; they are told by the same rows as everything (rule 2)."""
        if poll.events is None:  # told in groups, where an undoing names no session
            self._pending.clear()
            self._settled.clear()
        for entry in poll.entries:
            if isinstance(entry, Changed) and entry.session_id is not None:
                self._pending.pop(entry.session_id, None)
                self._settled.pop(entry.session_id, None)

    def committed(self, endings: Sequence[tuple[str, datetime]], ended_by: datetime) -> None:
        """Measure what this process has ended (session, when), by when it was committed."""
        for session_id, at in endings:
            if len(self._pending) >= MAXIMUM_MEASURED and session_id not in self._pending:
                break
            self._pending[session_id] = (at, ended_by)
            self._settled.pop(session_id, None)
        self._has_pending.set()

    async def step(self) -> None:
        """Measure what is pending; waits until something is."""
        clock = asyncio.get_running_loop().time
        await self._has_pending.wait()
        await asyncio.sleep(max(LOOK_EVERY, self._looked_for / LOOKING))
        began = clock()
        await self._measure()
        self._looked_for = clock() - began
        if not self._pending:
            self._has_pending.clear()

    async def _measure(self) -> None:
        rows, now = await self._rows()
        for ended_by in {by for _, by in self._pending.values()}:
            lag = lag_of(rows, ended_by, now)
            if not lag.is_everywhere:
                continue
            for session_id in [one for one, (_, by) in self._pending.items() if by == ended_by]:
                at, _ = self._pending.pop(session_id)
                self._settled[session_id] = (at, lag)
                call_all(self.measured, lag.seconds)
        while len(self._settled) > MAXIMUM_MEASURED:
            del self._settled[next(iter(self._settled))]

    async def _look(self, *, at_once: bool) -> tuple[Sequence[Verifier], datetime]:
        """One look for all who wait for one: it begins after each of them has asked."""
        looks = self._looks
        if at_once not in looks:
            looks[at_once] = asyncio.ensure_future(self._look_for_all(at_once))
            looks[at_once].add_done_callback(_retrieved)
        return await asyncio.shield(looks[at_once])

    async def _look_for_all(self, at_once: bool) -> tuple[Sequence[Verifier], datetime]:
        await asyncio.sleep(0 if at_once else LOOK_EVERY)
        async with self._looking:  # while one is under way, who comes waits for the next
            del self._looks[at_once]
            return await self._rows()

    async def _rows(self) -> tuple[Sequence[Verifier], datetime]:
        async with self._database.reading() as db:
            rows = await verifiers.list_all(db)
            return rows, await trail.now(db, self._clock)


def _retrieved(done: asyncio.Future[tuple[Sequence[Verifier], datetime]]) -> None:
    if not done.cancelled():
        done.exception()  # should everybody who waited have gone
