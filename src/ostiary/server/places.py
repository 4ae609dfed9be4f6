"""Addresses as places, "Berlin, Germany", from the operator's own MaxMind-format file. A hint for a person's eye."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog

from ostiary.server.shapes import Place

log = structlog.get_logger(__name__)


class Places:
    """Looks addresses up. Without a file, or with one that cannot be read, every place is unknown."""

    def __init__(self, file: str | None) -> None:
        """Name the file; it is opened at the first question."""
        self._file = file
        self._reader: Any = None
        self.of = lru_cache(maxsize=4096)(self._find)

    def _find(self, ip: str | None) -> Place | None:
        reader = self._open() if ip else None
        if reader is None:
            return None
        try:
            record = reader.get(ip)
        except Exception:  # the file is the operator's: whatever is in it, a list of sessions is still shown
            log.warning("places.unreadable", exc_info=True)
            return None
        city, country = _name(record, "city"), _name(record, "country")
        return Place(city, country) if city or country else None

    def _open(self) -> Any:
        if self._reader is None and self._file is not None:
            import maxminddb

            try:
                self._reader = maxminddb.open_database(Path(self._file))
            except (OSError, ValueError, maxminddb.InvalidDatabaseError) as why:
                log.warning("places.not_opened", file=self._file, why=str(why))
                self._file = None  # say it once
        return self._reader

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _name(record: object, what: str) -> str | None:
    """The English name in a GeoIP2 record; other shapes have none for us."""
    part = record.get(what) if isinstance(record, Mapping) else None
    names = part.get("names") if isinstance(part, Mapping) else None
    name = names.get("en") if isinstance(names, Mapping) else None
    return name[:128] if isinstance(name, str) else None
