"""Server-sent events (HTML Living Standard 9.2.6), as far as an authority writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MAXIMUM_EVENT: Final = 64 * 1024  # bytes of one event; ours stay under one KiB


class EventReader(Generic[T]):
    """Reads a stream, however it is cut on the way."""

    def __init__(self, reads: Callable[[str, bytes], T]) -> None:
        """`reads` takes an event's name, which may be empty, and its data."""
        self._reads = reads
        self._rest = b""

    def read(self, chunk: bytes) -> Iterator[T]:
        """What is told with one more piece of the stream.

        Raises:
            ValueError: not that, or an event that is too long.
        """
        self._rest += chunk.replace(b"\r\n", b"\n") if b"\r" in chunk else chunk
        *events, self._rest = self._rest.split(b"\n\n")
        for event in events:
            fields = _fields(event)
            if b"data" in fields:  # else it is a comment
                yield self._reads(fields.get(b"event", b"").decode(), fields[b"data"])
        if len(self._rest) > MAXIMUM_EVENT:
            raise ValueError("an event is too long")


def _fields(event: bytes) -> dict[bytes, bytes]:
    lines = (line.partition(b":") for line in event.split(b"\n"))
    return {name: value.removeprefix(b" ") for name, _, value in lines if name}
