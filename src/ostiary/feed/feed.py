"""The loop: one poll of the trail at a time, for everybody in this process, woken by hints and backed by the clock."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ostiary.core.endings import ENDED, Ended, Entry, Lost, matters
from ostiary.core.event import Event
from ostiary.errors import StoreUnavailable
from ostiary.feed.audience import Audience
from ostiary.feed.commits import Commits
from ostiary.feed.following import Follower, Update
from ostiary.feed.hints import Hints, open_hints
from ostiary.feed.listening import Listener, Notice
from ostiary.feed.memory import Memory
from ostiary.feed.position import Position
from ostiary.feed.reading import Poll, Reading
from ostiary.storage import wakeups
from ostiary.storage.callbacks import call_all
from ostiary.storage.database import Database

if TYPE_CHECKING:
    from ostiary.authority.tasks import Tasks

POLL_EVERY: Final = 0.4  # seconds between polls when nothing wakes it
KEEP_GOING: Final = 30.0  # seconds after the last one who wanted to know: readers come back within that
RESUME_WITHIN: Final = timedelta(hours=1)  # an older position is answered by `Lost`

POLLING, LISTENING, HEARING = "feed", "feed-notifications", "feed-hints"  # names of our tasks


class Feed:
    """Polls, and tells. One per process; nothing runs until somebody wants to know.

    Attributes:
        memory: what services were told lately.
        woken: called with the source of every wake-up (`commit`, `notify`, `hint`), for the metrics.
        polled: called with every poll, or None for one that failed.
        ended_here: called with what this process ended (session, when), and the store's time by which it was committed.
            While somebody is there to be called, the feed runs after every ending.
    """

    def __init__(
        self, database: Database, clock: Callable[[], datetime], tasks: Tasks, wake_url: str | None = None
    ) -> None:
        """Nothing runs yet; `tasks` run it.

        Raises:
            ConfigurationError: the wake-up's URL cannot be used.
        """
        self.memory = Memory()
        self.woken: list[Callable[[str], None]] = []
        self.polled: list[Callable[[Poll | None], None]] = []
        self.ended_here: list[Callable[[list[tuple[str, datetime]], datetime], None]] = []
        self.is_closed = False
        self._here: list[tuple[str, datetime]] = []  # sessions that this process ended since the last poll began
        self._audience = Audience()
        self._commits = Commits()
        self._database = database
        self._reading = Reading(database, clock)
        self._node = secrets.token_hex(4)
        self._wake = asyncio.Event()
        self._asked: asyncio.Future[Poll] | None = None  # of those who need a poll that has not begun
        self._going: asyncio.Future[Poll] | None = None  # of those who hear of the next that ends
        self._wanted_at = 0.0
        self._tasks = tasks
        self._hints: Hints | None = _hints_of(self, tasks, wake_url) if wake_url else None
        database.listeners.append(self._committed)

    # What others ask for.

    async def watch(self, session_id: str) -> Ended:
        """Wait until somebody ends a session: its user, an administrator, a rule. Returns at once if it has ended.

        Within milliseconds where a wake-up reaches this process, else within a poll (`POLL_EVERY`). A limit of the
        policy that passes is no event; who watches a connection sets a timer for that. While the store is away it goes
        on waiting. Cancel it when nobody needs to know any more:

            ended = asyncio.create_task(authority.feed.watch(session.id))

        Raises:
            Conflict: too many sessions are watched in this process.
            StoreUnavailable: nothing is known now, or the process ends.
        """
        with self._audience.watching(session_id) as future:
            await self.fresh()  # from here on it is told; what was before is in the row
            if not future.done():
                ended = await self._reading.ended_among([session_id])
                if ended:
                    return ended[0]
            return await future

    @asynccontextmanager
    async def doubts(self, session_id: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever a session may not be held by the secret that it was, as when it was renewed.

        It is set at first, too: from then on it is told, and what was before is in the row.

        Raises:
            StoreUnavailable: nothing is known now, or the process ends.
        """
        with self._audience.doubting(session_id) as doubt:
            await self.fresh()
            doubt.set()
            yield doubt

    @asynccontextmanager
    async def listen(self, user_id: str) -> AsyncIterator[Listener]:
        """Hear what happens to a user from now on.

        Raises:
            Conflict: too many of this user's pages listen already.
            StoreUnavailable: nothing can be heard now.
        """
        self._audience.ensure_room(user_id)
        if not self.is_closed:
            await self.fresh()
        with self._audience.listening(user_id) as listener:
            if self.is_closed:
                listener.tell(Notice.CLOSED)
            yield listener

    async def follow(self, after: Position | None = None) -> tuple[Follower, Update]:
        """Hear everything from a position on: the follower, and what it missed. Without one, what ends after this.

        The poll of what is told first began after this call, so nothing that committed before the call is missing.

        Raises:
            StoreUnavailable: nothing can be heard now.
        """
        serial = self.memory.next
        if after is not None and after.node == self._node and self.memory.since(after.serial) is not None:
            follower = Follower(self, after.serial)
            return follower, await follower.fresh()
        follower = Follower(self, serial)
        update = await follower.fresh()
        if after is None:
            return follower, update
        missed: Sequence[Entry] = [Lost()]
        if update.poll.time - after.time <= RESUME_WITHIN:
            missed = await self._reading.after(after.floor)  # read after the poll, so it has what the poll found, too
        return follower, Update(missed, update.poll, update.position)

    async def fresh(self) -> Poll:
        """A poll that begins after this call: it knows whatever was committed before the call.

        Raises:
            StoreUnavailable: the database did not answer, or the process ends.
        """
        self._ensure_running()
        if self._asked is None:
            self._asked = asyncio.get_running_loop().create_future()
        self._wake.set()
        return await asyncio.shield(self._asked)

    async def next_poll(self) -> Poll:
        """The next poll that comes to its end.

        Raises:
            StoreUnavailable: the database did not answer, or the process ends.
        """
        self._ensure_running()
        if self._going is None:
            self._going = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._going)

    def position(self, poll: Poll) -> Position:
        """Where a reader is that was told everything up to the end of a poll."""
        return Position(poll.floor, poll.time, self._node, self.memory.next)

    def ended_by(self, session_id: str, at: datetime) -> datetime | None:
        """The store's time by which the ending of a session was committed, where a poll has found it lately.

        Args:
            at: when it ended, by its row: an ending that was undone since says nothing of the one that holds.
        """
        return self._commits.of(session_id, at)

    def wake(self, source: str) -> None:
        """A hint that there is something new."""
        call_all(self.woken, source)
        self._wake.set()

    def hang_up(self) -> None:
        """Tell everybody that the process ends."""
        self.is_closed = True
        away = StoreUnavailable()
        self._settle_going(away)
        self._audience.notify(Notice.CLOSED)
        self._fail_asked(away)
        self._audience.give_up(away)

    async def close(self) -> None:
        """Hang up, and stop polling."""
        self.hang_up()
        await self._tasks.stop(POLLING, LISTENING, HEARING)
        if self._hints is not None:
            await self._hints.close()

    # The loop.

    def _ensure_running(self) -> None:
        if self.is_closed:
            raise StoreUnavailable()
        self._wanted_at = asyncio.get_running_loop().time()
        if not self._tasks.is_running(POLLING):
            self._tasks.begin(POLLING, self._step, back_off=(POLL_EVERY,))
            if self._hints is not None:
                self._tasks.begin(HEARING, self._hints.hear)
        postgres = self._database.postgres
        if postgres is not None and not self._tasks.is_running(LISTENING):
            self._tasks.begin(LISTENING, lambda: wakeups.listen(postgres, self._database.id, self._heard))

    def _heard(self) -> None:
        self._tasks.went_well(LISTENING)
        self.wake("notify")

    async def _step(self) -> bool:
        """One poll. False if nobody has wanted to know for a while."""
        if not self._is_wanted():
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_EVERY):  # not wait_for, which can lose a cancellation (3.11)
                await self._wake.wait()
        self._wake.clear()
        asked, self._asked = self._asked, None
        here, self._here = self._here, []
        try:
            poll = await self._reading.poll(self._audience.watched)
            self._commits.note(poll, here)
            if here:
                call_all(self.ended_here, here, poll.known)
            self._tell(poll)
        except BaseException as why:
            self._here = here + self._here
            self._failed(why, asked)
            raise
        if asked is not None and not asked.done():
            asked.set_result(poll)
        return True

    def _is_wanted(self) -> bool:
        unused = asyncio.get_running_loop().time() - self._wanted_at
        is_wanted = bool(self._audience or self._asked) or unused < KEEP_GOING
        return is_wanted and not self.is_closed

    def _tell(self, poll: Poll) -> None:
        call_all(self.polled, poll)
        self.memory.add(poll.entries)
        self._settle_going(poll)
        self._audience.tell(poll)

    def _failed(self, why: BaseException, asked: asyncio.Future[Poll] | None) -> None:
        call_all(self.polled, None)
        away = why if isinstance(why, StoreUnavailable) else StoreUnavailable()
        self._audience.notify(Notice.AWAY)
        self._asked, again = asked, self._asked
        self._fail_asked(away)
        self._asked = again
        self._settle_going(away)

    def _fail_asked(self, why: StoreUnavailable) -> None:
        asked, self._asked = self._asked, None
        if asked is not None and not asked.done():
            asked.set_exception(why)
            asked.exception()  # retrieved, should nobody wait for it any more

    def _settle_going(self, outcome: Poll | StoreUnavailable) -> None:
        going, self._going = self._going, None
        if going is None or going.done():
            return
        if isinstance(outcome, StoreUnavailable):
            going.set_exception(outcome)
            going.exception()
        else:
            going.set_result(outcome)

    def _committed(self, events: Sequence[Event]) -> None:
        """A listener of the database: this process has written something."""
        if not events:
            return
        if self.ended_here and not self.is_closed:
            self._here += [(event.session_id, event.at) for event in events if event.kind in ENDED and event.session_id]
            if self._here:
                self._ensure_running()
        if self._tasks.is_running(POLLING):
            self.wake("commit")
        if self._hints is not None and matters(events):
            self._hints.send()


def _hints_of(feed: Feed, tasks: Tasks, wake_url: str) -> Hints:
    return open_hints(wake_url, lambda: feed.wake("hint"), lambda: tasks.went_well(HEARING))
