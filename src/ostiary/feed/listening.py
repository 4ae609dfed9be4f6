"""A subscription to what happens to one user, for an open page: a bounded queue."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Final, TypeAlias

from ostiary.core.event import Event

MAXIMUM_WAITING: Final = 64  # events that a listener may be behind
MAXIMUM_LISTENERS: Final = 20  # of one user


class Notice(Enum):
    """What a listener is sent beside events."""

    LOST = "lost"  # something was not told: look for yourself
    AWAY = "away"  # the store does not answer: nobody knows what happens
    CLOSED = "closed"  # the process ends: listen elsewhere


Message: TypeAlias = Event | Notice


class Listener:
    """One subscriber. Made by `Feed.listen`."""

    def __init__(self) -> None:
        """Nothing is queued."""
        self._waiting: asyncio.Queue[Message] = asyncio.Queue()

    async def next(self, within: float) -> Message | None:
        """What happened next, or None if nothing did within so many seconds."""
        try:
            return await asyncio.wait_for(self._waiting.get(), within)
        except TimeoutError:
            return None

    def skip(self) -> None:
        """Empty the queue, for those who read the state itself anyway; that the process ends stays in it."""
        while not self._waiting.empty():
            message = self._waiting.get_nowait()
            if message is Notice.CLOSED:
                self._waiting.put_nowait(message)
                return

    def tell(self, message: Message) -> None:
        """Queue a message. Of a listener that is too far behind, the queue is replaced by `LOST`."""
        if self._waiting.qsize() >= MAXIMUM_WAITING:
            self.skip()
            message = message if message is Notice.CLOSED else Notice.LOST
        self._waiting.put_nowait(message)
