"""The answer to one HTTP request, read piece by piece and bounded."""

from __future__ import annotations

from typing import Final

from httptools import HttpParserError, HttpResponseParser

MAXIMUM_HEAD: Final = 64 * 1024  # bytes of status line and headers
MAXIMUM_HEADERS: Final = 100
MAXIMUM_BODY: Final = 16 * 1024 * 1024  # bytes; ten thousand sessions take about six million


class TooLarge(Exception):
    """A body of more than `MAXIMUM_BODY`."""


class Response:
    """What has come so far.

    Attributes:
        status: 0 before the head is complete.
        headers: by lower-case names; the last one counts.
        is_complete: True if the answer itself said where it ends, and has ended.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_complete = False
        self._parts: list[bytes] = []
        self._size = 0
        self._head = 0
        self._count = 0
        self._parser = HttpResponseParser(self)

    @property
    def body(self) -> bytes:
        """As far as it has come."""
        return b"".join(self._parts)

    @property
    def ends_with_the_connection(self) -> bool:
        """True if only the end of the connection says where the body ends (RFC 9112 6.3)."""
        return self.status > 0 and not {"content-length", "transfer-encoding"} & self.headers.keys()

    def feed(self, data: bytes) -> None:
        """Read on.

        Raises:
            TooLarge: the body is.
            HttpParserError: it is no HTTP, or has a head that no server of ours would send.
        """
        if not self.status:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            if not self.is_complete:
                raise
        if (not self.status and self._head > MAXIMUM_HEAD) or self._count > MAXIMUM_HEADERS:
            raise HttpParserError("the head is too large")
        if self._size > MAXIMUM_BODY:
            raise TooLarge

    # What the parser calls. One answer was asked for: whatever comes behind it is not read.

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count += 1
        if self._count <= MAXIMUM_HEADERS and not self.is_complete:
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self.is_complete:
            return
        if status >= 200:
            self.status = status
        else:
            self.headers.clear()  # an interim answer: the one that counts comes after it (RFC 9110 15.2)

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= MAXIMUM_BODY and not self.is_complete:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        self.is_complete = self.status > 0
