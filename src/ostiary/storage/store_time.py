"""The store's clock against this machine's.

What is decided for all nodes at once (what is past retention, which failures no window reaches, when a session was last
used) goes by the store's clock, so that one machine whose clock is wrong forgets nothing that lives for the others.
SQLite has no clock but its machine's; there both are one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from ostiary.storage import leases
from ostiary.storage.database import Connection

TOLERANCE: Final = timedelta(seconds=10)  # more than NTP and a slow answer make; `doctor` and the log warn beyond it
NONE: Final = timedelta(0)


async def ahead(db: Connection) -> timedelta:
    """How far this machine's clock is ahead of the store's; negative when behind.

    As near to zero as the time allows that the question took: a slow answer is no wrong clock.
    """
    if db.dialect.name == "sqlite":
        return NONE
    before = datetime.now(UTC)
    theirs = await leases.now(db)
    after = datetime.now(UTC)
    return max(before - theirs, NONE) or min(after - theirs, NONE)


async def now(db: Connection, clock: Callable[[], datetime]) -> datetime:
    """The time by `clock`, less what this machine's clock is ahead: the store's own, unless a test turns `clock`."""
    return clock() - await ahead(db)
