"""Questions to the store that travel together (rule 3).

A question joins only a query that has not been sent yet. So the query that answers it was sent after it began, and
whatever was committed before it began, a revocation above all, is seen by it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Final, Generic, TypeAlias, TypeVar

from ostiary.storage.callbacks import failed

T = TypeVar("T")
Deliver: TypeAlias = Callable[[T | None, BaseException | None], None]  # a row or None, or why there is no answer

MAXIMUM_BATCH: Final = 512  # ids in one query
FEW: Final = 16  # ids that are not halved: what a query costs beside its rows is felt below it (docs/decisions/0001)

AT_ONCE: Final = 0.005  # seconds in which answers are given without a turn for others


class Batch(Generic[T]):
    """Gathers the questions that arrive while the queries before them are under way, and sends them as one."""

    def __init__(
        self,
        ask: Callable[[Sequence[str]], Mapping[str, T] | Awaitable[Mapping[str, T]]],
        lanes: int,
        size: int = MAXIMUM_BATCH,
    ) -> None:
        """`ask` reads by id; `lanes` is how many queries may be under way at once, `size` how many ids in each."""
        self._ask = ask
        self._size = size
        self._lanes = self._free = lanes
        self._waiting: dict[str, list[Deliver[T]]] = {}
        self._scheduled = False

    def get(self, key: str) -> asyncio.Future[T | None]:
        """The row of that id, or None, from a query that is sent after this call."""
        answer: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self.ask(key, partial(_settle, answer))
        return answer

    def ask(self, key: str, deliver: Deliver[T]) -> None:
        """As `get`, by a callback. It is called once, never from within this call; what it raises harms nobody else."""
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = [deliver]
        else:
            waiting.append(deliver)
        if self._free and not self._scheduled:
            # Not at once: whatever else arrived in this turn of the event loop joins.
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        self._scheduled = False
        while self._waiting and self._free:
            batch = self._take()
            try:
                rows = self._ask(list(batch))
            except Exception as error:
                _fail(batch, error)
                continue
            if isinstance(rows, Mapping):
                _deliver(batch, rows)
            else:
                self._free -= 1
                task = asyncio.ensure_future(rows)
                task.add_done_callback(partial(self._arrived, batch))

    def _take(self) -> dict[str, list[Deliver[T]]]:
        size = self._size
        if self._lanes > 1:
            # Half of them: the other half goes by the next lane. If all went as one, the store, this process and those
            # who ask would work by turns, and wait for each other (docs/decisions/0001).
            size = min(size, max(FEW, len(self._waiting) // 2))
        if len(self._waiting) <= size:
            batch, self._waiting = self._waiting, {}
            return batch
        return {key: self._waiting.pop(key) for key in list(islice(self._waiting, size))}

    def _arrived(self, batch: dict[str, list[Deliver[T]]], done: asyncio.Future[Mapping[str, T]]) -> None:
        self._free += 1
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        if self._waiting and not self._scheduled:
            self._send()  # before the answers: the store works on while they are written
        if error is not None:
            _fail(batch, error)
        else:
            _deliver(batch, done.result())


def _deliver(batch: Mapping[str, list[Deliver[T]]], rows: Mapping[str, T]) -> None:
    _tell((deliver, rows.get(key), None) for key, askers in batch.items() for deliver in askers)


def _fail(batch: Mapping[str, list[Deliver[T]]], error: BaseException) -> None:
    _tell((deliver, None, error) for askers in batch.values() for deliver in askers)


def _tell(answers: Iterator[tuple[Deliver[T], T | None, BaseException | None]]) -> None:
    """Give these answers, and after some time leave the others for the next turn of the event loop."""
    ends_at = time.perf_counter() + AT_ONCE
    for deliver, row, error in answers:
        try:
            deliver(row, error)
        except Exception:  # one that raises leaves nobody else waiting
            failed()
        if time.perf_counter() > ends_at:
            asyncio.get_running_loop().call_soon(_tell, answers)
            return


def _settle(answer: asyncio.Future[T | None], row: T | None, error: BaseException | None) -> None:
    if answer.done():  # its asker has gone
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(row)
