"""The ASGI application: the gateway in front, then what every answer needs, then the router."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

from ostiary.authority import Authority
from ostiary.authority.authority import utc_now
from ostiary.http import lifespan
from ostiary.http.addresses import Addresses
from ostiary.http.api import api_routes
from ostiary.http.asgi import Receive, Scope, Send
from ostiary.http.context import Context
from ostiary.http.direct import Direct
from ostiary.http.dispatch import Dispatch
from ostiary.http.documents import document_routes
from ostiary.http.exchange import Exchanges
from ostiary.http.failures import failed
from ostiary.http.feed_readers import Readers
from ostiary.http.gateway import BELOW, PATH, Gateway
from ostiary.http.heads import NOTHING, is_canonical, path_of
from ostiary.http.metrics import Metrics
from ostiary.http.metrics_door import MetricsDoor
from ostiary.http.places import Places
from ostiary.http.routing import Failed, Route, Routes
from ostiary.http.session_parts import SessionParts
from ostiary.settings import Settings


def create_app(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Application:
    """Put the application together; nothing is opened yet, and the database has to be migrated already.

    Serve it with any ASGI server, or mount it in another application. It opens at the start of its lifespan or at its
    first request; where nobody runs its lifespan, use it as an async context manager or call `close` at the end.

    Raises:
        ConfigurationError: a setting contradicts another, or the database's URL cannot be used.
    """
    return Application(settings, Authority(settings, clock=clock))


class Application:
    """One process's server, as an ASGI 3 callable.

    Attributes:
        authority: what it asks; shared with whoever mounts it.
        context: what its handlers work with.
        gateway: what answers `/verify`.
        direct: who answers the usual request of a path, for a protocol that can ask without ASGI in between.
        metrics_door: what answers on the address of `/metrics`; None where it has none of its own.
        is_open: whether it is between its opening and its closing.
    """

    def __init__(
        self, settings: Settings, authority: Authority, *, routes: Iterable[Route] = (), nothing: Failed = failed
    ) -> None:
        """Use `create_app`; `routes` are no part of the API, such as pages, and `nothing` answers where none is."""
        self.authority = authority
        self.is_open = False
        addresses = Addresses(settings.trusted_proxies, settings.forwarded_header)
        metrics = Metrics()
        places = Places(settings.places_file)
        parts = SessionParts(authority.policy, authority.clock, places)
        context = Context(settings, authority, metrics, places, Readers(metrics), parts)
        self.context = context
        authority.database.listeners.append(metrics.happened)
        authority.tasks.changed.append(metrics.task_changed)
        authority.verifiers.measured.append(metrics.measured)
        authority.clocks.measured.append(metrics.clock_measured)
        authority.feed.woken.append(metrics.woken)
        authority.feed.polled.append(metrics.polled)
        authority.feed.polled.append(lambda poll: metrics.verified(authority.verifiers.served, poll))
        self.gateway = Gateway(authority, addresses, context.metrics, settings)
        dispatch = Dispatch(Routes([*api_routes(), *document_routes(), *routes]), nothing)
        self._inner = Exchanges(dispatch, addresses, context)
        self.metrics_door = MetricsDoor(metrics, settings.metrics_listen[1]) if settings.metrics_listen else None
        self.direct: Mapping[bytes, Direct] = {PATH.encode(): self.gateway}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            lifespan.on_shutdown(self.authority.feed.hang_up)
            await lifespan.answer(self.open, self.close, receive, send)
            return
        if not self.is_open:
            await self.open()
        if self.metrics_door is not None and self.metrics_door.is_of(scope.get("server")):
            await self.metrics_door(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        path = path_of(scope)
        if path == PATH or path.startswith(BELOW):
            await self.gateway(scope, receive, send)
            return
        if not is_canonical(path):
            scope["path"] = scope.get("root_path", "") + NOTHING
            scope["raw_path"] = scope["path"].encode()
        await self._inner(scope, receive, send)

    async def open(self) -> None:
        """Begin to record use, and to look after the database."""
        self.is_open = True
        await self.context.places.open(self.authority.tasks)
        await self.authority.__aenter__()
        self.authority.verifiers.begin()
        self.authority.upkeep.begin()

    async def close(self) -> None:
        """Write down what use is still unrecorded, then give everything back."""
        self.is_open = False
        try:
            await self.context.places.stop(self.authority.tasks)
        finally:
            await self.authority.close()

    async def __aenter__(self) -> Self:
        """Open."""
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()
