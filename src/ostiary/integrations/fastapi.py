"""FastAPI, and any Starlette application: `install`, then `Depends(current_session)` and `Depends(require(role=…))`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection

from ostiary.integrations.asgi import OstiaryMiddleware
from ostiary.integrations.identity import Identify, Identity, Keeper
from ostiary.integrations.visit import Visit, visit_of

__all__ = [
    "CurrentSession",
    "Identity",
    "Visitor",
    "current_session",
    "install",
    "optional_session",
    "require",
    "visit",
]


def install(
    app: FastAPI,
    keeper: Keeper,
    *,
    required: bool = False,
    identify: Identify | None = None,
    check_origin: bool = True,
) -> None:
    """Put the middleware in front of an application, and let it answer our errors.

    Args:
        app: the application.
        keeper: what answers: `Embedded` or `Remote`.
        required: True to let nobody through who is not signed in.
        identify: the application's own users: gets the `HTTPConnection`, answers a `User`, or None for nobody.
        check_origin: see `OstiaryMiddleware`.
    """
    asked = None if identify is None else lambda scope: identify(HTTPConnection(scope))
    app.add_middleware(OstiaryMiddleware, keeper=keeper, required=required, identify=asked, check_origin=check_origin)


def visit(connection: HTTPConnection) -> Visit:
    """The visit of a request or a WebSocket: to start a session, to sign out, to list and to end."""
    return visit_of(connection.scope)


async def current_session(connection: HTTPConnection) -> Identity:
    """Who sent it. Nobody: the answer is 401; the store is away: 503."""
    return await visit_of(connection.scope).current()


async def optional_session(connection: HTTPConnection) -> Identity | None:
    """Who sent it, or None for nobody. The store is away: 503."""
    return await visit_of(connection.scope).current_or_none()


def require(*, role: str | None = None, scope: str | None = None) -> Callable[..., Awaitable[Identity]]:
    """A dependency: who sent it, if they have the role and the scope. Otherwise the answer is 403."""

    async def required(connection: HTTPConnection) -> Identity:
        identity = await current_session(connection)
        identity.ensure(role=role, scope=scope)
        return identity

    return required


CurrentSession: TypeAlias = Annotated[Identity, Depends(current_session)]
Visitor: TypeAlias = Annotated[Visit, Depends(visit)]
