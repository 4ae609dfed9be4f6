"""Following the feed: one short request after the other, each of which proves how fresh the memory is.

A heartbeat in an answer that has been open for a while only says that the server was alive when it wrote it. What
counts is the first one of each request: what it says was read after the request had been sent, by this process's clock.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Callable
from contextlib import aclosing
from typing import Final

from msgspec import structs

from ostiary.contract.feed import FollowFeed, HeartbeatData
from ostiary.core.endings import Entry, Lost
from ostiary.sdk.verifier.failures import CannotProve
from ostiary.sdk.verifier.knowledge import Knowledge
from ostiary.sdk.verifier.link import Link
from ostiary.sdk.verifier.memory import Known

HOLD: Final = 2.0  # seconds that one answer stays open, or less where the bound is short
FIRST_PAUSE: Final = 0.05  # seconds before the next try when the feed was cut; doubled each time
LAST_PAUSE: Final = 1.0

log = logging.getLogger("ostiary.verifier")


class FeedReader:
    """Applies the feed to what is known.

    Attributes:
        failure: why the last request failed; None after one that did not.
    """

    def __init__(
        self,
        link: Link,
        knowledge: Knowledge,
        clock: Callable[[], float],
        heard: Callable[[Entry, Known | None], None],
        *,
        name: str | None,
    ) -> None:
        """`heard` is called with each entry after it was applied, and what was known of the one session it ended."""
        self.failure: CannotProve | None = None
        self._link = link
        self._knowledge = knowledge
        self._clock = clock
        self._heard = heard
        self._position: str | None = None
        staleness = knowledge.bounds.max_staleness
        self._silence = max(0.5, min(2.0, staleness / 2))
        hold = min(HOLD, staleness / 2.5)
        self._asked = FollowFeed(reader=secrets.token_hex(8), name=name, max_staleness=staleness, hold=hold)

    async def run(self) -> None:
        """Follow, until cancelled."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(self._knowledge.bounds.max_staleness):
                    await self.request()
            except (CannotProve, TimeoutError) as why:
                if self.failure is None:
                    log.warning("the feed is away: %s", why)
                self.failure = why if isinstance(why, CannotProve) else CannotProve("the feed does not end")
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # to spread, not to hide
                pause = min(LAST_PAUSE, 2 * pause)
            else:
                if self.failure is not None:
                    log.warning("the feed is back")
                self.failure, pause = None, FIRST_PAUSE

    async def request(self) -> None:
        """One request, from what was applied last.

        Raises:
            CannotProve: the feed could not be had, or broke off.
        """
        asked = structs.replace(self._asked, after=self._position, applied=self._position)
        sent, is_first = self._clock(), True
        async with aclosing(self._link.follow(asked, self._silence)) as messages:
            async for message in messages:
                if not isinstance(message, HeartbeatData):
                    self._heard(message, self._knowledge.hear(message))
                    continue
                if is_first and self._position is None:
                    self._knowledge.begin(sent, message.time)
                    self._heard(Lost(), None)
                elif is_first:
                    self._knowledge.beat(sent, message.time)
                self._position, is_first = message.position, False
        if is_first:
            raise CannotProve("the feed ended without a heartbeat")
