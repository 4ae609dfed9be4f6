"""The timeout of a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Patience:
    """A timeout that is re-armed lazily. There is one at a time: a new one takes the place of the one before.

    It is set and stopped with every request, and hardly ever runs out. So a timer that was started runs on, and looks
    at its end whether it is still meant: to stop one and start another took 2 us of a request's 30.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing is waited for yet."""
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0  # of the timer
        self._ends_at: float | None = None
        self._act: Callable[[], object] | None = None

    def wait(self, seconds: float, act: Callable[[], object]) -> None:
        """Do it in that time."""
        ends_at = self._loop.time() + seconds
        self._ends_at, self._act = ends_at, act
        if self._timer is None:
            self._start(ends_at)
        elif ends_at < self._rings_at:
            self._timer.cancel()
            self._start(ends_at)

    def stop(self) -> None:
        """It came."""
        self._ends_at = None

    def end(self) -> None:
        """Nothing will ever be waited for again."""
        self._ends_at = self._act = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self, at: float) -> None:
        self._rings_at = at
        self._timer = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._ends_at is None or self._act is None:
            return
        if self._ends_at > self._rings_at:
            self._start(self._ends_at)
        else:
            self._ends_at = None
            self._act()
