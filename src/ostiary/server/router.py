"""The routes with their handlers, put together once for all the applications of a process.

They are the same for each of them, and Litestar takes 0.1 to 0.4 s to look at all handlers. What differs, the
context, comes with the request (`context_of`).
"""

from __future__ import annotations

from functools import cache
from typing import cast

from litestar import Litestar
from litestar.plugins import InitPlugin

from ostiary.server import failures, openapi, routes
from ostiary.server.asgi import ASGIApp
from ostiary.server.bodies import MAXIMUM_BODY, ApiRequest
from ostiary.server.dependencies import DEPENDENCIES
from ostiary.server.oauth.routes import OAUTH, WELL_KNOWN


@cache
def router(*plugins: type[InitPlugin]) -> ASGIApp:
    """The API, and what `plugins` add to it; for HTTP only, as it has nothing to open and nothing to close."""
    made = Litestar(
        [routes.API, *routes.MACHINES, OAUTH, WELL_KNOWN, openapi.router],
        dependencies=DEPENDENCIES,
        request_class=ApiRequest,
        request_max_body_size=MAXIMUM_BODY,
        exception_handlers={Exception: failures.answer},
        openapi_config=None,
        logging_config=None,
        plugins=[plugin() for plugin in plugins],
    )
    return cast("ASGIApp", made)
