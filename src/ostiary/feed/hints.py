"""Wake-ups over Redis (or Valkey) pub/sub or NATS, where there is one: only "look now", never what happened.

Nothing depends on them. A hint that is lost costs the time until the next poll; one that somebody forges costs a poll.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import structlog

from ostiary.errors import ConfigurationError

CHANNEL: Final = "ostiary.feed"
TIMEOUT: Final = 5.0  # seconds to connect, or to send

log = structlog.get_logger(__name__)


class Line(Protocol):
    """A connection to the broker."""

    async def send(self) -> None:
        """Say "look now" to every other node."""

    async def hear(self, wake: Callable[[], None]) -> None:
        """Call `wake` for every hint, until the connection is lost."""

    async def close(self) -> None:
        """Give the connection back."""


def open_hints(url: str, wake: Callable[[], None], went_well: Callable[[], None] = lambda: None) -> Hints:
    """The hints of a `redis://`, `rediss://` or `nats://` URL; nothing is connected yet.

    Raises:
        ConfigurationError: another kind of URL, or the package for it is not installed. The URL is not repeated.
    """
    scheme = urlsplit(url).scheme
    try:
        if scheme in {"redis", "rediss"}:
            import redis.asyncio

            return Hints(lambda: _redis(redis.asyncio, url), wake, went_well)
        if scheme == "nats":
            import nats

            return Hints(lambda: _nats(nats, url), wake, went_well)
    except ImportError:
        extra = "redis" if scheme.startswith("redis") else "nats"
        raise ConfigurationError(f"wake_url: install ostiary[{extra}] for this", field="wake_url") from None
    raise ConfigurationError("wake_url: write redis://…, rediss://… or nats://…", field="wake_url")


class Hints:
    """Sends and hears, and connects again after every failure."""

    def __init__(
        self, connect: Callable[[], Awaitable[Line]], wake: Callable[[], None], went_well: Callable[[], None]
    ) -> None:
        """Use `open_hints`."""
        self._connect = connect
        self._wake = wake
        self._line: Line | None = None  # to send by
        self._hearing: Line | None = None
        self._due = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None
        self._went_well = went_well

    async def hear(self) -> None:
        """Hear until the connection is lost. A step of `Tasks`.

        Raises:
            Exception: whatever a client library raises.
        """
        async with asyncio.timeout(TIMEOUT):
            line = await self._connect()
        self._hearing = line
        try:
            self._wake()  # some may have been missed
            self._went_well()
            await line.hear(self._wake)
        finally:
            with contextlib.suppress(Exception):
                await line.close()
        raise ConnectionError("the connection was lost")

    def send(self) -> None:
        """Tell the other nodes; several at once are one."""
        self._due.set()
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send(), name="ostiary-hint")

    async def close(self) -> None:
        """Send what is due, and give the connections back."""
        if self._sending is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._sending, 1.0)
        if self._line is not None:
            with contextlib.suppress(Exception):
                await self._line.close()

    async def _send(self) -> None:
        while self._due.is_set():
            self._due.clear()
            try:
                async with asyncio.timeout(TIMEOUT):
                    line = self._line or await self._connect()
                    self._line = line
                    await line.send()
            except Exception as why:  # whatever a client library raises: a hint may be lost
                self._line = None
                with contextlib.suppress(Exception):
                    log.warning("feed.hint_not_sent", error=type(why).__name__)


class _RedisLine:
    def __init__(self, client: Any) -> None:
        self._client = client

    async def send(self) -> None:
        await self._client.publish(CHANNEL, b"")

    async def hear(self, wake: Callable[[], None]) -> None:
        async with self._client.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(CHANNEL)
            async for _ in channel.listen():
                wake()

    async def close(self) -> None:
        await self._client.aclose()


async def _redis(library: Any, url: str) -> Line:
    client = library.from_url(url, socket_connect_timeout=TIMEOUT, health_check_interval=10)
    await client.ping()
    return _RedisLine(client)


class _NatsLine:
    def __init__(self, client: Any, lost: asyncio.Event) -> None:
        self._client = client
        self._lost = lost

    async def send(self) -> None:
        await self._client.publish(CHANNEL, b"")
        await self._client.flush(timeout=TIMEOUT)

    async def hear(self, wake: Callable[[], None]) -> None:
        async def heard(_: object) -> None:
            wake()

        await self._client.subscribe(CHANNEL, cb=heard)
        await self._lost.wait()

    async def close(self) -> None:
        await self._client.close()


async def _nats(library: Any, url: str) -> Line:
    lost = asyncio.Event()

    async def gone() -> None:
        lost.set()

    async def failed(_: Exception) -> None:
        """The next attempt logs why it failed."""

    client = await library.connect(
        url, allow_reconnect=False, connect_timeout=TIMEOUT, disconnected_cb=gone, closed_cb=gone, error_cb=failed
    )
    return _NatsLine(client, lost)
