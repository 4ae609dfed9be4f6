"""The ASGI lifespan protocol: the server says when to start up and shut down, and is sent the outcome.

And the end of the process: streams are told first, as a server waits for every answer that is under way.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Literal

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


def on_shutdown(hang_up: Callable[[], None]) -> None:
    """Call `hang_up` at SIGINT and SIGTERM, before the handlers that were there."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.getsignal(number)

        def stop(received: int, frame: Any, before: Any = before) -> None:
            loop.call_soon_threadsafe(hang_up)
            if callable(before):
                before(received, frame)

        if callable(before):
            signal.signal(number, stop)
