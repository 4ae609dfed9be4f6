"""When to ask again, decided without sending anything: blocking and async clients follow the same steps.

A request that never left is sent again. One whose answer is lost, or that was told 503 with `Retry-After`, is sent
again only if doing it twice is the same as doing it once. All of it is bounded in number and in time.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

import httpx2

from ostiary.contract.operation import Operation
from ostiary.sdk.answers import place_of, read, retry_after
from ostiary.sdk.failures import Unreachable

T = TypeVar("T")

MAXIMUM_PAUSE: Final = 5.0  # seconds that one pause may take; told to wait for longer, the caller is told instead
FIRST_PAUSE: Final = 0.1  # seconds, doubled each time, and anything from half of it to all of it


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds."""

    seconds: float


Outcome: TypeAlias = httpx2.Response | httpx2.RequestError
Steps: TypeAlias = Generator[httpx2.Request | Pause, Outcome | None, T]


def conversation(operation: Operation[..., Any, T], request: httpx2.Request, retries: int) -> Steps[T]:
    """Yield each request or pause, be sent its outcome, return the result: the retries, without input or output.

    Raises:
        OstiaryError: refused, as `answers.read`.
        Unreachable: no answer, and no more attempts.
    """
    for attempt in range(retries + 1):
        outcome = yield request
        if outcome is None:
            raise AssertionError("a request has an outcome")
        pause = _pause(operation, outcome, attempt) if attempt < retries else None
        if pause is None:
            return _result(operation, request, outcome)
        yield Pause(pause)
    raise AssertionError("unreachable")


def _pause(operation: Operation[..., Any, T], outcome: Outcome, attempt: int) -> float | None:
    """Seconds until the next attempt, or None if there is to be none."""
    backoff = FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1)  # noqa: S311  # to spread, not to hide
    if isinstance(outcome, httpx2.Response):
        told = retry_after(outcome) if outcome.status_code == 503 and operation.repeatable else None
        return None if told is None or told > MAXIMUM_PAUSE else max(told, backoff)
    return backoff if never_left(outcome) or (operation.repeatable and was_cut(outcome)) else None


def never_left(failure: httpx2.RequestError) -> bool:
    """True if nothing of the request reached the other side."""
    return isinstance(failure, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def was_cut(failure: httpx2.RequestError) -> bool:
    """True if the connection broke. A timeout is none: it took the caller's patience already."""
    return isinstance(failure, httpx2.NetworkError | httpx2.RemoteProtocolError)


def _result(operation: Operation[..., Any, T], request: httpx2.Request, outcome: Outcome) -> T:
    if isinstance(outcome, httpx2.Response):
        return read(operation, outcome)
    raise unreachable(request, outcome) from outcome


def unreachable(request: httpx2.Request, failure: httpx2.RequestError) -> Unreachable:
    """That there was no answer, and what is known all the same."""
    place = place_of(request)
    if isinstance(failure, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
        return Unreachable(f"{place}: the request cannot be sent")
    unknown = "" if never_left(failure) or request.method == "GET" else "; whether it was done is not known"
    why = "no answer in time" if isinstance(failure, httpx2.TimeoutException) else "no connection, or it was cut"
    return Unreachable(f"{place}: {why}{unknown}")
