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
from ostiary.authority.tasks import Tasks
from ostiary.core.caller import Caller
from ostiary.errors import Conflict

Act: TypeAlias = Callable[[], Awaitable[object]]

OFTEN: Final = 15.0  # seconds
HOURLY: Final = 3600.0  # seconds
FIRST: Final = 60.0  # seconds after the start, when the rush of it is over

log = structlog.get_logger(__name__)


class Upkeep:
    """Runs in the background of a server."""

    def __init__(
        self,
        *,
        often: Sequence[Act],
        hourly: Sequence[Act],
        retention: Retention | None,
        tasks: Tasks,
        at_once: Sequence[Act] = (),
    ) -> None:
        """Part of an `Authority`. Without `retention` nothing is removed."""
        self._at_once = at_once
        self._often = often
        purge: Sequence[Act] = (partial(_purge, retention),) if retention else ()
        self._hourly = (*hourly, *purge)
        self._hourly_at = 0.0
        self._tasks = tasks

    def begin(self) -> None:
        """Work from now on."""
        self._hourly_at = time.monotonic() + FIRST
        self._tasks.begin("upkeep", self._step)

    async def stop(self) -> None:
        """Stop, in the middle of the work if need be: each piece is whole in itself."""
        await self._tasks.stop("upkeep")

    async def _step(self) -> None:
        at_once, self._at_once = self._at_once, ()
        await _all(at_once)
        await asyncio.sleep(OFTEN)
        acts = [*self._often]
        if time.monotonic() >= self._hourly_at:
            self._hourly_at = time.monotonic() + HOURLY
            acts += self._hourly
        await _all(acts)


async def _all(acts: Sequence[Act]) -> None:
    """One that fails does not keep the others from theirs."""
    failed: list[Exception] = []
    for act in acts:
        try:
            await act()
        except Exception as why:
            failed.append(why)
    if failed:
        raise ExceptionGroup("upkeep", failed)


async def _purge(retention: Retention) -> None:
    with contextlib.suppress(Conflict):  # another node is at it
        gone = await retention.purge(by=Caller.upkeep())
        log.info("retention.applied", sessions=gone.sessions, events=gone.events, forgotten=gone.forgotten)
