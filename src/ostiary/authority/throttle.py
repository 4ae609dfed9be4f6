"""Sign-in limits that slow a guesser down without letting a stranger lock anybody out (ASVS 5.0 6.3.1).

Failed sign-ins are counted per account and address, per address, and per account from addresses new to it. An address
of IPv6 is its /64, and the /56 around it may do ten times as much (core/address.py). Below the
limits nothing happens. Above one, a wrong password is answered 429, and attempts under the same key take turns, one a
second: the right password still signs in, and a guesser gets one guess a second instead of hundreds.

So that a burst cannot outrun the counting, few attempts under one key are looked at at once, and each is counted before
the next begins.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ostiary.authority import passwords
from ostiary.errors import TooManyRequests
from ostiary.storage.failed_sign_ins import Failures

TURN: Final = 1.0  # seconds between two attempts over a limit
MAXIMUM_WAIT: Final = 5.0  # seconds; a longer queue is a flood, and its end is refused unheard
MAXIMUM_KEYS: Final = 10_000  # remembered turns
AT_ONCE: Final = 8  # attempts from one address, or on one account from new addresses; a limit is overrun by fewer
SITE_FACTOR: Final = 10  # a /56 may do as much as ten addresses: a household, or a guesser who has all of it
MAXIMUM_QUEUE: Final = 256  # attempts that wait under one key; more is a flood


@dataclass(frozen=True, slots=True)
class Limits:
    """Failed sign-ins within `window` before an attempt has to wait its turn."""

    pair: int
    address: int
    account: int
    window: timedelta


class Throttle:
    """Says which limit an attempt is over, and makes such attempts take turns."""

    def __init__(
        self,
        limits: Limits,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """One per process; the counts themselves are in the database, for all processes."""
        self.limits = limits
        self._monotonic = monotonic
        self._sleep = sleep
        self._next: OrderedDict[str, float] = OrderedDict()
        self._queues: dict[str, Queue] = {}

    @asynccontextmanager
    async def looked_at(
        self, account: str, address: str, *, known_address: bool, site: str | None = None
    ) -> AsyncIterator[None]:
        """Hold a place among the attempts that are looked at: count the failures inside, and record one inside.

        Raises:
            TooManyRequests: too many attempts under the same key are waiting already.
            StoreUnavailable: those ahead took too long.
        """
        async with AsyncExitStack() as places:
            await places.enter_async_context(self._place(f"{account} {address}", 1))
            await places.enter_async_context(self._place(address, AT_ONCE))
            if site is not None:
                await places.enter_async_context(self._place(site, AT_ONCE * SITE_FACTOR))
            if not known_address:
                await places.enter_async_context(self._place(account, AT_ONCE))
            yield

    @asynccontextmanager
    async def _place(self, key: str, at_once: int) -> AsyncIterator[None]:
        queue = self._queues.setdefault(key, Queue(asyncio.Semaphore(at_once)))
        if queue.length >= MAXIMUM_QUEUE:
            raise TooManyRequests(round(MAXIMUM_WAIT))
        queue.length += 1
        try:
            try:
                async with asyncio.timeout(passwords.MAXIMUM_WAIT):
                    await queue.places.acquire()
            except TimeoutError:
                raise passwords.busy() from None
            try:
                yield
            finally:
                queue.places.release()
        finally:
            queue.length -= 1
            if not queue.length:
                self._queues.pop(key, None)

    def over(
        self, failures: Failures, account: str, address: str, *, known_address: bool, site: str | None = None
    ) -> str | None:
        """The key of the limit that the attempt is over, or None: the one that most attempts share comes first."""
        if failures.account >= self.limits.account and not known_address:
            return account
        if site is not None and failures.site >= self.limits.address * SITE_FACTOR:
            return site
        if failures.address >= self.limits.address:
            return address
        if failures.pair >= self.limits.pair:
            return f"{account} {address}"
        return None

    def retry_after(self, failures: Failures, now: datetime) -> int:
        """Whole seconds until the oldest failure that counts leaves the window."""
        oldest = failures.oldest or now
        return max(1, round((oldest + self.limits.window - now).total_seconds()))

    async def wait_turn(self, key: str) -> None:
        """Wait until it is this attempt's turn.

        Raises:
            TooManyRequests: too many attempts under the same key are waiting already.
        """
        now = self._monotonic()
        turn = max(self._next.pop(key, now), now)
        if turn - now > MAXIMUM_WAIT:
            self._next[key] = turn
            raise TooManyRequests(round(turn - now))
        self._next[key] = turn + TURN
        while len(self._next) > MAXIMUM_KEYS:
            self._next.popitem(last=False)
        if turn > now:
            await self._sleep(turn - now)


@dataclass(slots=True)
class Queue:
    """The attempts under one key: how many are looked at or wait."""

    places: asyncio.Semaphore
    length: int = 0
