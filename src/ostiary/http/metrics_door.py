"""The address of its own that `/metrics` can have (`metrics_address`): there, nothing else is answered, and to anybody.

What listens on a network of its own needs no proxy to keep strangers out, and goes on telling while the store is away.
"""

from __future__ import annotations

from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST

from ostiary.http.asgi import Receive, Scope, Send, respond
from ostiary.http.exchange import request_id_of
from ostiary.http.heads import path_of
from ostiary.http.limits import refusal_of, send_problem
from ostiary.http.metrics import Metrics
from ostiary.http.problems import BadRequest, RouteNotFound

PATH: Final = "/metrics"
METHODS: Final = ("GET", "HEAD")


class MetricsDoor:
    """Answers there."""

    def __init__(self, metrics: Metrics, port: int) -> None:
        """`port` is what tells its connections from all others."""
        self._metrics = metrics
        self._port = port

    def is_of(self, server: Any) -> bool:
        """True for a connection that came in there, by its own end as ASGI writes it: host and port."""
        return server is not None and server[1] == self._port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        refusal = refusal_of(scope)
        if refusal is None and path_of(scope) != PATH:
            refusal = RouteNotFound()
        if refusal is None and scope["method"] not in METHODS:
            refusal = BadRequest(405, "ask by GET", {"Allow": ", ".join(METHODS)})
        if refusal is not None:
            await send_problem(send, refusal, request_id_of(scope["headers"]))
            return
        headers = [(b"content-type", CONTENT_TYPE_LATEST.encode()), (b"cache-control", b"no-store")]
        await respond(send, 200, headers, self._metrics.exposition())
