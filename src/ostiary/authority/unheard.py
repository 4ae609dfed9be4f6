"""What the trail says of attempts over a sign-in limit: one event a minute, however many there are.

An event for each would let a stranger write as fast as they can knock, and none at all left the largest attacks out. So
each node counts, in bounded memory, and writes what it counted a minute after the first: also when nobody knocks any
more by then, and when it stops. A node that is killed loses its last minute.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from ostiary.authority.counting import Counted
from ostiary.core.client import Client
from ostiary.core.event import Detail, Event
from ostiary.errors import StoreUnavailable
from ostiary.storage import events
from ostiary.storage.database import Connection, Database, in_transaction

EVERY: Final = 60.0  # seconds
MAXIMUM_DISTINCT: Final = 1000  # accounts, and addresses, that are told apart in one event

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Tally:
    """Attempts since `since`, and whom they concern as far as that is one."""

    since: datetime
    count: int = 0
    accounts: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    users: set[str | None] = field(default_factory=set)
    clients: set[str | None] = field(default_factory=set)

    def add(self, keys: Counted, user_id: str | None, client: Client) -> None:
        """Count one more."""
        self.count += 1
        _add(self.accounts, keys.account)
        _add(self.addresses, keys.address)
        _add(self.users, user_id)
        _add(self.clients, client.ip)

    def merge(self, later: Tally) -> None:
        """Take in what was counted meanwhile."""
        self.count += later.count
        for name in ("accounts", "addresses", "users", "clients"):
            for one in getattr(later, name):
                _add(getattr(self, name), one)

    def event(self, now: datetime) -> Event:
        """What the trail says."""
        since = self.since.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        detail: Detail = {
            "count": self.count,
            "since": since,
            "accounts": len(self.accounts),
            "addresses": len(self.addresses),
        }
        if len(self.accounts) == 1:
            detail["account"] = next(iter(self.accounts))
        return Event(now, "sign_in.limited", user_id=_only(self.users), ip=_only(self.clients), detail=detail)


class Unheard:
    """Counts, and tells."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """One per process."""
        self.database = database
        self._clock = clock
        self._sleep = sleep
        self._tally: Tally | None = None
        self._task: asyncio.Task[None] | None = None

    def note(self, keys: Counted, user_id: str | None, client: Client) -> None:
        """Count an attempt that was refused for being over a limit."""
        if self._tally is None:
            self._tally = Tally(self._clock())
        self._tally.add(keys, user_id, client)
        if self._task is None:
            self._task = asyncio.create_task(self._tell_later(), name="ostiary-unheard")

    async def _tell_later(self) -> None:
        while self._tally is not None:
            await self._sleep(EVERY)
            await self._try()
        self._task = None

    async def _try(self) -> None:
        try:
            await self.tell()
        except StoreUnavailable:
            log.warning("unheard.not_written", count=self._tally.count if self._tally else 0)
        except Exception:
            log.exception("unheard.failed")

    async def tell(self) -> None:
        """Write down what was counted since the last time. What could not be written is kept for the next.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        tally, self._tally = self._tally, None
        if tally is None:
            return
        try:
            await self._write(tally)
        except BaseException:
            self._keep(tally)
            raise

    def _keep(self, tally: Tally) -> None:
        if self._tally is not None:  # counted while that was being written
            tally.merge(self._tally)
        self._tally = tally

    @in_transaction
    async def _write(self, db: Connection, tally: Tally) -> None:
        await events.add(db, [tally.event(self._clock())])

    async def stop(self) -> None:
        """Stop waiting, and write what is left."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._try()


def _add(some: set[str] | set[str | None], one: str | None) -> None:
    if len(some) < MAXIMUM_DISTINCT:
        some.add(one)  # type: ignore[arg-type]


def _only(some: set[str | None]) -> str | None:
    return next(iter(some)) if len(some) == 1 else None
