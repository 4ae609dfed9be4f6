"""One request and its answer by ASGI 3 (https://asgi.readthedocs.io/en/latest/specs/www.html, version 2.3)."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

import structlog

from ostiary.http import wire
from ostiary.http.asgi import ASGIApp, Message, Scope

HIGH_WATER: Final = 64 * 1024  # bytes of a body that nobody has read, beyond which no more is taken in

log = structlog.get_logger("ostiary.http")


class Connection(Protocol):
    """What a cycle needs of where its request came in.

    Attributes:
        is_full: whether the client has still to read what was written.
    """

    is_full: bool

    def beginning(self, status: int) -> bytes:
        """Status line and common headers."""

    def write(self, data: bytes) -> None:
        """Send it on."""

    async def drain(self) -> None:
        """Return when there is room again, or nobody to write to."""

    def pause_reading(self) -> None:
        """Take in no more."""

    def resume_reading(self) -> None:
        """Take in more."""

    def finished(self, cycle: Cycle) -> None:
        """Its answer is written: it is the next one's turn."""

    def broken(self) -> None:
        """An answer broke off, and to close the connection is the one way to say so."""


class Cycle:
    """One request.

    Attributes:
        keep_alive: whether another request may follow on its connection.
        is_answered: whether all of its answer was written.
        is_whole: whether all of its body has come.
    """

    def __init__(self, connection: Connection, scope: Scope, *, keep_alive: bool, expects_continue: bool) -> None:
        """Of a request whose head was read."""
        self.scope = scope
        self.keep_alive = keep_alive
        self.is_answered = False
        self.is_whole = False
        self._connection = connection
        self._expects_continue = expects_continue
        self._body = bytearray()
        self._is_read = False  # to the end
        self._is_disconnected = False
        self._news: asyncio.Event | None = None  # where somebody waits in `receive`
        self._head: bytes | None = None  # of the answer; empty once it was sent
        self._is_chunked = False
        self._left = 0  # bytes of the answer's body that are due, unless it is chunked

    async def run(self, app: ASGIApp) -> None:
        """Have the application answer. Whatever it does wrong, the client is not left waiting."""
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException as error:
            log.error("fault", exc_info=error)
            self._fail()
            if not isinstance(error, Exception):
                raise
        else:
            if not self.is_answered and not self._is_disconnected:
                log.error("fault", why="the application returned before it had answered")
                self._fail()

    @property
    def is_begun(self) -> bool:
        """Whether its answer has begun."""
        return self._head is not None

    def feed(self, body: bytes) -> None:
        """A part of its body came. What comes after its answer is of no use to anybody."""
        if self.is_answered:
            return
        self._body += body
        if len(self._body) > HIGH_WATER:
            self._connection.pause_reading()
        self._tell()

    def end(self) -> None:
        """All of its body is there."""
        self.is_whole = True
        self._tell()

    def disconnect(self) -> None:
        """The client has gone."""
        self._is_disconnected = True
        self._tell()

    async def receive(self) -> Message:
        """As ASGI has it."""
        if self._expects_continue:
            self._expects_continue = False
            self._connection.write(wire.CONTINUE)
        while not self._has_news():
            if not self.is_whole:
                self._connection.resume_reading()
            self._news = self._news or asyncio.Event()
            self._news.clear()
            await self._news.wait()
        if self._is_disconnected or self.is_answered:
            return {"type": "http.disconnect"}
        body, self._body = bytes(self._body), bytearray()
        self._is_read = self.is_whole
        return {"type": "http.request", "body": body, "more_body": not self.is_whole}

    async def send(self, message: Message) -> None:
        """As ASGI has it.

        Raises:
            RuntimeError: not the message that is due, or a body of another length than was said.
            ValueError: a header that none can be.
        """
        if self._connection.is_full:
            await self._connection.drain()
        if self._is_disconnected:
            return
        kind = message["type"]
        if self._head is None and kind == "http.response.start":
            self._begin(message["status"], message.get("headers", ()))
        elif self._head is not None and not self.is_answered and kind == "http.response.body":
            self._go_on(message.get("body", b""), is_last=not message.get("more_body", False))
        else:
            raise RuntimeError(f"the message {kind} is not due")

    def _has_news(self) -> bool:
        if self._is_disconnected or self.is_answered or self._body:
            return True
        return self.is_whole and not self._is_read

    def _tell(self) -> None:
        if self._news is not None:
            self._news.set()

    def _begin(self, status: int, headers: Any) -> None:
        sent = [(name.lower(), value) for name, value in headers]
        named = dict(sent)
        rest = wire.lines(sent)
        if b"connection" in named and b"close" in named[b"connection"].lower().replace(b" ", b"").split(b","):
            self.keep_alive = False
        elif not self.keep_alive:
            rest += wire.CLOSE
        length, coding = named.get(b"content-length"), named.get(b"transfer-encoding")
        if self._has_body(status):
            self._is_chunked = length is None
            self._left = int(length or 0)
            if length is None and coding is None:
                rest += wire.CHUNKED
        self._expects_continue = False
        self._head = b"".join((self._connection.beginning(status), rest, b"\r\n"))
        if length is None:  # of a stream: its first part may take its time
            self._write(b"")

    def _has_body(self, status: int) -> bool:
        return self.scope["method"] != "HEAD" and status not in wire.WITHOUT_BODY

    def _go_on(self, body: bytes, *, is_last: bool) -> None:
        if self.scope["method"] == "HEAD":
            self._write(b"")
        elif self._is_chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self._write(chunk + wire.LAST_CHUNK if is_last else chunk)
        else:
            self._left -= len(body)
            if self._left < 0 or (is_last and self._left):
                raise RuntimeError("the body is not as long as Content-Length said")
            self._write(body)
        if is_last:
            self.is_answered = True
            self._tell()
            self._connection.finished(self)

    def _write(self, data: bytes) -> None:
        """With the head, if that was not sent yet: one piece is sooner sent than two."""
        if self._head:
            data, self._head = self._head + data, b""
        if data:
            self._connection.write(data)

    def _fail(self) -> None:
        if self._is_disconnected or self.is_answered:
            return
        if self._head == b"":
            self._connection.broken()
            return
        self.is_answered, self.keep_alive = True, False
        self._connection.write(wire.in_words(self._connection.beginning(500), wire.FAULT, has_body=self._has_body(500)))
        self._connection.finished(self)
