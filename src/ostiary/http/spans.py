"""Durations and times as they were sent, as values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ostiary.core.duration import parse_duration
from ostiary.errors import InvalidRequest


def duration(field: str, value: str | int) -> timedelta:
    """Read a duration or a number of seconds.

    Raises:
        InvalidRequest: not one, or not positive.
    """
    try:
        return timedelta(seconds=value) if isinstance(value, int) else parse_duration(value)
    except ValueError as why:
        raise InvalidRequest(field, str(why)) from None


def span_or_none(field: str, value: str) -> timedelta:
    """`duration`, with `0`, `0s` and the like for none at all."""
    return timedelta(0) if value.rstrip("hms") == "0" else duration(field, value)


def instant(field: str, value: str | None) -> datetime | None:
    """Read an RFC 3339 time; None for None. Without a zone it is UTC.

    Raises:
        InvalidRequest: not one.
    """
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest(field, "is not a time; write it as 2026-05-19T09:02:00Z") from None
