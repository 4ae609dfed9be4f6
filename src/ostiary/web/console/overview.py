"""The console's first page: who is here now, and what happened lately."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final

from msgspec import Meta
from starlette.responses import Response

from ostiary.authority.statistics import SPANS, Span, largest
from ostiary.errors.translatable import translatable
from ostiary.http.places import Places
from ostiary.web import phrases
from ostiary.web.console import charts
from ostiary.web.console.charts import Share
from ostiary.web.language import gettext
from ostiary.web.rendering import nothing_new, page
from ostiary.web.routing import PageTakes, get
from ostiary.web.visit import Visit

SHARES: Final = 8  # parts of a whole that are told apart
SPAN_NAMES: Final[dict[Span, str]] = {
    "day": translatable("24 hours"),
    "week": translatable("7 days"),
    "month": translatable("30 days"),
}


class Chosen(PageTakes):
    """What the charts span."""

    span: Span = "day"


class Poll(Chosen):
    """The same, for a page that shows it already."""

    seen: Annotated[str, Meta(max_length=64)] | None = None


@get("/admin", Chosen)
async def overview_page(visit: Visit, asked: Chosen) -> Response:
    """Totals, charts, and shares."""
    return page(visit, "console/overview.html", **await _shown(visit, asked.span))


@get("/admin/numbers", Poll, unattended=True)
async def numbers(visit: Visit, asked: Poll) -> Response:
    """The same without its frame, for an open page; nothing if it is what that page shows already."""
    shown = await _shown(visit, asked.span)
    if asked.seen == shown["fingerprint"]:
        return nothing_new()
    return page(visit, "console/overview_numbers.html", **shown)


async def _shown(visit: Visit, span: Span) -> dict[str, Any]:
    statistics = visit.authority.statistics
    over_time = await statistics.over_time(span, by=visit.signed)
    places = visit.context.places
    shown = {
        "totals": await statistics.totals(by=visit.signed),
        "charts": [charts.sign_ins(over_time), charts.endings(over_time), charts.lag(over_time)],
        "shares": [
            (
                gettext("Clients"),
                _shares(await statistics.by_client(by=visit.signed, limit=SHARES, called=phrases.device)),
                gettext("Nobody is signed in."),
            ),
            (
                gettext("Applications"),
                _shares(await statistics.by_application(by=visit.signed, limit=SHARES)),
                gettext("No live session belongs to an application."),
            ),
            (
                gettext("Places"),
                await _by_place(visit, places),
                gettext("No place is known. Name a file of places with the setting places_file."),
            ),
        ],
        "span": span,
        "spans": [(name, gettext(SPAN_NAMES[name])) for name in SPANS],
    }
    return shown | {"fingerprint": hashlib.sha256(repr(shown).encode()).hexdigest()[:32]}


async def _by_place(visit: Visit, places: Places) -> list[Share]:
    """Countries, where the operator's file knows the addresses."""
    found = []
    for address, count in await visit.authority.statistics.by_address(by=visit.signed):
        place = places.of(address)
        if place is not None and place.country:
            found.append((place.country, count))
    return _shares(largest(found, SHARES))


def _shares(counted: list[tuple[str, int]]) -> list[Share]:
    return [Share(*one) for one in counted]
