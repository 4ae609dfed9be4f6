"""The console: an administrator's pages."""

from __future__ import annotations

from typing import Final

from litestar import Router

from ostiary.web.console import (
    clients,
    events,
    neutralise,
    overview,
    plans,
    session_acts,
    sessions,
    user_acts,
    users,
    verifiers,
)
from ostiary.web.console.access import administrators

ROUTER: Final = Router(
    "/admin",
    guards=[administrators],
    route_handlers=[
        *overview.HANDLERS,
        *sessions.HANDLERS,
        *users.HANDLERS,
        *user_acts.HANDLERS,
        *session_acts.HANDLERS,
        *events.HANDLERS,
        *plans.HANDLERS,
        *neutralise.HANDLERS,
        *verifiers.HANDLERS,
        *clients.HANDLERS,
    ],
)
