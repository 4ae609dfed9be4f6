"""How many follow the feed at once, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from ostiary.errors import Conflict
from ostiary.http.metrics import Metrics

MAXIMUM: Final = 1000  # open answers of one process


class Readers:
    """Counts open answers."""

    def __init__(self, metrics: Metrics) -> None:
        """Nobody follows yet."""
        self._metrics = metrics
        self._open = 0

    def ensure_room(self) -> None:
        """Return if one more may follow.

        Raises:
            Conflict: too many do.
        """
        if self._open >= MAXIMUM:
            raise Conflict(f"{MAXIMUM} readers follow the feed of this process already; ask another one")

    async def counting(self, messages: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same messages; whoever hears them counts as a reader from the first to the last."""
        self._open += 1
        self._metrics.feed_readers.inc()
        try:
            async for message in messages:
                yield message
        finally:
            self._open -= 1
            self._metrics.feed_readers.dec()
