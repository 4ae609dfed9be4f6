"""Durations as a person types them here: Go's grammar, with days in front if wanted: `30d`, `1d12h`, `4h30m`.

And moments: a time, or how long ago.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ostiary.cli.failures import usage
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


def span(option: str, text: str, read: Callable[[str], timedelta] = parse_span) -> timedelta:
    """The value of an option that is a duration.

    Raises:
        Failure: it is none; says why.
    """
    try:
        return read(text)
    except ValueError as why:
        raise usage(f'{option}: "{text}" {why}') from None


def ago(text: str) -> str:
    """A duration ago, in RFC 3339.

    Raises:
        ValueError, OverflowError: not a duration, or before all time.
    """
    return (datetime.now(UTC) - parse_span(text)).isoformat().replace("+00:00", "Z")


def moment(option: str, text: str | None) -> str | None:
    """A time in RFC 3339; None for None. A time without a zone is UTC.

    Raises:
        Failure: neither a time nor a duration.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        pass
    try:
        return ago(text)
    except (ValueError, OverflowError):
        raise usage(
            f'{option}: "{text}" is neither a time such as 2026-05-19T09:02:00Z nor a duration such as 24h or 30d'
        ) from None
