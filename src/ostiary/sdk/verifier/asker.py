"""Verifications asked of the authority, in batches that gather while the requests before them are in flight.

A question joins only a request that has not been sent yet: what was committed before it was asked is in its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ostiary.contract.verifications import Credential, Found, Verifications
from ostiary.sdk.verifier.failures import CannotProve
from ostiary.sdk.verifier.knowledge import Knowledge, Question

MAXIMUM_BATCH: Final = 200  # credentials in one request
MAXIMUM_WAITING: Final = 10_000  # beyond it the authority is far behind: refuse at once
MAXIMUM_REQUESTS: Final = 4  # in flight at once


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, with the question that it answers, and the server's clock at that time."""

    answer: Found
    question: Question
    now: datetime


class Asker:
    """Asks, in batches."""

    def __init__(
        self,
        send: Callable[[Sequence[Credential]], Awaitable[Verifications]],
        knowledge: Knowledge,
        clock: Callable[[], float],
    ) -> None:
        """`send` asks the authority."""
        self._send = send
        self._knowledge = knowledge
        self._clock = clock
        self._waiting: dict[tuple[str, bool], tuple[Credential, asyncio.Future[Answered]]] = {}
        self._free = MAXIMUM_REQUESTS
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_scheduled = False

    async def ask(self, asked: Credential) -> Answered:
        """The authority's answer to a question that is sent after this call.

        Raises:
            CannotProve: there is none.
        """
        loop = asyncio.get_running_loop()
        key = asked.token, asked.is_use
        if key not in self._waiting:
            if len(self._waiting) >= MAXIMUM_WAITING:
                raise CannotProve("too many credentials wait to be asked about")
            self._waiting[key] = asked, loop.create_future()
        future = self._waiting[key][1]
        if self._free and not self._is_scheduled:
            self._is_scheduled = True
            loop.call_soon(self._begin)  # not at once: whatever else comes in this turn of the loop joins
        return await asyncio.shield(future)

    def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()

    def _begin(self) -> None:
        self._is_scheduled = False
        while self._waiting and self._free:
            keys = list(self._waiting)[:MAXIMUM_BATCH]
            batch = [self._waiting.pop(key) for key in keys]
            self._free -= 1
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._free += 1
        if not task.cancelled():
            self._begin()

    async def _run(self, batch: Sequence[tuple[Credential, asyncio.Future[Answered]]]) -> None:
        question = self._knowledge.ask(self._clock())
        try:
            found = await self._send([asked for asked, _ in batch])
        except BaseException as why:
            failure = why if isinstance(why, CannotProve) else CannotProve("the question was given up")
            for _, future in batch:
                if not future.done():
                    future.set_exception(failure)
                    future.exception()  # retrieved, should nobody wait for it any more
            if not isinstance(why, Exception):
                raise
            return
        for (_, future), answer in zip(batch, found.answers, strict=True):
            if not future.done():
                future.set_result(Answered(answer, question, found.now))
