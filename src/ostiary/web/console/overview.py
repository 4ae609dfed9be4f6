"""The console's first page: who is here now, and what happened lately."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, TypeAlias

from litestar import Response, get
from litestar.params import QueryParameter

from ostiary.authority import Authority
from ostiary.authority.statistics import SPANS, Span, largest
from ostiary.core.caller import Caller
from ostiary.server.context import context_of
from ostiary.server.places import Places
from ostiary.web.access import UNATTENDED
from ostiary.web.console import charts
from ostiary.web.console.charts import Share
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, Seen, Signed
from ostiary.web.rendering import page

SHARES: Final = 8  # parts of a whole that are told apart
SPAN_NAMES: Final[dict[Span, str]] = {"day": "24 hours", "week": "7 days", "month": "30 days"}

ChosenSpan: TypeAlias = Annotated[Span, QueryParameter(name="span")]


@get("/")
async def overview_page(
    request: PageRequest, authority: OurAuthority, caller: Signed, chosen: ChosenSpan = "day"
) -> Response[bytes]:
    """Totals, charts, and shares."""
    return page(request, "console/overview.html", **await _shown(request, authority, caller, chosen))


@get("/numbers", opt={UNATTENDED: True})
async def numbers(
    request: PageRequest, authority: OurAuthority, caller: Signed, chosen: ChosenSpan = "day", seen: Seen = None
) -> Response[Any]:
    """The same without its frame, for an open page; nothing if it is what that page shows already."""
    shown = await _shown(request, authority, caller, chosen)
    if seen == shown["fingerprint"]:
        return Response(None, status_code=204)
    return page(request, "console/overview_numbers.html", **shown)


async def _shown(request: PageRequest, authority: Authority, caller: Caller, span: Span) -> dict[str, Any]:
    statistics = authority.statistics
    over_time = await statistics.over_time(span, by=caller)
    places = context_of(request).places
    shown = {
        "totals": await statistics.totals(by=caller),
        "charts": [charts.sign_ins(over_time), charts.endings(over_time), charts.lag(over_time)],
        "shares": [
            ("Clients", [Share(*one) for one in await statistics.by_client(by=caller, limit=SHARES)]),
            ("Applications", [Share(*one) for one in await statistics.by_application(by=caller, limit=SHARES)]),
            ("Places", await _by_place(authority, caller, places)),
        ],
        "span": span,
        "spans": [(name, SPAN_NAMES[name]) for name in SPANS],
    }
    return shown | {"fingerprint": hashlib.sha256(repr(shown).encode()).hexdigest()[:32]}


async def _by_place(authority: Authority, caller: Caller, places: Places) -> list[Share]:
    """Countries, where the operator's file knows the addresses."""
    found = []
    for address, count in await authority.statistics.by_address(by=caller):
        place = places.of(address)
        if place is not None and place.country:
            found.append((place.country, count))
    return [Share(*one) for one in largest(found, SHARES)]


HANDLERS: Final = [overview_page, numbers]
