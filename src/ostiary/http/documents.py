"""Where the OpenAPI document is served: for programs as JSON, for people as a page without a script."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import msgspec
from starlette.responses import Response

from ostiary.http import docs_page, failures
from ostiary.http.exchange import Exchange
from ostiary.http.openapi import document
from ostiary.http.routing import Parameters, Route


async def openapi_json(_: Exchange, __: Parameters, ___: bytes) -> Response:
    """The document itself."""
    return Response(_encoded(), media_type="application/json")


async def docs(_: Exchange, __: Parameters, ___: bytes) -> Response:
    """The same for people."""
    return Response(_page(), media_type="text/html", headers=docs_page.HEADERS)


def document_routes() -> Iterable[Route]:
    """Both."""
    yield Route("GET", "/api/openapi.json", openapi_json, failures.failed)
    yield Route("GET", "/api/docs", docs, failures.failed)


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(document())


@cache
def _page() -> bytes:
    return docs_page.render(document()).encode()
