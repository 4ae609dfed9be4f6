"""All pages, as routes that an application takes in."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response

from ostiary.errors import OstiaryError
from ostiary.http.exchange import Exchange
from ostiary.http.reading import convert
from ostiary.http.routing import Parameters, Route
from ostiary.web import (  # noqa: F401  # each has pages, which are kept as it is loaded
    applications,
    assets,
    authorize,
    console,
    end_session,
    entering,
    failures,
    leaving,
    live,
    password,
    reports,
    session_acts,
    sessions,
    step_up,
    tokens,
)
from ostiary.web.access import admit
from ostiary.web.language import preferred, speak
from ostiary.web.routing import PAGES, Page
from ostiary.web.visit import visit_of


def page_routes() -> Iterable[Route]:
    """One for each page, and one for each file that they load."""
    yield from assets.routes()
    yield from reports.routes()
    yield from authorize.routes()
    for page in PAGES:
        endpoint = _Endpoint(page)
        yield Route(page.method, page.path, endpoint, endpoint.failed, page.maximum_body)


class _Endpoint:
    """Answers with one page."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def __call__(self, exchange: Exchange, parameters: Parameters, body: bytes) -> Response:
        page = self._page
        speak(preferred(exchange.headers.get("accept-language")))
        visit = await admit(exchange, page, parameters, body)
        return await page.handler(visit, convert({**visit.query, **parameters}, page.takes, is_text=True))

    async def failed(self, exchange: Exchange, error: Exception) -> Response:
        speak(preferred(exchange.headers.get("accept-language")))
        visit = visit_of(exchange)
        if visit is not None and isinstance(error, OstiaryError):
            for kind, again in self._page.again.items():
                if isinstance(error, kind):
                    exchange.code = error.code
                    return again(visit, error)
            if isinstance(error, step_up.STEPS) and visit.caller is not None:
                exchange.code = error.code
                return step_up.ask(visit, error)
        return await failures.failed(exchange, error)
