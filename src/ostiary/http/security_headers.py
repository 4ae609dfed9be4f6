"""The headers that every answer carries, whatever it is. An answer that sets one of them itself keeps its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ostiary.http.asgi import ASGIApp, Message, Receive, Scope, Send
from ostiary.http.cookies import is_https
from ostiary.http.exchange import exchange_of
from ostiary.http.problems import RawHeaders
from ostiary.settings import Settings

ALWAYS: Final = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    b"cache-control": b"no-store",  # ASVS 5.0 14.3.2: nothing here is worth a cache, and most of it must not be in one
}
HSTS: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")  # two years; ASVS 5.0 3.4.1


class SecurityHeaders:
    """Adds them."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Wrap an ASGI application."""
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and complete its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secure = is_https(exchange_of(scope).arrival, self._settings)

        async def completing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = completed(message["headers"], secure=secure)
            await send(message)

        await self._app(scope, receive, completing)


def completed(headers: Iterable[tuple[bytes, bytes]], *, secure: bool) -> RawHeaders:
    """These headers, and those that are missing; `secure` if people come by https."""
    found = list(headers)
    own = {name for name, _ in found}
    found += [(name, value) for name, value in ALWAYS.items() if name not in own]
    if secure:
        found.append(HSTS)
    return found
