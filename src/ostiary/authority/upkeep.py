"""What servers do by themselves: seal the trail, write down lags, forget what is past retention.

Of several nodes, one seals and one forgets.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, TypeAlias

import structlog

from ostiary.authority.retention import Retention
from ostiary.core.caller import Caller
from ostiary.errors import Conflict, StoreUnavailable

Act: TypeAlias = Callable[[], Awaitable[object]]

OFTEN: Final = 15.0  # seconds
HOURLY: Final = 3600.0  # seconds
FIRST: Final = 60.0  # seconds after the start, when the rush of it is over

log = structlog.get_logger(__name__)


class Upkeep:
    """Runs in the background of a server."""

    def __init__(self, *, often: Sequence[Act], hourly: Sequence[Act], retention: Retention | None) -> None:
        """Part of an `Authority`. Without `retention` nothing is removed."""
        self._often = often
        purge: Sequence[Act] = (partial(_purge, retention),) if retention else ()
        self._hourly = (*hourly, *purge)
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Work from now on."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="ostiary-upkeep")

    async def stop(self) -> None:
        """Stop, in the middle of the work if need be: each piece is whole in itself."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        hourly_at = time.monotonic() + FIRST
        while True:
            await asyncio.sleep(OFTEN)
            for act in self._often:
                await self._try(act)
            if time.monotonic() >= hourly_at:
                hourly_at = time.monotonic() + HOURLY
                for act in self._hourly:
                    await self._try(act)

    async def _try(self, act: Act) -> None:
        try:
            await act()
        except StoreUnavailable:
            log.warning("upkeep.away")
        except Exception:
            log.exception("upkeep.failed")


async def _purge(retention: Retention) -> None:
    with contextlib.suppress(Conflict):  # another node is at it
        gone = await retention.purge(by=Caller.upkeep())
        log.info("retention.applied", sessions=gone.sessions, events=gone.events, forgotten=gone.forgotten)
