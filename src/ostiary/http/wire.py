"""HTTP/1.1 as it is written: status lines, header lines, and what is said where nobody else can answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, TypeAlias

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE: Final = b"connection: close\r\n"
CHUNKED: Final = b"transfer-encoding: chunked\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"
WITHOUT_BODY: Final = frozenset({204, 304})  # and every answer to a HEAD (RFC 9112 6.3)

NOT_HTTP: Final = "Invalid HTTP request received."
FAULT: Final = "Internal Server Error"
TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n"
    b"x-content-type-options: nosniff\r\n\r\n"
)

_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
STATUS_LINES: Final = {code: f"HTTP/1.1 {code} {_PHRASES.get(code, '')}\r\n".encode() for code in range(100, 600)}

# What would end a name or a value early (RFC 9110 5.1, 5.5), in all of them at once.
_NOT_IN_NAMES: Final = re.compile(rb'[\x00-\x20\x7f()<>@,;:\[\]={}\\"]')
_NOT_IN_VALUES: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def lines(headers: Headers) -> bytes:
    """Headers as they are sent.

    Raises:
        ValueError: a name or a value that would be read as something else.
    """
    if _NOT_IN_NAMES.search(b"".join([name for name, _ in headers])):
        raise ValueError("no header has such a name")
    if _NOT_IN_VALUES.search(b"".join([value for _, value in headers])):
        raise ValueError("no header has such a value")
    return b"".join([b"%b: %b\r\n" % header for header in headers])


class Beginnings:
    """How an answer begins: its status, and the headers that the server replaces by others once a second (`Date`)."""

    def __init__(self) -> None:
        """Made when they are asked for."""
        self._headers: Headers | None = None
        self._made: dict[int, bytes] = {}

    def of(self, status: int, headers: Headers) -> bytes:
        """The lines of these."""
        if headers is not self._headers:
            self._headers, self._made = headers, {}
        made = self._made.get(status)
        if made is None:
            made = self._made[status] = STATUS_LINES[status] + lines(headers)
        return made


beginnings: Final = Beginnings()


def in_words(beginning: bytes, words: str, *, has_body: bool = True) -> bytes:
    """A whole answer in plain words, after which the connection is closed."""
    rest = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(words)
    return b"".join((beginning, rest, CLOSE, b"\r\n", words.encode("ascii") if has_body else b""))
