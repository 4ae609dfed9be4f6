"""Durations as a person types them here: Go's grammar, with days in front if wanted: `30d`, `1d12h`, `4h30m`."""

from __future__ import annotations

import re
from datetime import timedelta

from ostiary.core.duration import parse_duration

_DAYS = re.compile(r"(\d{1,5})d(.*)", re.ASCII | re.DOTALL)


def parse_span(text: str) -> timedelta:
    """Read a duration.

    Raises:
        ValueError: not in the grammar, or not positive; the message says what to write.
    """
    found = _DAYS.fullmatch(text)
    if found is None:
        return parse_duration(text)
    days = timedelta(days=int(found[1]))
    whole = days + parse_duration(found[2]) if found[2] else days
    if not whole:
        raise ValueError("must be positive, such as 30d")
    return whole
