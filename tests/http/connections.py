"""A served application, and connections to it on which bytes are sent as they are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from ostiary.authority.batch import Batch
from ostiary.http.asgi import ASGIApp, Receive, Scope, Send
from ostiary.http.front import Front

WAIT = 20.0  # seconds
PLAIN: dict[str, Any] = {"access_log": False, "proxy_headers": False, "interface": "asgi3", "timeout_keep_alive": 1}
LAST = b"GET /nowhere HTTP/1.1\r\nHost: a\r\nX-Request-ID: last\r\nConnection: close\r\n\r\n"


def plainly(app: ASGIApp) -> ASGIApp:
    """The same application, where the protocol finds nobody to ask directly."""

    async def passing(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return passing


@asynccontextmanager
async def serving(app: ASGIApp, **more: Any) -> AsyncIterator[uvicorn.Server]:
    config = uvicorn.Config(app, http=Front, ws="none", lifespan="off", port=0, log_config=None, **PLAIN | more)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    try:
        yield server
    finally:
        server.should_exit = True
        await running


async def connect(server: uvicorn.Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])


async def send(server: uvicorn.Server, *pieces: bytes) -> bytes:
    """All that comes back, without what differs by the clock or by chance."""
    reader, writer = await connect(server)
    for piece in (*pieces, LAST):
        writer.write(piece)
        await asyncio.sleep(0.02 if len(pieces) > 1 else 0)
    answer = await asyncio.wait_for(reader.read(), WAIT)
    writer.close()
    answer = re.sub(rb"(?m)^date: .*\r\n", b"date\r\n", answer)
    return re.sub(rb"[0-9a-f]{24}", b"by-chance", answer)


class Held:
    """A store that answers when it is told to."""

    def __init__(self, batch: Batch[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.release = asyncio.Event(), asyncio.Event()
        original = batch._ask

        async def held(ids):
            self.asked.set()
            await self.release.wait()
            rows = original(ids)
            return await rows if asyncio.iscoroutine(rows) else rows

        monkeypatch.setattr(batch, "_ask", held)
