"""Moments as a person types them: a time, or how long ago."""

from __future__ import annotations

from datetime import UTC, datetime

from ostiary.cli.failures import usage
from ostiary.cli.span import parse_span


def moment(option: str, text: str | None, now: datetime | None = None) -> str | None:
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
        return ((now or datetime.now(UTC)) - parse_span(text)).isoformat()
    except (ValueError, OverflowError):
        raise usage(
            f'{option}: "{text}" is neither a time such as 2026-05-19T09:02:00Z nor a duration such as 24h or 30d'
        ) from None
