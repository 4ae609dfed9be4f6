"""Forgetting what is past retention. Nothing that can still be used is ever removed here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ostiary.core.caller import Caller
from ostiary.errors import InvalidRequest
from ostiary.storage import codes, events, plans, refresh_tokens, refusals, sessions
from ostiary.storage.database import Connection, Database, in_transaction

PLANS_KEPT: Final = timedelta(days=2)  # after their time to begin: longer than they may take, or be undone
BATCH: Final = 1000  # rows in one transaction, so that sign-ins never wait for long


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows went."""

    sessions: int
    events: int


class Retention:
    """Purge."""

    def __init__(self, database: Database, kept: timedelta, window: timedelta, clock: Callable[[], datetime]) -> None:
        """Part of an `Authority`; `kept` is how long ended sessions and events stay."""
        self.database = database
        self._kept = kept
        self._window = window
        self._clock = clock

    async def purge(
        self,
        *,
        by: Caller,
        older_than: timedelta | None = None,
        progress: Callable[[Purged], None] | None = None,
    ) -> Purged:
        """Remove sessions that ended, and events that happened, longer ago than `older_than` (default: the retention).

        Works in small batches; stopping it half-way loses nothing but the rest of the work.

        Raises:
            NotAllowed: the caller is not an administrator.
            InvalidRequest: `older_than` is not positive.
        """
        by.ensure_admin()
        age = older_than if older_than is not None else self._kept
        if age <= timedelta(0):
            raise InvalidRequest("older_than", "must be positive, such as 2160h")
        before = self._clock() - age
        gone = Purged(0, 0)
        while True:
            batch = await self._batch(before)
            gone = Purged(gone.sessions + batch.sessions, gone.events + batch.events)
            if progress is not None:
                progress(gone)
            if batch.sessions < BATCH and batch.events < BATCH:
                return gone

    @in_transaction
    async def _batch(self, db: Connection, before: datetime) -> Purged:
        await refusals.purge(db, self._clock() - self._window)
        gone = Purged(await sessions.purge(db, before, BATCH), await events.purge(db, before, BATCH))
        await refresh_tokens.purge_orphans(db, BATCH)
        await codes.purge(db, before, BATCH)
        await plans.purge(db, self._clock() - PLANS_KEPT, BATCH)
        return gone
