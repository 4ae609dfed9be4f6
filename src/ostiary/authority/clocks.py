"""This machine's clock against the store's: measured at the start and while a server runs; told of when it is wrong.

Nothing is corrected by it. What a wrong clock can do, and what it cannot, is in docs/concepts/clocks.md.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ostiary.storage import store_time
from ostiary.storage.database import Database

log = structlog.get_logger(__name__)


class Clocks:
    """Measure.

    Attributes:
        measured: called with each difference in seconds, for the metrics; positive where this machine's is ahead.
    """

    def __init__(self, database: Database) -> None:
        """Part of an `Authority`."""
        self.database = database
        self.measured: list[Callable[[float], None]] = []
        self._is_wrong = False

    async def measure(self) -> float:
        """How many seconds this machine's clock is ahead of the store's.

        Raises:
            StoreUnavailable: it cannot be reached.
        """
        async with self.database.reading() as db:
            ahead = await store_time.ahead(db)
        is_wrong, seconds = abs(ahead) > store_time.TOLERANCE, ahead.total_seconds()
        if is_wrong and not self._is_wrong:
            log.warning("clock.differs", ahead_seconds=round(seconds, 3), tolerated=store_time.TOLERANCE.seconds)
        elif self._is_wrong and not is_wrong:
            log.info("clock.agrees", ahead_seconds=round(seconds, 3))
        self._is_wrong = is_wrong
        for tell in self.measured:
            tell(seconds)
        return seconds
