"""Nothing is answered that the contract does not declare: in tests, each operation's errors and headers are looked at.

What is seen is kept, not raised: an exception inside of an endpoint would be answered as our fault, and a test that
expects a fault would not notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from ostiary.contract.api import operations
from ostiary.contract.operation import Operation
from ostiary.errors import OstiaryError
from ostiary.http.api import api_routes
from ostiary.http.exchange import Exchange
from ostiary.http.routing import Parameters, Route

OF_THE_BODY = {"content-type", "content-length"}

seen: list[str] = []


def watched_routes() -> Iterator[Route]:
    """As `api_routes`; what is not declared comes into `seen`."""
    yield from watched(api_routes())


def watched(routes: Iterable[Route]) -> Iterator[Route]:
    """The same of some."""
    by_path = {(str(one.method), one.path): one for one in operations()}
    for route in routes:
        yield replace(route, endpoint=_Watched(by_path[route.method, route.path], route))


class _Watched:
    def __init__(self, operation: Operation[..., Any, Any], route: Route) -> None:
        self._operation = operation
        self._route = route
        self._codes = {kind.code for kind in operation.errors}
        self._headers = {name.lower() for name in operation.headers} | OF_THE_BODY

    async def __call__(self, exchange: Exchange, parameters: Parameters, body: bytes) -> Response:
        operation = self._operation
        try:
            response = await self._route.endpoint(exchange, parameters, body)
        except OstiaryError as error:
            if error.status < 500 and error.code not in self._codes:
                seen.append(f"{operation.id} does not declare {error.code}")
            raise
        if operation.redirects is not None and response.status_code == operation.redirect_status:
            return response
        if response.status_code != operation.status:
            seen.append(f"{operation.id} answers {response.status_code}, and not {operation.status}")
        for name in set(response.headers) - self._headers:
            seen.append(f"{operation.id} does not declare the header {name}")
        return response
