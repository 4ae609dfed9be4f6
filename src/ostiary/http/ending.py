"""The end of the process: streams are told first, as a server waits for every answer that is under way."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any


def on_the_way_down(hang_up: Callable[[], None]) -> None:
    """Call `hang_up` when the process is told to stop (SIGINT, SIGTERM), before whoever else is told."""
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
