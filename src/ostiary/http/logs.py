"""The log: JSON lines on stdout, one event each, with UTC times, and never a secret (ASVS 5.0 16.2)."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Final, TextIO

import msgspec
import structlog
from structlog.types import EventDict, Processor, WrappedLogger

REDACTED: Final = "[redacted]"

_TOKEN = re.compile(r"\b((?:sess|ost|setup|client|code|ort)_[a-z2-7]{4,})\.[A-Za-z0-9_-]{8,}")
_IN_TOKENS = re.compile(r"_[a-z2-7]{4,}\.[A-Za-z0-9_-]{8}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_BEARER = re.compile(r"\b(Bearer\s+)(?!error=)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


def redact(text: str) -> str:
    """A text without the secrets of ours that it may hold: the last net, as nothing should put them there."""
    # Every line comes by here, and hardly any holds one. What each must have in it is sooner looked for.
    if _IN_TOKENS.search(text) is not None:
        text = _TOKEN.sub(rf"\1.{REDACTED}", text)
    if "eyJ" in text:
        text = _JWT.sub(REDACTED, text)
    return _BEARER.sub(rf"\1{REDACTED}", text) if "bearer" in text.lower() else text


class Unfailing:
    """A stream for the log whose failures harm nobody: a full disk, or a reader who has gone, is no reason to fail.

    What could not be written is lost; how much, the first line says that can be written again.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to this one."""
        self._stream = stream
        self.lost = 0  # lines

    def write(self, text: str) -> int:
        """Write, if that can be done."""
        try:
            if self.lost:
                self._stream.write(f'{{"level": "error", "event": "log.lost", "lines": {self.lost}}}\n')
                self.lost = 0
            self._stream.write(text)
        except (OSError, ValueError):  # ValueError: it is closed
            self.lost += 1
        return len(text)

    def flush(self) -> None:
        """Flush, if that can be done."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self.lost += 1


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send everything that this process logs, our own and the libraries', to one stream.

    A line is one JSON object: whatever a client sends is escaped inside it, so it can forge no line.
    """
    out: TextIO = Unfailing(stream or sys.stdout)  # type: ignore[assignment]  # as much of one as is used of it
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*_SHARED, _render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=[_drop_record, _render])
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(threshold, logging.WARNING))


def _name(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    event.setdefault("level", method)
    return event


def _drop_record(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    record = event.pop("_record")
    event.pop("_from_structlog", None)
    event["logger"], event["level"] = record.name, record.levelname.lower()
    return event


_encode: Final = msgspec.json.Encoder(enc_hook=repr).encode
_dump: Final = json.JSONEncoder(default=repr).encode


def _render(logger: WrappedLogger, method: str, event: EventDict) -> str:
    # The same three first, for whoever reads along; JSON does not care.
    first = {name: event.pop(name, None) for name in ("at", "level", "event")}
    line = {**first, **event}
    try:
        text = _encode(line).decode("ascii")
    except (ValueError, TypeError, OverflowError):  # not in ASCII, which is escaped; or no key or number of JSON's
        text = _dump(line)
    return redact(text)


_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    _name,
    structlog.processors.format_exc_info,
    structlog.processors.UnicodeDecoder(),
]
