"""The ASGI lifespan protocol: the server says when to start up and shut down, and is sent the outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from ostiary.http.asgi import Receive, Send


async def answer(
    begin: Callable[[], Awaitable[object]], end: Callable[[], Awaitable[object]], receive: Receive, send: Send
) -> None:
    """Begin and end when the server says so. An error goes on to the server after it was told that this has failed."""
    await receive()  # `lifespan.startup`: nothing else comes first
    await _run("startup", begin, send)
    await receive()  # `lifespan.shutdown`
    await _run("shutdown", end, send)


async def _run(phase: Literal["startup", "shutdown"], act: Callable[[], Awaitable[object]], send: Send) -> None:
    try:
        await act()
    except Exception as error:
        await send({"type": f"lifespan.{phase}.failed", "message": str(error)})
        raise
    await send({"type": f"lifespan.{phase}.complete"})
