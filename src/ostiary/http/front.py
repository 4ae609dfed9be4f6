"""HTTP/1.1 (RFC 9112) on a connection, by httptools' parser; answered directly where it is usual, by ASGI else.

uvicorn runs the process, its sockets and its stop, and makes one of these for each connection; nothing of its own
protocols is used (docs/decisions/0037). What holds on a connection:

* a head has an end, in bytes and in time; so has what is no body within a body;
* trailers are no headers (RFC 9110 6.5.1): a client could write there what every proxy takes away in front;
* requests are answered in their order, one at a time, and none after one that said it is the last.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, cast

import httptools
import structlog

from ostiary.http import wire
from ostiary.http.cycle import Cycle
from ostiary.http.direct import Answer, Direct, Inquiry
from ostiary.http.heads import is_host
from ostiary.http.limits import MAXIMUM_HEADERS
from ostiary.http.link import Link

MAXIMUM_HEAD: Final = 64 * 1024  # bytes of request line and headers; `Limits` answers earlier, and in words
MAXIMUM_BETWEEN: Final = 64 * 1024  # bytes that are no body in a body, in a row: extensions of a chunk, trailers
HEAD_TIMEOUT: Final = 20  # seconds from its first byte, or from the opening of the connection

_NOTHING: Final[Mapping[bytes, Direct]] = {}
# A request with one of these has a body, or wants to talk about the connection first.
_UNUSUAL: Final = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})

log = structlog.get_logger("ostiary.http")


class Front(Link):
    """Reads requests from a connection, and has them answered."""

    _parser: Any = None  # httptools says nothing of its types
    _direct: Mapping[bytes, Direct] = _NOTHING

    # Of the request that is read.
    _url = b""
    _headers: list[tuple[bytes, bytes]]
    _piece = 0  # bytes that came last
    _in_head = False
    _head = 0  # bytes of a head that came in pieces before this one; negative behind another request in this one
    _waits_for_head = False
    _in_body = False
    _between = 0  # bytes since the last one that was body
    _is_last = False  # no request after the one that was read last is answered

    # In the order of their answers: the one under way, those that wait (one read last among them), and the end.
    _current: Cycle | Inquiry | None = None
    _waiting: deque[Cycle]
    _latest: Cycle | Inquiry | None = None
    _refusal: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request, and see what is answered here: not everything on every address."""
        super().connection_made(transport)
        self._headers, self._waiting = [], deque()
        self._parser = httptools.HttpRequestParser(self)
        door = getattr(self._app, "metrics_door", None)
        if door is None or not door.is_of(self._server):
            self._direct = getattr(self._app, "direct", _NOTHING)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever is still at work for it."""
        super().connection_lost(exc)
        self._is_last = True
        self._in_head = self._in_body = False
        self._parser = None
        self._waiting.clear()
        if isinstance(self._current, Cycle):
            self._current.disconnect()

    def shutdown(self) -> None:
        """The server stops: what was read is still answered, and then the connection closed."""
        self._is_last = True
        if self._current is None or self._latest is None:
            self.close()
        else:
            self._latest.keep_alive = False

    # Reading. Nearly every head comes in one piece, and then nothing of it has to be counted or timed.

    def data_received(self, data: bytes) -> None:
        """Read on, unless it has been enough."""
        if self._is_last and not self._in_body:
            return
        self._piece = len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._failed(error)
        if self._in_head:
            self._count_head()
            return
        self._head = 0
        if self._in_body:
            self._count_body()

    def _stay(self, rest: bytes) -> None:
        """An upgrade is not taken up: the next request is as good as any, but its parser reads no more."""
        while True:
            self._parser = httptools.HttpRequestParser(self)
            try:
                if rest and not self._is_last:
                    self._parser.feed_data(rest)
                return
            except httptools.HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]
            except httptools.HttpParserError as error:
                self._failed(error)
                return

    def _failed(self, error: httptools.HttpParserError) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):
            log.error("fault", exc_info=error)
            self._transport.abort()
        else:
            self._refuse(wire.in_words(self.beginning(400), wire.NOT_HTTP))

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head, self._url, self._headers = True, b"", []

    def on_url(self, url: bytes) -> None:
        """A part of what it asks for."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; or a trailer, which is none."""
        if self._in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Its head is all there: ask at once, or begin an ordinary request."""
        self._in_head = self._waits_for_head = False
        if self._is_last:
            return
        self._patience.stop()
        asked = self._direct.get(self._url)
        if asked is None or not self._ask(asked):
            self._begin()

    def on_chunk_header(self) -> None:
        """A chunk begins, perhaps the last one, which has no body."""
        self._between = -self._piece  # with all that came in this piece

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._between = -self._piece
        if self._in_body:
            cast("Cycle", self._latest).feed(body)

    def on_message_complete(self) -> None:
        """All of the request is there. What of this piece belongs to the next one is not counted."""
        self._head = -self._piece
        if self._in_body:
            self._in_body = False
            cast("Cycle", self._latest).end()

    def _ask(self, asked: Direct) -> bool:
        """False if the request has to go the plain way."""
        parser = self._parser
        if self._current is not None or self.is_full or not 0 <= self._head <= MAXIMUM_HEADERS - self._piece:
            return False
        if parser.get_method() != b"GET" or not parser.should_keep_alive() or parser.get_http_version() != "1.1":
            return False
        named = dict(self._headers)
        # A name that was sent twice is nothing usual; without those, the mapping says all that the list does.
        if len(named) != len(self._headers) or not _UNUSUAL.isdisjoint(named) or not is_host(named.get(b"host")):
            return False
        if not self._app.is_open:
            return False
        self._current = self._latest = inquiry = Inquiry(self, self._url, self._headers, named)
        if asked.ask(inquiry):
            return True
        self._current = None
        return False

    def _begin(self) -> None:
        method, version = self._parser.get_method().decode("ascii"), self._parser.get_http_version()
        try:
            scope = self.scope_of(method, self._url, self._headers, version)
        except ValueError:
            self._refuse(wire.in_words(self.beginning(400), wire.NOT_HTTP))
            return
        keep_alive = version != "1.0" and self._parser.should_keep_alive()
        expects = dict(self._headers).get(b"expect", b"").lower() == b"100-continue"
        self._latest = cycle = Cycle(self, scope, keep_alive=keep_alive, expects_continue=expects)
        self._is_last, self._in_body, self._between = not keep_alive, True, 0
        if self._current is None:
            self._start(cycle)
        else:
            self._waiting.append(cycle)
            self.pause_reading()

    def _count_head(self) -> None:
        self._head += self._piece
        if self._head > MAXIMUM_HEAD:
            self._refuse(wire.TOO_LARGE)
        elif not self._waits_for_head and self._current is None:
            self._wait_for_head()

    def _count_body(self) -> None:
        self._between += self._piece
        if self._between > MAXIMUM_BETWEEN:
            self._transport.abort()

    def _wait_for_head(self) -> None:
        self._waits_for_head = True
        self._patience.wait(HEAD_TIMEOUT, self.close)

    # Answering.

    def _start(self, cycle: Cycle) -> None:
        self._current = cycle
        task = self._loop.create_task(cycle.run(self._app))
        tasks = self._server_state.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def answered(self, inquiry: Inquiry, answer: Answer | None) -> None:
        """As `direct.Connection`."""
        if self._transport.is_closing():
            self._current = None
        elif answer is None:
            scope = inquiry.scope
            cycle = Cycle(self, scope, keep_alive=inquiry.keep_alive, expects_continue=False)
            cycle.end()
            if self._latest is inquiry:
                self._latest = cycle
            self._start(cycle)
        else:
            end = b"\r\n" if inquiry.keep_alive else wire.CLOSE + b"\r\n"
            request_id = inquiry.request_id.encode()
            self._transport.write(
                b"".join((self.beginning(answer.status), answer.before, request_id, answer.after, end, answer.body))
            )
            self.finished(inquiry)

    def finished(self, done: Cycle | Inquiry) -> None:
        """As `cycle.Connection`."""
        self._server_state.total_requests += 1
        self._current = None
        if self._transport.is_closing():
            return
        if not done.keep_alive:
            self.close()
        elif self._waiting:
            self._start(self._waiting.popleft())
        elif self._refusal is not None:
            self._say(self._refusal)
        else:
            self.resume_reading()
            if self._in_head:
                self._wait_for_head()
            else:
                self._patience.wait(self._keep_alive, self.close)

    def broken(self) -> None:
        """As `cycle.Connection`."""
        self._transport.close()

    def _refuse(self, refusal: bytes) -> None:
        """Nothing more can be read. To say so comes after the answers that are due."""
        if self._is_last and not self._in_body:
            return  # it came behind the last request, and is nobody's
        broken = self._latest if self._in_body else None
        self._is_last, self._in_head, self._in_body, self._refusal = True, False, False, refusal
        if isinstance(broken, Cycle) and not broken.is_answered:
            broken.disconnect()
            if broken is not self._current:
                self._waiting.remove(broken)
            elif broken.is_begun:
                self.broken()
            else:
                self._say(refusal)
        elif self._current is None:
            self._say(refusal)

    def _say(self, refusal: bytes) -> None:
        self._transport.write(refusal)
        self.close()
