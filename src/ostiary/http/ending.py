"""Shutdown: streams are closed first, as the server waits for every response that is in flight."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any


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
