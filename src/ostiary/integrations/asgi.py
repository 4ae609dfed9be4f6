"""The ASGI middleware: who sent a request, on its scope; the session cookie; refusals that fail closed.

`visit_of(scope)` finds what it left there. An error of ours that the application lets through is answered here as
`application/problem+json`: 401, 403, 404, or 503 when the store is away. A WebSocket, stream or long poll of a session
that has ended is closed.
"""

from __future__ import annotations

from typing import Any

from ostiary.errors import OstiaryError, StoreUnavailable
from ostiary.http import problems
from ostiary.http.asgi import ASGIApp, Message, Receive, Scope, Send
from ostiary.integrations.identity import Identify, Identity, Keeper
from ostiary.integrations.live import SESSION_ENDED, TRY_AGAIN_LATER, Live, closing
from ostiary.integrations.visit import KEY, Visit, visit_of

__all__ = ["SESSION_ENDED", "TRY_AGAIN_LATER", "OstiaryMiddleware", "current_session", "visit_of"]


async def current_session(scope: Scope) -> Identity:
    """Who sent this request.

    Raises:
        Unauthenticated, NotAllowed, StoreUnavailable: as `Visit.current`.
    """
    return await visit_of(scope).current()


class OstiaryMiddleware:
    """Wrap an ASGI application."""

    def __init__(
        self,
        app: ASGIApp,
        keeper: Keeper,
        *,
        required: bool = False,
        identify: Identify | None = None,
        check_origin: bool = True,
    ) -> None:
        """Put it in front of an application.

        Args:
            app: what is behind it.
            keeper: what answers: `Embedded` or `Remote`.
            required: True to let nobody through who is not signed in; else the application asks where it wants to know.
            identify: the application's own users, see `Identify`; it gets the scope.
            check_origin: False only where something else refuses cross-site requests, such as Django's own middleware.
        """
        self._app = app
        self._keeper = keeper
        self._required = required
        self._identify = identify
        self._check_origin = check_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._following_the_lifespan(send))
            return
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        visit = Visit(self._keeper, scope, identify=self._identify, check_origin=self._check_origin)
        scope[KEY] = visit  # whatever was there before
        answer = _Answer(visit, scope["type"], send)
        try:
            await self._keeper.open()
            if self._required:
                await visit.current()
            refuse = answer.refuse if scope["type"] == "http" else None
            await Live(self._keeper, visit, receive, answer, refuse).run(self._app, scope)
        except OstiaryError as error:
            if answer.has_begun or (error.status >= 500 and not isinstance(error, StoreUnavailable)):
                raise  # the latter is for the operator's eyes
            await answer.refuse(error)

    def _following_the_lifespan(self, send: Send) -> Send:
        async def following(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                await self._keeper.open()
            elif message["type"] == "lifespan.shutdown.complete":
                await self._keeper.close()
            await send(message)

        return following


class _Answer:
    """What is sent back: with the visit's headers, or as the refusal that it is."""

    def __init__(self, visit: Visit, kind: str, send: Send) -> None:
        self._visit = visit
        self._kind = kind
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.accept"} and not self.has_begun:
            message = {**message, "headers": self._completed(list(message.get("headers", ())))}
        self.has_begun = self.has_begun or message["type"] not in {"http.response.debug"}
        await self._send(message)

    async def refuse(self, error: OstiaryError) -> None:
        if self._kind == "websocket":
            await self(closing(error))  # before it was accepted, the server answers a closing with 403
            return
        content = problems.body(error, self._visit.request_id)
        headers = [
            *problems.headers(error),
            (b"content-length", b"%d" % len(content)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"x-request-id", self._visit.request_id.encode()),
        ]
        await self({"type": "http.response.start", "status": error.status, "headers": headers})
        await self({"type": "http.response.body", "body": content, "more_body": False})

    def _completed(self, headers: list[Any]) -> list[Any]:
        own = {name for name, _ in self._visit.headers}
        if b"cache-control" in own:
            headers = [(name, value) for name, value in headers if bytes(name).lower() != b"cache-control"]
        elif self._visit.identity is not None and not any(
            bytes(name).lower() == b"cache-control" for name, _ in headers
        ):
            # What somebody was shown while signed in is for nobody else's eyes: no shared cache keeps it.
            headers.append((b"cache-control", b"private"))
        return headers + self._visit.headers
