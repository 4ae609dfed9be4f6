"""What happens to a user, told to whoever listens in this process: one poll of the trail, shared by all.

Sequence order is not commit order: an event may appear below one that was read already. So every poll reads an overlap
again, as long as a transaction may take, and forgets what it has told. A poll runs only while somebody listens.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, TypeAlias

import structlog

from ostiary.core.event import Event
from ostiary.errors import Conflict, StoreUnavailable
from ostiary.storage import events
from ostiary.storage.database import Database

POLL_EVERY: Final = 0.4  # seconds
OVERLAP: Final = timedelta(seconds=60)  # four times what a statement may take (database.COMMAND_TIMEOUT)
MAXIMUM_READ: Final = 5000  # events in one poll; beyond it everybody is told to look for themselves
MAXIMUM_WAITING: Final = 64  # events that a listener may be behind
MAXIMUM_LISTENERS: Final = 20  # of one user

log = structlog.get_logger(__name__)


class Notice(Enum):
    """What a listener may hear beside events."""

    LOST = "lost"  # something was not told: look for yourself
    AWAY = "away"  # the store does not answer: nobody knows what happens
    CLOSED = "closed"  # the process ends: listen elsewhere


Heard: TypeAlias = Event | Notice


class Listener:
    """One who listens. Made by `Feed.listen`."""

    def __init__(self) -> None:
        """Nothing heard yet."""
        self._waiting: asyncio.Queue[Heard] = asyncio.Queue()

    async def next(self, within: float) -> Heard | None:
        """What happened next, or None if nothing did within so many seconds."""
        try:
            return await asyncio.wait_for(self._waiting.get(), within)
        except TimeoutError:
            return None

    def skip(self) -> None:
        """Forget what is waiting: for those who look for themselves anyway."""
        while not self._waiting.empty():
            heard = self._waiting.get_nowait()
            if heard is Notice.CLOSED:
                self._waiting.put_nowait(heard)
                return

    def tell(self, heard: Heard) -> None:
        """Put it with what is waiting; who is too far behind loses what they have not heard."""
        if self._waiting.qsize() >= MAXIMUM_WAITING:
            self.skip()
            heard = heard if heard is Notice.CLOSED else Notice.LOST
        self._waiting.put_nowait(heard)


class Feed:
    """Polls, and tells. One per process."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Nothing runs until somebody listens."""
        self._database = database
        self._clock = clock
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._told: set[int] = set()  # positions inside the overlap
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    @asynccontextmanager
    async def listen(self, user_id: str) -> AsyncIterator[Listener]:
        """Hear what happens to a user from now on.

        Raises:
            Conflict: too many of this user's pages listen already.
            StoreUnavailable: nothing can be heard now.
        """
        if len(self._listeners.get(user_id, ())) >= MAXIMUM_LISTENERS:
            raise Conflict("too many open pages follow your sessions; close some")
        listener = Listener()
        async with self._turn:
            if user_id not in self._listeners:
                before = await self._read([user_id])
                self._told.update(event.position or 0 for event in before)
            self._listeners[user_id].add(listener)
        if self._is_closed:
            listener.tell(Notice.CLOSED)
        elif self._task is None:
            self._task = asyncio.create_task(self._run(), name="ostiary-feed")
        try:
            yield listener
        finally:
            self._listeners[user_id].discard(listener)
            if not self._listeners[user_id]:
                del self._listeners[user_id]

    def hang_up(self) -> None:
        """Tell everybody that the process ends."""
        self._is_closed = True
        for listener in self._everybody():
            listener.tell(Notice.CLOSED)

    async def close(self) -> None:
        """Hang up, and stop polling."""
        self.hang_up()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def poll(self) -> None:
        """Read what is new, and tell those whom it concerns.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        async with self._turn:
            found = await self._read(list(self._listeners))
            if len(found) == MAXIMUM_READ:
                self._tell_everybody(Notice.LOST)
            for event in found:
                if event.position is not None and event.position not in self._told:
                    self._told.add(event.position)
                    for listener in self._listeners.get(event.user_id or "", ()):
                        listener.tell(event)

    async def _read(self, user_ids: list[str]) -> list[Event]:
        async with self._database.reading() as db:
            floor = await events.settled(db, self._clock() - OVERLAP)
            found = await events.of_users_after(db, user_ids, floor, MAXIMUM_READ)
        self._told = {position for position in self._told if position > floor}
        return found

    async def _run(self) -> None:
        while self._listeners and not self._is_closed:
            try:
                await self.poll()
            except StoreUnavailable:
                log.warning("feed.away")
                self._tell_everybody(Notice.AWAY)
            except Exception:
                log.exception("feed.failed")
                self._tell_everybody(Notice.AWAY)
            await asyncio.sleep(POLL_EVERY)
        self._task = None
        self._told.clear()

    def _tell_everybody(self, notice: Notice) -> None:
        for listener in self._everybody():
            listener.tell(notice)

    def _everybody(self) -> Iterable[Listener]:
        return [listener for listeners in self._listeners.values() for listener in listeners]
