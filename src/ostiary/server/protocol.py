"""uvicorn's HTTP protocol, with a bound on the head of a request: without it, an endless one would fill the memory."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAXIMUM_HEAD: Final = 64 * 1024  # bytes of request line and headers; `Limits` answers earlier, and in words

_ANSWER: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n"
    b"x-content-type-options: nosniff\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """Closes the connection of a client that does not come to the end of its headers."""

    _head = 0
    _in_head = False

    def data_received(self, data: bytes) -> None:
        """Read on, unless it has been enough."""
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > MAXIMUM_HEAD and not self.transport.is_closing():
                self.transport.write(_ANSWER)
                self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its headers are all there."""
        self._in_head = False
        super().on_headers_complete()
