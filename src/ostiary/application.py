"""The whole: the HTTP API and the pages, as one ASGI application and as one process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ostiary.authority import Authority
from ostiary.authority.authority import utc_now
from ostiary.http.app import Application
from ostiary.settings import Settings
from ostiary.web import failures
from ostiary.web.pages import page_routes


def create_app(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Application:
    """As `ostiary.http.app.create_app`, with the pages.

    Raises:
        ConfigurationError: a setting contradicts another, or the database's URL cannot be used.
    """
    return Application(settings, Authority(settings, clock=clock), routes=page_routes(), nothing=failures.nothing)


def run(settings: Settings) -> None:
    """Serve until told to stop (SIGINT, SIGTERM).

    Raises:
        ConfigurationError: the address is taken, the database cannot be used, or it is not migrated.
    """
    from ostiary.http.serving import serve

    serve(settings, create_app)
