"""Who remembers sessions, how far each has come, and so: since when an ended session is refused everywhere."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ostiary.authority.measuring import MAXIMUM_MEASURED, Measuring
from ostiary.authority.tasks import Tasks
from ostiary.core.caller import Caller
from ostiary.core.endings import Ended, EndedMany
from ostiary.core.verifier import LEASE, Lag, Verifier
from ostiary.errors import Conflict, InvalidRequest, SessionNotFound
from ostiary.feed import Feed, Follower, Poll, Update
from ostiary.storage import sessions, trail, verifiers
from ostiary.storage.database import Connection, Database, in_transaction

MAXIMUM_OF_OWNER: Final = 1000  # verifiers that ask with one credential
FLUSH_AFTER: Final = 0.02  # seconds in which what is to be written down gathers
FLUSH_EVERY: Final = (
    0.1  # seconds between two writings, at least: in a storm of endings they would take a tenth of a core
)
CLEAN_EVERY: Final = 30.0  # seconds between removals of what is gone


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """What a reader says of itself in a request for the feed.

    Attributes:
        chain: of its requests; see `Position.lineage`.
        owner: its credential.
        max_staleness: seconds.
        applied: the time of the heartbeat that it has applied; None if it has applied none.
    """

    chain: str
    owner: str
    reader: str
    name: str | None
    address: str | None
    max_staleness: float
    applied: datetime | None


class Verifiers:
    """Admit, list, measure the lag. One per process.

    Attributes:
        measured: called with the lag in seconds of each ending that was committed here, once it is refused everywhere.
    """

    def __init__(self, database: Database, feed: Feed, clock: Callable[[], datetime], tasks: Tasks) -> None:
        """Part of an `Authority`."""
        self.database = database
        self._measuring = Measuring(database, clock)
        self.measured = self._measuring.measured
        self._feed = feed
        self._clock = clock
        self._known: dict[str, Verifier] = {}  # as this process knows them
        self._written: dict[str, Verifier] = {}  # as it wrote them down
        self._now: datetime | None = None  # the store's time at the start of the newest poll
        self._found_at: datetime | None = None  # the same of the newest poll that found an ending
        self._owed: datetime | None = None  # a row for each is to be written down by a poll from then on
        self._endings: deque[datetime] = deque(maxlen=MAXIMUM_MEASURED)  # by when each was committed, of late
        self._due = asyncio.Event()
        self._tasks = tasks
        self._flushed = self._cleaned = 0.0  # when rows were written last, and when those of the gone were removed
        feed.polled.append(self._polled)

    # What readers and administrators do.

    async def admit(self, asked: FeedRequest, follower: Follower, update: Update) -> Update:
        """Write down who asks, before the answer makes them trust their memory for longer. What to answer.

        Raises:
            InvalidRequest: it acknowledges what it cannot have been told yet.
            Conflict: too many verifiers ask with this credential.
            StoreUnavailable: it cannot be written down, so it must not be answered.
        """
        if asked.applied is not None and asked.applied > update.poll.time:
            raise InvalidRequest("applied", "is a position of the future; give one that a heartbeat had")
        while True:
            await self._note(asked, update.poll.time)
            if self._found_at is None or update.poll.time >= self._found_at:
                return update
            # Something ended while this was answered: whoever measures must not find a trust that begins after that.
            more = await follower.fresh()
            update = Update([*update.entries, *more.entries], more.poll, more.position)

    async def list(self, *, by: Caller) -> Sequence[Verifier]:
        """All that were heard of lately, oldest first.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            now = await trail.now(db, self._clock)
            return [one for one in await verifiers.list_all(db) if not one.is_gone(now)]

    async def lag(self, session_id: str, *, by: Caller, wait: float = 0.0, anybodys: bool = False) -> Lag:
        """How far the ending of a session has come; waits up to `wait` seconds until it is refused everywhere.

        Args:
            anybodys: False for the caller's own sessions only.

        Raises:
            NotAllowed: somebody else's, and not an administrator; a CLI token without `sessions:read`.
            SessionNotFound: missing, or not the caller's.
            Conflict: it has not ended.
        """
        if anybodys:
            by.ensure_admin()
        else:
            by.ensure_scope("sessions:read")
        await self._feed.fresh()  # of undoings, too: what is noted of an ending that does not hold any more is dropped
        async with self.database.reading() as db:
            session = await sessions.find(db, session_id, None if anybodys else by.user.id)
        if session is None:
            raise SessionNotFound
        if session.revoked is None:
            raise Conflict("this session was not revoked, so there is nothing to wait for")
        ending = session.revoked.at
        if (settled := self._measuring.settled(session_id, ending)) is not None:
            return settled
        ended_by = self._feed.ended_by(session_id, ending) or (await self._feed.fresh()).known
        return await self._measuring.lag(session_id, ending, ended_by, wait)

    @property
    def served(self) -> Sequence[Verifier]:
        """Those whose requests come to this process."""
        now = self._now
        return [one for one in self._known.values() if now is None or not one.is_gone(now)]

    # The process.

    def begin(self) -> None:
        """Write down and measure from now on."""
        if self._measuring.committed not in self._feed.ended_here:
            self._feed.ended_here.append(self._measuring.committed)
        self._tasks.begin("verifiers", self._keep_written)
        self._tasks.begin("lag", self._measuring.step)

    async def stop(self) -> None:
        """Stop."""
        await self._tasks.stop("verifiers", "lag")

    # Writing down. A row may be up to LEASE behind what its verifier trusts, so most requests write nothing.

    async def _note(self, asked: FeedRequest, now: datetime) -> None:
        before, written = self._known.get(asked.chain), self._written.get(asked.chain)
        trust_until = now + timedelta(seconds=asked.max_staleness)
        verifier = Verifier(
            id=asked.chain,
            owner=asked.owner,
            reader=asked.reader,
            name=asked.name,
            address=asked.address,
            since=before.since if before else now,
            applied_at=_later(before.applied_at if before else None, asked.applied),
            trust_until=max(before.trust_until, trust_until) if before else trust_until,
            seen_at=now,
            written_at=now,
            max_staleness=asked.max_staleness,
        )
        if before is not None and before.owner != asked.owner:
            raise InvalidRequest("applied", "is a position of another reader")
        self._known[asked.chain] = verifier
        if written is None:
            try:
                await self._add(verifier)
            except BaseException:
                del self._known[asked.chain]
                raise
            self._written[asked.chain] = verifier
        elif verifier.trust_until >= written.trust_until + LEASE:
            await self._write()
        elif self._is_due(verifier, written):
            self._due.set()

    def _is_due(self, verifier: Verifier, written: Verifier | None) -> bool:
        """True if what is written down would make somebody wait, or hope, for something that is known here."""
        if written is None or verifier.trust_until >= written.trust_until + LEASE / 2:
            return True
        last = self._endings[-1] if self._endings else None
        if last is None or written.has_applied(last):
            return False
        before, after = written.applied_at, verifier.applied_at
        has_come_on = after is not None and any(before is None or before < end <= after for end in self._endings)
        return has_come_on or written.written_at < last

    @in_transaction
    async def _add(self, db: Connection, verifier: Verifier) -> None:
        if await verifiers.count(db, verifier.owner) >= MAXIMUM_OF_OWNER:
            raise Conflict(f"{MAXIMUM_OF_OWNER} verifiers ask with this credential already")
        await verifiers.write(db, [verifier])

    async def _write(self) -> None:
        now = self._now
        rows = []
        for one in list(self._known.values()):
            if now is not None and one.is_gone(now):
                self._known.pop(one.id, None)
                self._written.pop(one.id, None)
                continue
            if self._is_due(one, self._written.get(one.id)):
                rows.append(replace(one, written_at=now or one.written_at))
        if rows:
            await self._write_rows(rows)
            self._written |= {row.id: row for row in rows if row.id in self._known}

    @in_transaction
    async def _write_rows(self, db: Connection, rows: Sequence[Verifier]) -> None:
        await verifiers.write(db, rows)

    async def _keep_written(self) -> None:
        clock = asyncio.get_running_loop().time
        await self._due.wait()
        await asyncio.sleep(max(FLUSH_AFTER, self._flushed + FLUSH_EVERY - clock()))
        self._due.clear()
        self._flushed = clock()
        try:
            await self._write()
            if clock() - self._cleaned > CLEAN_EVERY:
                await self._clean()
                self._cleaned = clock()
        except BaseException:
            self._due.set()  # what could not be written is due still
            raise

    @in_transaction
    async def _clean(self, db: Connection) -> None:
        await verifiers.remove_gone(db, await trail.now(db, self._clock))

    # What the feed tells.

    def _polled(self, poll: Poll | None) -> None:
        if poll is None:
            return
        self._now = poll.time
        self._measuring.drop_undone(poll)
        if self._owed is not None and poll.time >= self._owed:
            self._owed = None
            self._due.set()
        if any(isinstance(entry, Ended | EndedMany) for entry in poll.entries):
            self._found_at = poll.time
            self._endings.append(poll.known)
            if self._known and self._owed is None:
                # One more poll, whose time is after the ending, makes the rows say for certain.
                self._owed = poll.known
                asyncio.get_running_loop().call_later(FLUSH_AFTER, self._feed.wake, "verifiers")


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one is not None and other is not None else one or other
