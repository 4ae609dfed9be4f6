"""One authority, one holder: operations asked over connections that are kept."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing
from typing import TypeVar

import anyio
import httpx2

from ostiary.contract.calling import Awaiting, Blocking, Incoming
from ostiary.contract.operation import Operation, Stream, Takes
from ostiary.sdk.answers import refusal, unusable
from ostiary.sdk.conversation import Outcome, Pause, conversation, unreachable
from ostiary.sdk.events import EventReader
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

    def follow(self, stream: Stream[..., A, T], asked: A, request: Incoming | None = None) -> Iterator[T]:
        """As `Blocking.follow`. Nothing is asked again: whoever follows knows from where."""
        sent = self.terms.request(stream, asked, self.holder if request is None else holder_of(request))
        events = EventReader(stream.reads)
        try:
            with closing(self.http.send(sent, stream=True, auth=None, follow_redirects=False)) as response:
                if response.status_code != httpx2.codes.OK:
                    response.read()
                    raise refusal(response)
                for chunk in response.iter_bytes():
                    yield from events.read(chunk)
        except httpx2.RequestError as failure:
            raise unreachable(sent, failure) from failure
        except ValueError:
            raise unusable(sent) from None

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

    async def follow(
        self, stream: Stream[..., A, T], asked: A, request: Incoming | None = None
    ) -> AsyncGenerator[T, None]:
        """As `Awaiting.follow`. Nothing is asked again: whoever follows knows from where."""
        sent = self.terms.request(stream, asked, self.holder if request is None else holder_of(request))
        events = EventReader(stream.reads)
        try:
            response = await self.http.send(sent, stream=True, auth=None, follow_redirects=False)
            try:
                if response.status_code != httpx2.codes.OK:
                    await response.aread()
                    raise refusal(response)
                async for chunk in response.aiter_bytes():
                    for told in events.read(chunk):
                        yield told
            finally:
                await response.aclose()
        except httpx2.RequestError as failure:
            raise unreachable(sent, failure) from failure
        except ValueError:
            raise unusable(sent) from None

    async def _take(self, step: httpx2.Request | Pause) -> Outcome | None:
        if isinstance(step, Pause):
            await anyio.sleep(step.seconds)
            return None
        try:
            return await self.http.send(step, auth=None, follow_redirects=False)
        except httpx2.RequestError as failure:
            return failure
