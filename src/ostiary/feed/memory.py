"""The buffer of recent entries, one for all readers: a slow reader takes no memory of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ostiary.core.endings import Entry

MAXIMUM: Final = 20_000  # entries


class Memory:
    """A bounded buffer of the newest entries, by serial number."""

    def __init__(self, maximum: int = MAXIMUM) -> None:
        """Empty."""
        self._maximum = maximum
        self._entries: list[Entry] = []
        self._first = 0

    @property
    def next(self) -> int:
        """The serial number of the next entry."""
        return self._first + len(self._entries)

    def add(self, entries: Sequence[Entry]) -> None:
        """Remember, and forget what is too old."""
        self._entries += entries
        excess = len(self._entries) - self._maximum
        if excess > self._maximum // 4:  # not at every entry: what stays has to be moved
            del self._entries[:excess]
            self._first += excess

    def since(self, serial: int) -> list[Entry] | None:
        """The entries from a serial number on; None if some of them are forgotten, or never were."""
        if not self._first <= serial <= self.next:
            return None
        return self._entries[serial - self._first :]
