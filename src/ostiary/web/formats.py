"""Moments and lengths of time in a person's words. The exact moment is always on the page too, in `<time>`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ostiary.errors.translatable import translatable
from ostiary.web.language import gettext, ngettext, plural

ACTIVE: Final = timedelta(minutes=2)  # use is recorded once a minute, so within two it is "now"

_DAY: Final = 86400  # seconds
# A unit's length in seconds, from how many seconds on it is used ("58 days" says more than "1 month"), and how it is
# said alone, of what was and of what will be: other languages inflect the three differently.
_UNITS: Final = (
    (
        365 * _DAY,
        365 * _DAY,
        plural("%(num)s year", "%(num)s years"),
        plural("%(num)s year ago", "%(num)s years ago"),
        plural("in %(num)s year", "in %(num)s years"),
    ),
    (
        30 * _DAY,
        90 * _DAY,
        plural("%(num)s month", "%(num)s months"),
        plural("%(num)s month ago", "%(num)s months ago"),
        plural("in %(num)s month", "in %(num)s months"),
    ),
    (
        _DAY,
        _DAY,
        plural("%(num)s day", "%(num)s days"),
        plural("%(num)s day ago", "%(num)s days ago"),
        plural("in %(num)s day", "in %(num)s days"),
    ),
    (
        3600,
        3600,
        plural("%(num)s hour", "%(num)s hours"),
        plural("%(num)s hour ago", "%(num)s hours ago"),
        plural("in %(num)s hour", "in %(num)s hours"),
    ),
    (
        60,
        60,
        plural("%(num)s minute", "%(num)s minutes"),
        plural("%(num)s minute ago", "%(num)s minutes ago"),
        plural("in %(num)s minute", "in %(num)s minutes"),
    ),
)
MONTHS: Final = (
    translatable("January"),
    translatable("February"),
    translatable("March"),
    translatable("April"),
    translatable("May"),
    translatable("June"),
    translatable("July"),
    translatable("August"),
    translatable("September"),
    translatable("October"),
    translatable("November"),
    translatable("December"),
)


def exact(moment: datetime) -> str:
    """`15 January 2026, 12:00:05 UTC`."""
    return gettext(
        "%(day)s %(month)s %(year)s, %(time)s UTC",
        day=moment.day,
        month=gettext(MONTHS[moment.month - 1]),
        year=moment.year,
        time=f"{moment:%H:%M:%S}",
    )


def machine(moment: datetime) -> str:
    """For `<time datetime>`."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def span(length: timedelta) -> str:
    """`3 days`: in one unit, rounded down; empty below a minute."""
    seconds = length.total_seconds()
    for size, least, long, _, _ in _UNITS:
        if seconds >= least:
            return ngettext(*long, int(seconds // size))
    return ""


def since(moment: datetime, now: datetime) -> str:
    """`5 minutes ago`, `just now`: in one unit, rounded down."""
    length = (now - moment).total_seconds()
    for size, least, _, ago, _ in _UNITS:
        if length >= least:
            return ngettext(*ago, int(length // size))
    return gettext("just now")


def until(moment: datetime, now: datetime) -> str:
    """`in 3 days`, `in less than a minute`."""
    length = (moment - now).total_seconds()
    for size, least, _, _, ahead in _UNITS:
        if length >= least:
            return ngettext(*ahead, int(length // size))
    return gettext("in less than a minute")
