"""A connection before anything is said on it: known to the server, with back-pressure both ways, and an end."""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeAlias, cast

import uvicorn
from uvicorn.server import ServerState

from ostiary.http import wire
from ostiary.http.patience import Patience
from ostiary.http.target import read_target

READ_TIMEOUT: Final = 30  # seconds that a client may take nothing of an answer that waits for it

Address: TypeAlias = tuple[str, int | None]  # as ASGI has it


class Link(asyncio.Protocol):
    """One connection, as uvicorn makes it for `uvicorn.Config(http=…)`.

    Attributes:
        is_full: whether the client has still to read what was written.
    """

    is_full = False
    _transport: asyncio.Transport
    _loop: asyncio.AbstractEventLoop
    _patience: Patience
    _server: Address | None = None
    _client: Address | None = None
    _scheme = "http"
    _writable: asyncio.Event | None = None
    _unread: asyncio.TimerHandle | None = None
    _is_paused = False

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Not connected yet."""
        if not config.loaded:
            config.load()
        self._app: Any = config.loaded_app
        self._keep_alive = config.timeout_keep_alive
        self._server_state = server_state
        self._app_state = app_state

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the server know: when it stops, it calls `shutdown`, and waits for `connection_lost`."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        self._patience = Patience(self._loop)
        self._server, self._client = _address(transport, "sockname"), _address(transport, "peername")
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        cast("set[Any]", self._server_state.connections).add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more, and whoever waits to write goes on."""
        cast("set[Any]", self._server_state.connections).discard(self)
        self._patience.end()
        self.resume_writing()

    @property
    def peer(self) -> str | None:
        """The address at its other end; None where there is no network between."""
        return self._client[0] if self._client is not None else None

    def scope_of(
        self, method: str, url: bytes, headers: list[tuple[bytes, bytes]], version: str = "1.1"
    ) -> dict[str, Any]:
        """What ASGI says of a request.

        Raises:
            ValueError: what it asks for is none of the forms.
        """
        path, raw_path, query = read_target(url, headers)
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version,
            "server": self._server,
            "client": self._client,
            "scheme": self._scheme,
            "root_path": "",
            "headers": headers,
            "state": self._app_state.copy(),
            "method": method,
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
        }

    def beginning(self, status: int) -> bytes:
        """Status line and common headers."""
        return wire.beginnings.of(status, self._server_state.default_headers)

    def write(self, data: bytes) -> None:
        """Send it on."""
        self._transport.write(data)

    def close(self) -> None:
        """Once all that was written is read: who does not read it has so long."""
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._patience.wait(READ_TIMEOUT, self._transport.abort)

    def pause_writing(self) -> None:
        """The client does not read: an answer to it would hold its memory and its place for ever."""
        self.is_full = True
        self._writable = asyncio.Event()
        self._unread = self._loop.call_later(READ_TIMEOUT, self._transport.abort)

    def resume_writing(self) -> None:
        """It does again; or it has gone."""
        self.is_full = False
        if self._writable is not None:
            self._writable.set()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    async def drain(self) -> None:
        """Return when there is room again, or nobody to write to."""
        while self.is_full and self._writable is not None:
            await self._writable.wait()

    def pause_reading(self) -> None:
        """Take in no more."""
        if not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take in more."""
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()


def _address(transport: asyncio.BaseTransport, name: str) -> Address | None:
    """One end of a connection: host and port, or the path of a Unix socket; None where it has no name."""
    found = transport.get_extra_info(name)
    if isinstance(found, tuple) and len(found) >= 2:
        return str(found[0]), int(found[1])
    return (found, None) if isinstance(found, str) and found else None
