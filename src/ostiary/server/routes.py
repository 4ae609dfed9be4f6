"""Every route."""

from __future__ import annotations

from typing import Final

from litestar import Router

from ostiary.server import (
    admin_clients,
    admin_events,
    admin_neutralise,
    admin_plans,
    admin_privacy,
    admin_sessions,
    admin_users,
    feed,
    health,
    sessions,
    setup,
    sign_in,
    tokens,
    verifications,
    verifiers,
    verify,
)
from ostiary.server.access import guard

API: Final = Router(
    "/api/v1",
    guards=[guard],
    route_handlers=[
        sign_in.router,
        sessions.router,
        tokens.router,
        setup.router,
        admin_sessions.router,
        admin_plans.router,
        admin_users.router,
        admin_events.router,
        admin_privacy.router,
        admin_clients.router,
        admin_neutralise.router,
        feed.router,
        verifiers.router,
        verifications.router,
    ],
)
# Paths that take more than `bodies.MAXIMUM_BODY`, in bytes.
LARGER_BODIES: Final = {f"{API.path}/verifications": verifications.MAXIMUM_BODY}
MACHINES: Final = [health.router, verify.router]
