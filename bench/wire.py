"""HTTP requests as bytes, a blocking client to check answers with, and a driver for what wrk cannot do.

The driver is for work whose next request depends on the last answer (a refresh), that can be done only once (a
revocation), or that comes at a fixed rate whatever the answers do. It runs on the load's cores, in this process.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import uvloop

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.I)
PATIENCE = 120  # seconds for one answer: a server that comes up on a busy machine
Address = tuple[str, int]


def request(method: str, path: str, *, body: bytes = b"", **headers: str) -> bytes:
    """One request; header names are given with underscores."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: wrk"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@dataclass
class Answer:
    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        found = re.search(rb"\r\n" + name.encode() + rb": *([^\r]*)", self.head, re.I)
        return found[1].decode() if found else ""


def take(buffer: bytearray) -> Answer | None:
    """The first answer in a buffer, taken out of it; None while it is not all there."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(buffer[:end])
    begin = end + 4
    status = int(head[9:12])
    if CHUNKED.search(head):
        body = b""
        while True:
            line = buffer.find(b"\r\n", begin)
            if line < 0:
                return None
            size = int(buffer[begin:line].split(b";")[0], 16)
            if len(buffer) < line + 4 + size:
                return None
            body += buffer[line + 2 : line + 2 + size]
            begin = line + 4 + size
            if size == 0:
                break
        del buffer[:begin]
        return Answer(status, head, body)
    found = LENGTH.search(head)
    length = int(found[1]) if found and status not in (204, 304) else 0
    if len(buffer) < begin + length:
        return None
    body = bytes(buffer[begin : begin + length])
    del buffer[: begin + length]
    return Answer(status, head, body)


class Client:
    """One keep-alive connection that asks and waits."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._wire = socket.create_connection(address, timeout=PATIENCE)
        self._buffer = bytearray()

    def ask(self, sent: bytes) -> Answer:
        try:
            return self._ask(sent)
        except (ConnectionError, BrokenPipeError):  # the server kept this connection no longer
            self.close()
            self._wire, self._buffer = socket.create_connection(self._address, timeout=PATIENCE), bytearray()
            return self._ask(sent)

    def _ask(self, sent: bytes) -> Answer:
        self._wire.sendall(sent)
        while (answer := take(self._buffer)) is None:
            if not (piece := self._wire.recv(65536)):
                raise ConnectionError
            self._buffer += piece
        return answer

    def close(self) -> None:
        self._wire.close()


@dataclass
class Measured:
    """One round."""

    rps: float
    p50_ms: float
    p99_ms: float
    requests: int
    wrong: int = 0
    seconds: float = 0.0


Script = Callable[[Answer | None], bytes | None]  # from the last answer to the next request; None: no more


@dataclass
class _State:
    times: list[float] = field(default_factory=list)
    wrong: int = 0
    first_wrong: str = ""


class _Connection(asyncio.Protocol):
    def __init__(self, script: Script, right: Callable[[Answer], bool], state: _State, until: float) -> None:
        self._script, self._right, self._state, self._until = script, right, state, until
        self._buffer = bytearray()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next(None)

    def _next(self, answer: Answer | None) -> None:
        sent = self._script(answer)  # the last answer, too: the next round may go on from it
        if sent is None or time.perf_counter() >= self._until:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._began = time.perf_counter()
        self._transport.write(sent)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if (answer := take(self._buffer)) is not None:
            self._state.times.append(time.perf_counter() - self._began)
            if not self._right(answer):
                self._state.wrong += 1
                self._state.first_wrong = self._state.first_wrong or f"{answer.status} {answer.body[:150]!r}"
            self._next(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._state.wrong += 1
            self.done.set_result(None)


def drive(address: Address, scripts: Iterable[Script], seconds: float, right: Callable[[Answer], bool]) -> Measured:
    """Each script on a connection of its own, each as fast as it is answered."""

    async def run() -> Measured:
        loop, state = asyncio.get_running_loop(), _State()
        began = time.perf_counter()
        until = began + seconds
        made = [
            (await loop.create_connection(lambda s=s: _Connection(s, right, state, until), *address))[1]  # type: ignore[misc]
            for s in scripts
        ]
        await asyncio.gather(*(one.done for one in made))
        return _measured(state.times, time.perf_counter() - began, state.wrong)

    return uvloop.run(run())


def at_rate(address: Address, requests: list[bytes], rate: float, seconds: float, connections: int = 64) -> Measured:
    """Requests at a fixed rate, timed from when they were due: a server that stalls is not waited for in silence."""

    async def run() -> Measured:
        loop, state = asyncio.get_running_loop(), _State()
        idle: list[_Paced] = []
        waiting: list[float] = []
        for _ in range(connections):
            await loop.create_connection(lambda: _Paced(idle, waiting, requests, state), *address)
        began = time.perf_counter()
        sent = 0
        while (now := time.perf_counter()) < began + seconds:
            due = int((now - began) * rate)
            for number in range(sent, due):
                moment = began + number / rate
                if idle:
                    idle.pop().send(requests[number % len(requests)], moment)
                else:
                    waiting.append(moment)
            sent = due
            await asyncio.sleep(0.0005)
        await asyncio.sleep(0.2)
        return _measured(state.times, seconds, state.wrong)

    return uvloop.run(run())


class _Paced(asyncio.Protocol):
    def __init__(self, idle: list[_Paced], waiting: list[float], requests: list[bytes], state: _State) -> None:
        self._idle, self._waiting, self._requests, self._state = idle, waiting, requests, state
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._idle.append(self)

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if (answer := take(self._buffer)) is not None:
            self._state.times.append(time.perf_counter() - self._due)
            self._state.wrong += answer.status != 200
            if self._waiting:
                self.send(self._requests[len(self._state.times) % len(self._requests)], self._waiting.pop(0))
            else:
                self._idle.append(self)


def _measured(times: list[float], seconds: float, wrong: int) -> Measured:
    if not times:
        return Measured(0, 0, 0, 0, wrong, seconds)
    p99 = statistics.quantiles(times, n=100)[98] if len(times) > 1 else times[0]
    return Measured(len(times) / seconds, statistics.median(times) * 1000, p99 * 1000, len(times), wrong, seconds)


def each_once(requests: Iterator[bytes]) -> Script:
    """From one supply that all connections share, each request once."""
    return lambda _: next(requests, None)
