"""One authority, one holder: operations asked over connections that are kept."""

from __future__ import annotations

import time
from typing import TypeVar

import anyio
import httpx2

from ostiary.contract.calling import Awaiting, Blocking, Incoming
from ostiary.contract.operation import Operation, Takes
from ostiary.sdk.conversation import Outcome, Pause, conversation
from ostiary.sdk.incoming import Holder, holder_of
from ostiary.sdk.terms import Terms

A = TypeVar("A", bound=Takes)
T = TypeVar("T")


class BlockingWire(Blocking):
    """Sends and waits."""

    def __init__(self, terms: Terms, http: httpx2.Client, holder: Holder) -> None:
        """`http` keeps the connections, and may be shared by many holders and threads."""
        self.terms = terms
        self.http = http
        self.holder = holder

    def ask(self, operation: Operation[..., A, T], asked: A, request: Incoming | None = None) -> T:
        """As `Blocking.ask`; without a request for this holder."""
        holder = self.holder if request is None else holder_of(request)
        steps = conversation(operation, self.terms.request(operation, asked, holder), self.terms.retries)
        step = next(steps)
        while True:
            try:
                step = steps.send(self._take(step))
            except StopIteration as done:
                result: T = done.value
                return result

    def _take(self, step: httpx2.Request | Pause) -> Outcome | None:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            return self.http.send(step, auth=None, follow_redirects=False)
        except httpx2.RequestError as failure:
            return failure


class AwaitingWire(Awaiting):
    """Sends and awaits."""

    def __init__(self, terms: Terms, http: httpx2.AsyncClient, holder: Holder) -> None:
        """`http` keeps the connections, and may be shared by many holders and tasks."""
        self.terms = terms
        self.http = http
        self.holder = holder

    async def ask(self, operation: Operation[..., A, T], asked: A, request: Incoming | None = None) -> T:
        """As `Awaiting.ask`; without a request for this holder."""
        holder = self.holder if request is None else holder_of(request)
        steps = conversation(operation, self.terms.request(operation, asked, holder), self.terms.retries)
        step = next(steps)
        while True:
            try:
                step = steps.send(await self._take(step))
            except StopIteration as done:
                result: T = done.value
                return result

    async def _take(self, step: httpx2.Request | Pause) -> Outcome | None:
        if isinstance(step, Pause):
            await anyio.sleep(step.seconds)
            return None
        try:
            return await self.http.send(step, auth=None, follow_redirects=False)
        except httpx2.RequestError as failure:
            return failure
