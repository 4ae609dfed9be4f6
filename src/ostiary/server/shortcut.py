"""The shortcut: what is asked the most is answered without ASGI in between (`Application.shortcuts`).

uvicorn makes a scope, a cycle and a task of every request; here, the question goes straight into the batch, and its
answer straight to the transport (measured by bench/verify.py). Whatever is not the usual case goes the plain way:
another path, method or version, a body, a request that waits behind another one, every answer but a plain yes. So
there is one place that explains, and nothing is lost under a server without this protocol but speed.
tests/server/test_shortcut.py sends the same bytes both ways and compares.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from ostiary.server.asked import Accepted, Asked
from ostiary.server.exchange import request_id
from ostiary.server.heads import is_host
from ostiary.server.protocol import BoundedProtocol

_NONE: Final[Mapping[bytes, Asked]] = {}
# A request with one of these has a body, or wants to talk about the connection first.
_UNUSUAL: Final = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})
_OK: Final[bytes] = STATUS_LINE[200]


class ShortcutProtocol(BoundedProtocol):
    """Answers the usual `GET` of some paths by itself, and leaves the rest to the application."""

    _shortcuts: Mapping[bytes, Asked] = _NONE

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See what is answered on this connection: not everything on every address."""
        super().connection_made(transport)
        door = getattr(self.app, "metrics_door", None)
        if door is None or not door.is_of(self.server):
            self._shortcuts = getattr(self.app, "shortcuts", _NONE)

    def on_headers_complete(self) -> None:
        """Ask at once, or begin an ordinary request."""
        asked = self._asked()
        if asked is not None:
            named = dict(self.headers)
            # A name that was sent twice is nothing usual; without those, the mapping says all that the list does.
            is_usual = len(named) == len(self.headers) and _UNUSUAL.isdisjoint(named) and is_host(named.get(b"host"))
            token = asked.token(named) if is_usual else None
            if token is not None:
                self.head_ended()
                inquiry = self.cycle = Inquiry(self, request_id(named.get(b"x-request-id")))
                asked.ask(token, self.scope, inquiry.request_id, inquiry.answered)
                return
        super().on_headers_complete()

    def _asked(self) -> Asked | None:
        """Who can be asked about this request; None if it has to go the plain way."""
        asked = self._shortcuts.get(self.url)
        if asked is None or self.parser.get_method() != b"GET" or not self.head_is_short:
            return None
        before: RequestResponseCycle | None = self.cycle
        is_behind_another = before is not None and not before.response_complete
        if is_behind_another or self.flow.write_paused or not self.parser.should_keep_alive():
            return None
        if self.parser.get_http_version() != "1.1" or not getattr(self.app, "is_open", False):
            return None
        is_plain = self.root_path or self.access_log or self.limit_concurrency is not None
        return None if is_plain else asked


class Inquiry(RequestResponseCycle):
    """A request that was asked about: as much of a cycle as the protocol looks at, all of one if it comes to that."""

    message_event = asyncio.Event()  # nobody waits for it, so it can be everybody's
    disconnected = False
    keep_alive = True
    more_body = True
    response_complete = False

    def __init__(self, protocol: ShortcutProtocol, request_id: str) -> None:
        """Ask first, make no cycle yet."""
        self._protocol = protocol
        self._scope: Any = protocol.scope
        self._url = protocol.url
        self.request_id = request_id

    def answered(self, accepted: Accepted | None) -> None:
        """Write a yes; anything else is found out, and said, the plain way."""
        protocol = self._protocol
        if self.disconnected or protocol.transport.is_closing():
            self.response_complete = True
        elif accepted is None:
            self._go_the_plain_way()
        else:
            protocol.transport.write(self._response(accepted))
            self.response_complete = True
            if not self.keep_alive:
                protocol.transport.close()
            protocol.on_response_complete()

    def _response(self, accepted: Accepted) -> bytes:
        # As uvicorn writes it: its own headers first, and what becomes of the connection last.
        begin = _beginning.of(self._protocol.server_state.default_headers)
        end = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        return b"".join((begin, accepted.before, self.request_id.encode(), accepted.after, end, accepted.body))

    def _go_the_plain_way(self) -> None:
        protocol, keep_alive = self._protocol, self.keep_alive
        path = {"path": self._url.decode("ascii"), "raw_path": self._url, "query_string": b""}
        self._scope |= {"method": "GET", **path}
        super().__init__(
            scope=self._scope,
            transport=protocol.transport,
            flow=protocol.flow,
            logger=protocol.logger,
            access_logger=protocol.access_logger,
            access_log=protocol.access_log,
            default_headers=protocol.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=protocol.on_response_complete,
        )
        self.more_body = False
        self.message_event.set()  # as the request is complete
        protocol._start_asgi_task(self, protocol.app)


class Beginning:
    """How each answer begins: the status, and the headers that uvicorn replaces by others once a second."""

    def __init__(self) -> None:
        """Made when it is asked for."""
        self._headers: list[tuple[bytes, bytes]] | None = None
        self._lines = b""

    def of(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """The lines of these headers."""
        if headers is not self._headers:
            self._lines = b"".join([_OK, *(b"%b: %b\r\n" % header for header in headers)])
            self._headers = headers
        return self._lines


_beginning: Final = Beginning()
