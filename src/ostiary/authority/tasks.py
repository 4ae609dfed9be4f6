"""What a process does by itself, in one kind of loop that survives: it logs what goes wrong, waits, and goes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from ostiary.errors import StoreUnavailable
from ostiary.storage.callbacks import call_all

BACK_OFF: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds after each failure in a row

log = structlog.get_logger(__name__)


class Tasks:
    """The tasks of one process.

    Attributes:
        failing: those whose last step failed, and how many in a row.
        changed: called with the name of a task, and its failures in a row, whenever a step fails or one succeeds again.
    """

    def __init__(self) -> None:
        """Nothing runs yet."""
        self.failing: dict[str, int] = {}
        self.changed: list[Callable[[str, int], None]] = []
        self._running: dict[str, asyncio.Task[None]] = {}

    def begin(self, name: str, step: Callable[[], Awaitable[object]], *, back_off: Sequence[float] = ()) -> None:
        """Take a step again and again from now on, until `stop` or until it says False; nothing if it runs already.

        Args:
            name: for the log and the metrics.
            step: waits until there is something to do, and does it. What it raises is no end of it.
            back_off: seconds to wait after each failure in a row, the last after all further ones; else `BACK_OFF`.
        """
        if not self.is_running(name):
            self._running[name] = asyncio.create_task(
                self._run(name, step, back_off or BACK_OFF), name=f"ostiary-{name}"
            )

    def is_running(self, name: str) -> bool:
        """Whether it has begun, and is neither done nor stopped."""
        task = self._running.get(name)
        return task is not None and not task.done()

    def went_well(self, name: str) -> None:
        """Say so in the middle of a step that takes long."""
        if self.failing.pop(name, 0):
            call_all(self.changed, name, 0)

    async def stop(self, *names: str) -> None:
        """Stop these, in the middle of a step if need be."""
        stopped = [task for name in names if (task := self._running.pop(name, None)) is not None]
        for task in stopped:
            task.cancel()
        await asyncio.gather(*stopped, return_exceptions=True)

    async def _run(self, name: str, step: Callable[[], Awaitable[object]], back_off: Sequence[float]) -> None:
        while True:
            try:
                if await step() is False:
                    return
                self.went_well(name)
                await asyncio.sleep(0)
            except asyncio.CancelledError as why:
                current = asyncio.current_task()
                if current is None or current.cancelling():
                    raise
                failures = self._failed(name, why)  # not this task was cancelled, but what it waited for
            except Exception as why:
                failures = self._failed(name, why)
            else:
                continue
            await asyncio.sleep(back_off[min(failures, len(back_off)) - 1])

    def _failed(self, name: str, why: BaseException) -> int:
        failures = self.failing[name] = self.failing.get(name, 0) + 1
        call_all(self.changed, name, failures)
        with contextlib.suppress(Exception):  # a log that cannot be written ends nothing
            if _is_outage(why):
                log.warning("task.away", task=name, failures=failures, cause=_cause(why))
            else:
                log.error("task.failed", task=name, failures=failures, exc_info=why)
        return failures


def _is_outage(why: BaseException) -> bool:
    if isinstance(why, ExceptionGroup):
        return all(_is_outage(one) for one in why.exceptions)
    return isinstance(why, StoreUnavailable | OSError)


def _cause(why: BaseException) -> str:
    if isinstance(why, ExceptionGroup):
        return _cause(why.exceptions[0])
    return (why.cause if isinstance(why, StoreUnavailable) else None) or type(why).__name__
