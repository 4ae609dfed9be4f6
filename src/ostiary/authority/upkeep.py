"""What servers do by themselves: seal the trail, write down lags, forget what is past retention.

What concerns all nodes is done by one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from ostiary.authority.lags import MeasuredLags
from ostiary.authority.retention import Retention
from ostiary.authority.sealing import Sealing
from ostiary.core.caller import Caller
from ostiary.errors import Conflict, StoreUnavailable

SEAL_EVERY: Final = 15.0  # seconds
PURGE_EVERY: Final = 3600.0  # seconds
FIRST_PURGE: Final = 60.0  # seconds after the start, when the rush of it is over

log = structlog.get_logger(__name__)


class Upkeep:
    """Runs in the background of a server."""

    def __init__(
        self,
        sealing: Sealing,
        retention: Retention,
        lags: MeasuredLags,
        publish: Callable[[], Awaitable[None]],
        *,
        purges: bool,
    ) -> None:
        """Part of an `Authority`; `publish` writes the policy down; without `purges` nothing is removed."""
        self._sealing = sealing
        self._retention = retention
        self._lags = lags
        self._publish = publish
        self._purges = purges
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
        purge_at = time.monotonic() + FIRST_PURGE
        while True:
            await asyncio.sleep(SEAL_EVERY)
            await self._try(self._sealing.seal)
            await self._try(self._lags.write)
            if self._purges and time.monotonic() >= purge_at:
                purge_at = time.monotonic() + PURGE_EVERY
                await self._try(self._publish)
                await self._try(self._purge)

    async def _purge(self) -> None:
        with contextlib.suppress(Conflict):  # another node is at it
            gone = await self._retention.purge(by=Caller.upkeep())
            log.info("retention.applied", sessions=gone.sessions, events=gone.events, forgotten=gone.forgotten)

    async def _try(self, act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except StoreUnavailable:
            log.warning("upkeep.away")
        except Exception:
            log.exception("upkeep.failed")
