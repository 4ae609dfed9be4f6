"""All pages, as a part that an application takes in."""

from __future__ import annotations

from typing import Final

from litestar import Router
from litestar.config.app import AppConfig
from litestar.plugins import InitPlugin

from ostiary.errors import ReauthenticationRequired, TooManyRequests, WrongCredentials
from ostiary.web import (
    applications,
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
        applications.router,
        password.router,
        console.ROUTER,
    ],
    exception_handlers=dict.fromkeys((ReauthenticationRequired, TooManyRequests, WrongCredentials), step_up.ask),
)


class Pages(InitPlugin):
    """The pages' routes, and their way to fail."""

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add them to what the application has; its way to answer errors stays for everything that is no page."""
        failures = Failures(app_config.exception_handlers[Exception])
        app_config.route_handlers += [ROUTER, assets.router, reports.router]
        app_config.exception_handlers = {**app_config.exception_handlers, Exception: failures}
        app_config.after_exception.append(failures.before)
        return app_config
