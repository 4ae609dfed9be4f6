"""One who hears what happens to a user: an open page."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Final, TypeAlias

from ostiary.core.event import Event

MAXIMUM_WAITING: Final = 64  # events that a listener may be behind
MAXIMUM_LISTENERS: Final = 20  # of one user


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
