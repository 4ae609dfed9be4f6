"""Addresses as places, "Berlin, Germany", from the operator's own MaxMind-format file. A hint for a person's eye.

The file is read into memory: one that is overwritten in place while it is mapped ends the process. It is looked at
every few seconds, in a thread, and read anew when it has changed. What cannot be read replaces nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import structlog

from ostiary.authority.tasks import Tasks
from ostiary.contract.shapes import Place

CHECK_EVERY: Final = 5.0  # seconds between two looks at the file's time and size
REMEMBERED: Final = 4096  # addresses
FOLLOWING: Final = "places"  # the name of our task
PROBES: Final = ("192.0.2.1", "203.0.113.1", "2001:db8::1")  # documentation's; asked of a new file before it counts

Signature: TypeAlias = tuple[int, int, int, int]  # device, inode, size in bytes, time of the last change in ns

log = structlog.get_logger(__name__)


class Places:
    """Looks addresses up. Without a file, or with one that cannot be read, every place is unknown."""

    def __init__(self, file: str | None) -> None:
        """Name the file; it is read by `open`, or at the first question."""
        self._file = file
        self._reader: Any = None
        self._seen: Signature | None = None  # of the file that was read last, or could not be
        self._was_looked_for = False
        self._problem: str | None = None  # what was said last
        self._remember()

    async def open(self, tasks: Tasks) -> None:
        """Read the file, say so if that fails, and follow its changes from now on."""
        if self._file is not None and not tasks.is_running(FOLLOWING):
            await asyncio.to_thread(self.look)
            tasks.begin(FOLLOWING, self._follow)

    async def _follow(self) -> None:
        await asyncio.sleep(CHECK_EVERY)
        await asyncio.to_thread(self.look)

    async def stop(self, tasks: Tasks) -> None:
        """Follow no more, and forget the file."""
        await tasks.stop(FOLLOWING)
        self.close()

    def look(self) -> None:
        """Read the file if it is another one than before. What cannot be read is said, once, and replaces nothing."""
        self._was_looked_for = True
        try:
            found = signature(str(self._file))
            if found == self._seen:
                return
            self._seen = found
            self._reader, self._seen = read(str(self._file))
        except (OSError, ValueError) as why:
            if isinstance(why, FileNotFoundError):
                self._seen = None
            if str(why) != self._problem:
                kept = "the one read before" if self._reader is not None else "none"
                log.warning("places.not_opened", file=self._file, why=str(why), in_use=kept)
            self._problem = str(why)
            return
        self._problem = None
        self._remember()
        log.info("places.opened", file=self._file)

    def _remember(self) -> None:
        self.of = lru_cache(maxsize=REMEMBERED)(self._find)

    def _find(self, ip: str | None) -> Place | None:
        if ip and self._file is not None and not self._was_looked_for:
            self.look()
        reader = self._reader
        if reader is None or not ip:
            return None
        try:
            record = reader.get(ip)
        except Exception:  # the file is the operator's: whatever is in it, a list of sessions is still shown
            log.warning("places.unreadable", exc_info=True)
            return None
        city, country = _name(record, "city"), _name(record, "country")
        return Place(city, country) if city or country else None

    def close(self) -> None:
        """Forget the file; the next question reads it again."""
        self._reader, self._seen, self._was_looked_for = None, None, False
        self._remember()


def signature(file: str) -> Signature:
    """What tells a file from the one that was there before.

    Raises:
        OSError: it is not there.
    """
    found = Path(file).stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def read(file: str) -> tuple[Any, Signature]:
    """All of a file, in memory, and which one it was.

    Raises:
        OSError, ValueError: it cannot be read, or is no such file; says why.
    """
    import maxminddb

    try:
        with Path(file).open("rb") as opened:
            found = os.fstat(opened.fileno())
            reader = maxminddb.open_database(opened, maxminddb.MODE_FD)
        for ip in PROBES[: 2 if reader.metadata().ip_version == 4 else None]:
            reader.get(ip)
    except OSError:
        raise
    except Exception as why:  # a file that was cut off fails anywhere in the library
        raise ValueError(str(why) or type(why).__name__) from None
    return reader, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _name(record: object, what: str) -> str | None:
    """The English name in a GeoIP2 record; other shapes have none for us."""
    part = record.get(what) if isinstance(record, Mapping) else None
    names = part.get("names") if isinstance(part, Mapping) else None
    name = names.get("en") if isinstance(names, Mapping) else None
    return name[:128] if isinstance(name, str) else None
