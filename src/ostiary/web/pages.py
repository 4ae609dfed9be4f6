"""All pages, as a part that an application takes in."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from litestar import Litestar, Router
from litestar.config.app import AppConfig
from litestar.plugins import InitPlugin

from ostiary.errors import ReauthenticationRequired, TooManyRequests, WrongCredentials
from ostiary.feed import Feed
from ostiary.web import (
    assets,
    authorize,
    console,
    end_session,
    entering,
    leaving,
    live,
    password,
    reports,
    session_acts,
    sessions,
    step_up,
    tokens,
)
from ostiary.web.access import guard
from ostiary.web.failures import PAGE, Failures

ROUTER: Final = Router(
    "/",
    guards=[guard],
    opt={PAGE: True},
    include_in_schema=False,
    route_handlers=[
        entering.router,
        leaving.router,
        authorize.router,
        end_session.router,
        sessions.router,
        session_acts.router,
        live.router,
        tokens.router,
        password.router,
        console.ROUTER,
    ],
    exception_handlers=dict.fromkeys((ReauthenticationRequired, TooManyRequests, WrongCredentials), step_up.ask),
)


class Pages(InitPlugin):
    """The pages' routes, their way to fail, and the feed that open pages share."""

    def __init__(self, feed: Feed) -> None:
        """The feed of this process."""
        self._feed = feed

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add them to what the application has; its way to answer errors stays for everything that is no page."""
        failures = Failures(app_config.exception_handlers[Exception])
        app_config.route_handlers += [ROUTER, assets.router, reports.router]
        app_config.exception_handlers = {**app_config.exception_handlers, Exception: failures}
        app_config.after_exception.append(failures.before)
        app_config.state["feed"] = self._feed
        app_config.lifespan = [*app_config.lifespan, self._lifespan]
        return app_config

    @asynccontextmanager
    async def _lifespan(self, _: Litestar) -> AsyncIterator[None]:
        _on_the_way_down(self._feed)
        yield
        await self._feed.close()


def _on_the_way_down(feed: Feed) -> None:
    """End the streams when the process is told to stop: a server waits for every answer that is under way."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.getsignal(number)

        def stop(received: int, frame: Any, before: Any = before) -> None:
            loop.call_soon_threadsafe(feed.hang_up)
            if callable(before):
                before(received, frame)

        if callable(before):
            signal.signal(number, stop)
