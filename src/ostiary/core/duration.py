"""Durations as Go writes them: `1h0m0s`, `4h30m`, `1.5h`, `90s`. Units h, m and s, as the command line documents."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

MAXIMUM_LENGTH: Final = 32  # characters; a duration that needs more is not one that a person wrote
MINIMUM: Final = timedelta(milliseconds=1)  # a shorter one is a mistake, and near zero it would mean another thing
MAXIMUM: Final = timedelta(days=36_500)

_TERM = re.compile(r"(\d+\.?\d*|\.\d+)(h|m|s)", re.ASCII)
_WHOLE = re.compile(rf"(?:{_TERM.pattern})+", re.ASCII)
_SECONDS = {"h": 3600, "m": 60, "s": 1}


def parse_duration(text: str) -> timedelta:
    """Read a duration.

    Raises:
        ValueError: not in the grammar, below a millisecond, or over 100 years; the message says what to write.
    """
    if text.startswith("-"):
        raise ValueError("must be positive, such as 1h0m0s")
    if len(text) > MAXIMUM_LENGTH or not _WHOLE.fullmatch(text.removeprefix("+")):
        raise ValueError("is not a duration; write hours, minutes and seconds such as 4h30m, 1.5h or 90s")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _TERM.findall(text))
    if not 0 < seconds <= MAXIMUM.total_seconds():
        raise ValueError("must be positive and at most 100 years, such as 1h0m0s")
    if seconds < MINIMUM.total_seconds():
        raise ValueError("must be a millisecond or more, such as 90s")
    return timedelta(seconds=seconds)


def format_duration(span: timedelta) -> str:
    """Write it the same way: `4h30m0s`, `90s` as `1m30s`."""
    whole = int(span.total_seconds())
    hours, rest = divmod(whole, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
