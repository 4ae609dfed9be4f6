"""A subscription to the whole feed, from a position on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ostiary.core.endings import Entry, Lost
from ostiary.feed.position import Position
from ostiary.feed.reading import Poll

if TYPE_CHECKING:
    from ostiary.feed.feed import Feed


@dataclass(frozen=True, slots=True)
class Update:
    """The entries since a position, and the poll that read them: with them a reader knows all that the poll knew."""

    entries: Sequence[Entry]
    poll: Poll
    position: Position


class Follower:
    """A cursor in the feed that moves on with what it reads. Made by `Feed.follow`."""

    def __init__(self, feed: Feed, serial: int) -> None:
        """From an entry of the feed's memory on."""
        self._feed = feed
        self._serial = serial

    async def fresh(self) -> Update:
        """What is new, by a poll that begins after this call.

        Raises:
            StoreUnavailable: the database did not answer, or the process ends.
        """
        return self._tell(await self._feed.fresh())

    async def next(self, within: float) -> Update | None:
        """What the next poll finds; None if none came to its end within so many seconds.

        Raises:
            StoreUnavailable: the database did not answer, or the process ends.
        """
        try:
            async with asyncio.timeout(within):
                poll = await self._feed.next_poll()
            return self._tell(poll)
        except TimeoutError:
            return None

    async def next_entries(self, within: float) -> Update | None:
        """What the next poll finds that finds something; None if none did within so many seconds.

        Raises:
            StoreUnavailable: the database did not answer, or the process ends.
        """
        ends_at = asyncio.get_running_loop().time() + within
        while (left := ends_at - asyncio.get_running_loop().time()) > 0:
            update = await self.next(left)
            if update is not None and update.entries:
                return update
        return None

    def _tell(self, poll: Poll) -> Update:
        entries = self._feed.memory.since(self._serial)
        self._serial = self._feed.memory.next
        return Update(entries if entries is not None else [Lost()], poll, self._feed.position(poll))
