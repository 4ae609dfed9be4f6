"""What this process measured of its endings, written down for charts: a row each half hour, shared by all nodes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ostiary.core.lags import STEP, Lags, begin_of_step
from ostiary.storage import lags
from ostiary.storage.database import Connection, Database, in_transaction


class MeasuredLags:
    """Note, and write down. One per process."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Part of an `Authority`."""
        self.database = database
        self._clock = clock
        self._noted: dict[datetime, Lags] = {}

    def note(self, seconds: float) -> None:
        """One ending is refused everywhere, so long after its commit."""
        self._keep(Lags(begin_of_step(self._clock(), STEP), 1, seconds, seconds))

    def _keep(self, noted: Lags) -> None:
        before = self._noted.get(noted.begins_at)
        self._noted[noted.begins_at] = noted if before is None else before + noted

    async def write(self) -> None:
        """Write down what was noted since the last time; what could not be written waits for the next.

        Raises:
            StoreUnavailable: it cannot be reached.
        """
        for begins in list(self._noted):
            noted = self._noted.pop(begins)
            try:
                await self._add(noted)
            except BaseException:
                self._keep(noted)
                raise

    @in_transaction
    async def _add(self, db: Connection, noted: Lags) -> None:
        await lags.add(db, noted)
