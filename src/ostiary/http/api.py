"""The API's routes: every operation of the contract, with the handlers of all modules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ostiary.contract.api import operations
from ostiary.contract.operation import Operation
from ostiary.contract.verify import Gateway
from ostiary.http import (  # noqa: F401  # each has handlers, which are kept as it is loaded
    admin_clients,
    admin_events,
    admin_leaks,
    admin_plans,
    admin_resources,
    admin_sessions,
    admin_users,
    feed,
    health,
    sessions,
    sign_in,
    tokens,
    verifications,
    verifiers,
)
from ostiary.http.oauth import discovery, namespace, user_info  # noqa: F401
from ostiary.http.oauth import tokens as oauth_tokens  # noqa: F401
from ostiary.http.operations import routes
from ostiary.http.routing import Route


def api_routes() -> Iterable[Route]:
    """One for each operation but `/verify`, which the gateway answers before any route is looked for."""
    return routes(operation for operation in operations() if operation is not Gateway.verify)


def operation_of(id: str) -> Operation[..., Any, Any]:
    """The operation of that id, whose handler is there.

    Raises:
        KeyError: there is none.
    """
    return {operation.id: operation for operation in operations()}[id]
