"""Moments in a person's words. The exact one is always on the page too, in `<time>`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

ACTIVE: Final = timedelta(minutes=2)  # use is recorded once a minute, so within two it is "now"

_DAY: Final = 86400  # seconds
# The unit, its length in seconds, and from how many seconds on it is used: "58 days" says more than "1 month".
_UNITS: Final = (
    ("year", 365 * _DAY, 365 * _DAY),
    ("month", 30 * _DAY, 90 * _DAY),
    ("day", _DAY, _DAY),
    ("hour", 3600, 3600),
    ("minute", 60, 60),
)


def exact(moment: datetime) -> str:
    """`15 January 2026, 12:00:05 UTC`."""
    return f"{moment.day} {moment:%B %Y, %H:%M:%S} UTC"


def machine(moment: datetime) -> str:
    """For `<time datetime>`."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def since(moment: datetime, now: datetime) -> str:
    """`5 minutes ago`, `just now`."""
    words = span(now - moment)
    return f"{words} ago" if words else "just now"


def until(moment: datetime, now: datetime) -> str:
    """`in 3 days`, `in less than a minute`."""
    return f"in {span(moment - now) or 'less than a minute'}"


def span(length: timedelta) -> str:
    """In one unit, rounded down: `3 days`; empty below a minute."""
    seconds = length.total_seconds()
    for name, size, least in _UNITS:
        if seconds >= least:
            return counted(int(seconds // size), name)
    return ""


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 session`, `3 sessions`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
