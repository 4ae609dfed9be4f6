"""Live connections: a WebSocket, a stream or a long poll does not outlive the session that opened it.

A connection is watched once the application has asked whose it is: a WebSocket from its acceptance on, a stream of
server-sent events from its first byte, everything else once it has taken a second. When the session has ended, or
cannot be proven live any more, the connection is closed towards the client; the application hears that the client has
gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from ostiary.errors import OstiaryError, SessionInvalid, StoreUnavailable, Unauthenticated
from ostiary.http.asgi import ASGIApp, Message, Receive, Scope, Send
from ostiary.integrations.identity import Identity, Keeper
from ostiary.integrations.visit import Visit, words

SESSION_ENDED: Final = (
    4401  # a WebSocket's closing code: nobody is signed in (any more); like 401, in the private range
)
TRY_AGAIN_LATER: Final = 1013  # the registered code of that name: we do not know, which ends nobody's session
LONG: Final = 1.0  # seconds after which a request that is still under way is watched
GRACE: Final = 1.0  # seconds that an application has to come to its end by itself
USE: Final = 60.0  # seconds between two messages of a client that count as use of its session
log = logging.getLogger(__name__)

Refuse: TypeAlias = Callable[[OstiaryError], Awaitable[None]]


class Gone(OSError):
    """What an application hears that goes on sending: as if the client had gone (ASGI 2.4)."""


def closing(why: OstiaryError) -> Message:
    """The closing of a WebSocket, with its code and reason."""
    code = SESSION_ENDED if isinstance(why, Unauthenticated) else TRY_AGAIN_LATER
    return {"type": "websocket.close", "code": code, "reason": words(why)}


class Live:
    """One connection, between the server and the application."""

    def __init__(self, keeper: Keeper, visit: Visit, receive: Receive, send: Send, refuse: Refuse | None) -> None:
        """Nothing is watched yet. `refuse` answers a request that was not answered yet; None for a WebSocket."""
        self._keeper = keeper
        self._visit = visit
        self._receive = receive
        self._send = send
        self._refuse = refuse
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[OstiaryError] = self._loop.create_future()
        self._reading: asyncio.Task[Message] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._has_begun = False  # to answer
        self._is_over = False  # the answer is complete
        self._has_returned = False
        self._has_length = False
        self._is_cut = False
        self._used_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Let the application answer."""
        task = asyncio.current_task()
        if task is not None:
            self._ended.add_done_callback(lambda _: self._loop.call_later(GRACE, self._cut, task))
        self._timer = self._loop.call_later(LONG, self._look)
        try:
            await app(scope, self.receive, self.send)
        except asyncio.CancelledError:
            if not self._is_cut or task is None or task.uncancel() > 0:
                raise
        except Exception:
            if not self._ended.done():
                raise  # else: it came to its end in its own way
        finally:
            self._has_returned = self._is_over = True
            self._timer.cancel()
            for one in (self._reading, self._watching):
                if one is not None and one is not task:
                    one.cancel()

    async def receive(self) -> Message:
        """What the client sent; that it has gone, once the connection is closed."""
        if self._ended.done():
            return self._gone()
        if self._reading is None:
            self._reading = asyncio.create_task(self._next())
        waiting: set[asyncio.Future[Any]] = {self._reading, self._ended}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._ended.done():
            return self._gone()
        message, self._reading = self._reading.result(), None
        if message["type"] == "websocket.receive" and self._loop.time() - self._used_at > USE:
            self._used_at = self._loop.time()
            self._note_use()
        return message

    async def _next(self) -> Message:
        return await self._receive()

    async def send(self, message: Message) -> None:
        """What the application sends.

        Raises:
            Gone: the connection is closed.
        """
        if self._ended.done():
            raise Gone("the session of this connection has ended")
        kind = message["type"]
        self._has_begun = True
        await self._send(message)
        if kind == "http.response.start":
            named = {bytes(name).lower(): bytes(value).lower() for name, value in message.get("headers", ())}
            self._has_length = b"content-length" in named
            if named.get(b"content-type", b"").startswith(b"text/event-stream"):
                self._look()
        elif kind == "http.response.body":
            self._is_over = not message.get("more_body", False)
        elif kind == "websocket.accept":
            self._look()
        elif kind == "websocket.close":
            self._is_over = True

    def _look(self) -> None:
        """Begin to watch, if the application has asked whose connection this is; else look again."""
        if self._timer is not None:
            self._timer.cancel()
        if self._is_over or self._watching is not None:
            return
        identity = self._visit.identity
        if identity is None:
            self._timer = self._loop.call_later(LONG, self._look)
            return
        self._watching = asyncio.create_task(self._watch(identity), name="ostiary-live")

    async def _watch(self, identity: Identity) -> None:
        try:
            why = await self._keeper.watch(identity)
            while isinstance(why, SessionInvalid) and (renewed := await self._visit.renewed(identity)) is not None:
                identity = renewed
                why = await self._keeper.watch(identity)
        except Exception:  # whatever it is: nobody watches any more, so nobody can tell
            log.exception("a live connection cannot be watched")
            why = StoreUnavailable()
        if self._is_over:
            return
        self._ended.set_result(why)
        if self._refuse is None:
            await self._send(closing(why))
        elif not self._has_begun:
            await self._refuse(why)
        elif not self._has_length:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        self._is_over = True
        # An answer of a known length is not completed: it breaks off, so that nobody takes a part for the whole.

    def _cut(self, task: asyncio.Task[None]) -> None:
        if not self._has_returned:
            self._is_cut = True
            task.cancel()

    def _gone(self) -> Message:
        if self._refuse is not None:
            return {"type": "http.disconnect"}
        closed = closing(self._ended.result())
        return {"type": "websocket.disconnect", "code": closed["code"], "reason": closed["reason"]}

    def _note_use(self) -> None:
        identity = self._visit.identity
        if identity is not None:
            self._noting = asyncio.ensure_future(self._note(identity))

    async def _note(self, identity: Identity) -> None:
        try:
            await self._keeper.verify(identity.credential, identity.client)
        except OstiaryError:
            return  # the watch sees it, too
