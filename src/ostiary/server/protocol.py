"""uvicorn's HTTP protocol, with bounds on the head of a request, and on how long an answer waits to be read.

Without them, an endless head would fill the memory, and one that never ends would hold its connection for ever. And
what is no header is none here: uvicorn adds the trailers of a body to the headers of its request (RFC 9110 6.5.1), so
that a client could write behind its body what every proxy takes away in front of it.

It is built on parts of uvicorn that are not promised, so `pyproject.toml` allows only the versions that are tested;
tests/server/test_uvicorn.py names the parts.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ostiary.server.limits import MAXIMUM_HEADERS

MAXIMUM_HEAD: Final = 64 * 1024  # bytes of request line and headers; `Limits` answers earlier, and in words
MAXIMUM_BETWEEN: Final = 64 * 1024  # bytes that are no body in a body, in a row: extensions of a chunk, trailers
READ_TIMEOUT: Final = 30  # seconds that a client may take nothing of an answer that waits for it
HEAD_TIMEOUT: Final = 20  # seconds from its first byte, or from the opening of the connection

_ABSOLUTE: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?]*)")
_REFUSAL: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n"
    b"x-content-type-options: nosniff\r\n\r\n"
)


class Nowhere(list[tuple[bytes, bytes]]):
    """Where the trailers of a request go."""

    def append(self, header: tuple[bytes, bytes], /) -> None:
        """Keep nothing."""


NOWHERE: Final = Nowhere()


class BoundedProtocol(HttpToolsProtocol):
    """Closes the connection of a client that does not come to the end of its headers, or does not read."""

    _head = 0
    _in_head = False
    _in_body = False
    _between = 0  # bytes since the last one that was body
    _patience: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _idle_since: float | None = None
    _piece = 0  # bytes that were read last

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for the first request."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEAD_TIMEOUT, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._be_patient()
        self._is_read()
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def pause_writing(self) -> None:
        """The client takes nothing: a stream to it would hold its memory and its place for ever."""
        super().pause_writing()
        self._unread = self.loop.call_later(READ_TIMEOUT, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        self._is_read()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Read on, unless it has been enough. Nearly every head comes in one piece, and costs nothing here."""
        self._piece = len(data)
        super().data_received(data)
        if self._in_head:
            self._wait_for_head()
        elif self._in_body:
            self._wait_for_body()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its headers are all there."""
        if not self.url.startswith(b"/") or b"#" in self.url:
            self._read_target()
        super().on_headers_complete()
        self._in_body, self._between = True, 0
        self.head_ended()

    def head_ended(self) -> None:
        """What comes now is no head, and may take its time. Nor are its headers: they are trailers."""
        self._in_head = False
        self.headers = NOWHERE
        self._be_patient()

    def on_chunk_header(self) -> None:
        """A chunk begins, perhaps the last one, which has no body."""
        self._between = -self._piece  # with all that came in this piece

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._between = -self._piece
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of the request is there."""
        self._in_body = False
        super().on_message_complete()

    @property
    def head_is_short(self) -> bool:
        """True if the head, of which the last part came just now, is within every bound, counted in no more detail."""
        return self._head + self._piece <= MAXIMUM_HEADERS

    def _read_target(self) -> None:
        """Have an address in full say what is asked for, and not `Host` (RFC 9112 3.2.2); no address has a fragment."""
        self.url = self.url.replace(b"#", b"%23")  # which leads to nothing, as it should
        found = _ABSOLUTE.match(self.url)
        if found is not None:
            self.headers[:] = [header for header in self.headers if header[0] != b"host"]
            self.headers.append((b"host", found[1]))

    def _wait_for_head(self) -> None:
        if self.transport.is_closing():
            return
        if self._patience is None:
            self._patience = self.loop.call_later(HEAD_TIMEOUT, self.transport.close)
        self._head += self._piece
        if self._head > MAXIMUM_HEAD:
            self.transport.write(_REFUSAL)
            self.transport.close()

    def _wait_for_body(self) -> None:
        self._between += self._piece
        if self._between > MAXIMUM_BETWEEN:
            self.transport.abort()

    # An idle connection is closed after `timeout_keep_alive`, as uvicorn has it. But its clock, once set, runs on
    # through the requests that come, and looks at its end whether it is still meant: to stop one and set another with
    # every request took 2 us of 30 (bench/verify.py).

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait_idly(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def timeout_keep_alive_handler(self) -> None:
        """Close if nothing came since the last answer, for long enough."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return  # a request is under way; the end of its answer sets the clock anew
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._wait_idly(left)
        else:
            super().timeout_keep_alive_handler()

    def _wait_idly(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _is_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _be_patient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
