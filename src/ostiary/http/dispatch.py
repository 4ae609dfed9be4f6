"""From a request to the route that answers it: its body is read whole, and then its endpoint is asked.

Who sends it, and what they may, is looked at after the body: a credential that was good when the head arrived would
else be good for as long as its holder holds the last byte back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from starlette.responses import Response

from ostiary.errors import StoreUnavailable
from ostiary.errors.translatable import translatable
from ostiary.http import cors
from ostiary.http.asgi import Receive
from ostiary.http.exchange import Exchange
from ostiary.http.limits import refusal_of
from ostiary.http.origins import SAFE_METHODS
from ostiary.http.problems import BadRequest, RouteNotFound
from ostiary.http.routing import Failed, Route, Routes, parameters

BODY_TIMEOUT: Final = 30  # seconds; who takes longer for 64 KiB only wants to hold a connection


class Dispatch:
    """Answers by routes."""

    def __init__(self, routes: Routes, nothing: Failed) -> None:
        """`nothing` answers where no route is."""
        self._routes = routes
        self._nothing = nothing

    async def answer(self, exchange: Exchange, receive: Receive) -> Response:
        """Answer one request."""
        scope = exchange.scope
        if (refusal := refusal_of(scope)) is not None:
            return await self._nothing(exchange, refusal)
        found = self._routes.find(scope["path"].removeprefix(scope.get("root_path", "")))
        if found is None:
            return await self._nothing(exchange, RouteNotFound())
        method, (methods, values) = exchange.method, found
        route = methods.get(method)
        exchange.template = next(iter(methods.values())).path
        if method == "OPTIONS" and route is None:
            return await _options(exchange, methods)
        if route is None:
            refusal = BadRequest(405, "the method is not there for this path", {"Allow": _allowed(methods)})
            return await next(iter(methods.values())).failed(exchange, refusal)
        try:
            if method in SAFE_METHODS:
                response = await route.endpoint(exchange, parameters(route, values), b"")
            else:
                body = await read_body(receive, route.maximum_body)
                async with _watching(exchange, receive):
                    response = await route.endpoint(exchange, parameters(route, values), body)
        except Exception as error:
            response = await route.failed(exchange, error)
        return response if route.shared == "nobody" else await _shared(exchange, route, response)


@asynccontextmanager
async def _watching(exchange: Exchange, receive: Receive) -> AsyncIterator[None]:
    """See the client hang up while its request is at work: after the body, nothing else can come."""
    gone = asyncio.Event()

    async def watch() -> None:
        if (await receive())["type"] == "http.disconnect":
            gone.set()

    exchange.client = replace(exchange.client, is_gone=gone.is_set)
    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _options(exchange: Exchange, methods: Mapping[str, Route]) -> Response:
    """Which methods there are; for a preflight also whether its page may ask and read the answer."""
    response = Response(status_code=204, headers={"allow": _allowed(methods)})
    wanted = methods.get(exchange.headers.get("access-control-request-method", ""))
    if wanted is None or wanted.shared == "nobody":
        return response
    response = await _shared(exchange, wanted, response)
    if "access-control-allow-origin" in response.headers:
        response.headers.update(cors.preflight(wanted.method))
    return response


async def _shared(exchange: Exchange, route: Route, response: Response) -> Response:
    """An error is shared as any answer is, or a script could not tell it from a network that is away."""
    try:
        response.headers.update(await cors.of(exchange, route.shared))
    except StoreUnavailable as error:
        return await route.failed(exchange, error)
    return response


async def read_body(receive: Receive, most: int) -> bytes:
    """All of a body.

    Raises:
        BadRequest: larger than `most` bytes, broken off, or not there in time.
    """
    pieces: list[bytes] = []
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise BadRequest(400, "the body ended before it was whole")
                pieces.append(message.get("body", b""))
                if sum(map(len, pieces)) > most:
                    raise BadRequest(413, "the body is larger than this call takes, which is 64 KiB for most")
                if not message.get("more_body", False):
                    return b"".join(pieces)
    except TimeoutError:
        raise BadRequest(
            408, translatable("the body did not arrive within %(seconds)s seconds", seconds=BODY_TIMEOUT)
        ) from None


def _allowed(methods: Mapping[str, Route]) -> str:
    return ", ".join(sorted({*methods, "OPTIONS"}))
