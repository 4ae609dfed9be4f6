"""One poll of the trail: everything that is new since the last one, also where it commits late."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ostiary.core.endings import Ended, Entry, Lost, entry_of
from ostiary.core.event import Event
from ostiary.core.gaps import Gaps
from ostiary.storage import trail
from ostiary.storage.database import Connection, Database

OVERLAP: Final = 65.0  # seconds; more than database.LONGEST_TRANSACTION, which a test holds
CLOCK_DIFFERENCE: Final = timedelta(minutes=5)  # between nodes; matters only for where a node starts to read
# Positions that a node which starts takes for unsettled, whatever the times of their events say: the clock of a node
# that wrote one may be behind, and what was given a position before it may not have been committed yet.
LOOK_BACK: Final = 2000
MAXIMUM_READ: Final = 2000  # events told one by one in one poll; more are told in groups


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll found.

    Attributes:
        time: the store's, before the poll read anything: everything committed until then is told.
        known: the store's, after it had read. What it found was committed by then.
        floor: see `Position`.
        entries: for services.
        events: for pages; None when there were too many to tell one by one.
        ended: those of the watched sessions that ended, looked up when they were not told one by one.
    """

    time: datetime
    known: datetime
    floor: int
    entries: Sequence[Entry]
    events: Sequence[Event] | None
    ended: Sequence[Ended] = field(default=())


class Reading:
    """Reads the trail for one process."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing is read before the first poll."""
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._gaps = Gaps(OVERLAP)
        self._has_begun = False

    async def poll(self, watched: Collection[str]) -> Poll:
        """Read what is new. The first poll tells nothing: what was there before anybody asked is in the rows.

        Raises:
            StoreUnavailable: the database did not answer; the next poll finds what this one would have.
        """
        gaps = self._gaps
        if not self._has_begun:
            return await self._begin()
        asked = self._monotonic()
        # What was read counts as seen only when all of it has arrived: whatever fails before is read again.
        async with self._database.reading() as db:
            began = await trail.now(db, self._clock)
            found = await trail.read(db, gaps.highest, gaps.ranges, MAXIMUM_READ + 1)
            entries = [entry for event in found if (entry := entry_of(event)) is not None]
            known = await trail.now(db, self._clock) if entries else began
        if len(found) > MAXIMUM_READ:
            return await self._in_groups(watched)
        gaps.saw([event.position or 0 for event in found], self._monotonic())
        gaps.settle(asked)
        return Poll(began, known, gaps.floor, entries, found)

    async def after(self, floor: int) -> Sequence[Entry]:
        """Everything above a floor that an earlier poll gave, here or on another node."""
        async with self._database.reading() as db:
            if floor > await trail.highest(db):
                return [Lost()]  # of another database, or of this one before it was restored
            found = await trail.read(db, floor, (), MAXIMUM_READ + 1)
            if len(found) > MAXIMUM_READ:
                return (await trail.summarise(db, floor, (), floor)).entries
        return [entry for event in found if (entry := entry_of(event)) is not None]

    async def ended_among(self, session_ids: Collection[str]) -> Sequence[Ended]:
        """Those of these sessions that somebody has ended."""
        async with self._database.reading() as db:
            return await _ended_among(db, session_ids)

    async def _begin(self) -> Poll:
        async with self._database.reading() as db:
            began = await trail.now(db, self._clock)
            floor = await trail.settled(db, began - timedelta(seconds=OVERLAP) - CLOCK_DIFFERENCE)
            if not self._database.is_sqlite:  # there, positions are committed in their order
                floor = min(floor, max(0, await trail.highest(db) - LOOK_BACK))
            missing, highest = await trail.holes_above(db, floor)
        self._gaps.begin(floor)
        self._gaps.saw_all_but(missing, highest, self._monotonic())
        self._has_begun = True
        return Poll(began, began, floor, (), ())

    async def _in_groups(self, watched: Collection[str]) -> Poll:
        gaps, asked = self._gaps, self._monotonic()
        async with self._database.reading() as db:
            began = await trail.now(db, self._clock)
            summary = await trail.summarise(db, gaps.floor, gaps.ranges, gaps.highest)
            ended = await _ended_among(db, watched)
            known = await trail.now(db, self._clock)
        gaps.saw_all_but(summary.missing, summary.highest, self._monotonic())
        gaps.settle(asked)
        return Poll(began, known, gaps.floor, summary.entries, None, ended)


async def _ended_among(db: Connection, session_ids: Collection[str]) -> list[Ended]:
    found: list[Ended] = []
    listed = list(session_ids)
    for start in range(0, len(listed), MAXIMUM_READ):
        found += await trail.ended_among(db, listed[start : start + MAXIMUM_READ])
    return found
