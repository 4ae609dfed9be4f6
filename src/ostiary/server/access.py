"""What a request must pass before its handler runs: own origin, a verified caller, no parameter that nobody reads."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from ostiary.core.token import is_id
from ostiary.errors import (
    ClientNotFound,
    InvalidRequest,
    OstiaryError,
    PlanNotFound,
    SessionNotFound,
    TokenNotFound,
    Unauthenticated,
)
from ostiary.server.callers import Identified, Presented, identify, presented
from ostiary.server.client_callers import identify_client, read_basic
from ostiary.server.context import context_of
from ostiary.server.cookies import accepted_names
from ostiary.server.exchange import exchange_of
from ostiary.server.heads import ensure_readable
from ostiary.server.origins import SAFE_METHODS, ensure_own_origin

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]

PUBLIC: Final = "public"  # in a handler's `opt`: works without a credential
ADMINISTRATION: Final = "/api/v1/admin/"  # under it, everything is an administrator's
SERVICE: Final = "service"  # in a handler's `opt`: an OAuth client may prove itself by HTTP Basic, too
_IDS: Final[dict[str, type[OstiaryError]]] = {
    "session_id": SessionNotFound,
    "token_id": TokenNotFound,
    "client_id": ClientNotFound,
    "plan_id": PlanNotFound,
}


async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let a request through to its handler, with its caller in the exchange.

    Raises:
        NotAllowed: it changes something and did not come from our own origin.
        Unauthenticated: no credential that works, and the handler needs one.
        SessionNotFound, TokenNotFound, ClientNotFound, PlanNotFound: an id in the path that cannot be one of ours; no
            store is asked.
        InvalidRequest: a query parameter that the handler does not know.
    """
    method = str(connection.scope["method"])  # type: ignore[typeddict-item]  # only HTTP gets here
    if method == "OPTIONS":
        return
    ensure_readable(connection.scope["query_string"])
    context, exchange = context_of(connection), exchange_of(connection.scope)
    given = presented(connection.scope["headers"], accepted_names(context.settings))
    exchange.given = given
    if method not in SAFE_METHODS and given.bearer is None:
        ensure_own_origin(
            connection.headers, exchange.arrival, context.settings.public_url, must_say=bool(given.cookies)
        )
    if handler.opt.get(PUBLIC):
        exchange.identified = await _if_any(connection, given)
    elif handler.opt.get(SERVICE) and (basic := read_basic(connection.headers.get("authorization"))) is not None:
        exchange.identified = await identify_client(context.authority, basic, exchange.client)
    else:
        exchange.identified = await identify(context.authority, given, exchange.client)
    if exchange.identified is not None and connection.scope["path_template"].startswith(ADMINISTRATION):
        exchange.identified.caller.ensure_admin()  # before any field is judged
    for name, error in _IDS.items():
        if name in connection.path_params and not is_id(connection.path_params[name]):
            raise error
    _ensure_known(connection, handler)


async def _if_any(connection: Connection, given: Presented) -> Identified | None:
    """The caller, or None: where signing in and out work with a credential that does not work any more, or with two."""
    try:
        return await identify(context_of(connection).authority, given, exchange_of(connection.scope).client)
    except Unauthenticated:
        return None


def _ensure_known(connection: Connection, handler: BaseRouteHandler) -> None:
    known = handler.parsed_fn_signature.parameters
    for name, values in connection.query_params.dict().items():
        if name not in known or name in connection.path_params:
            raise InvalidRequest(name[:64], "there is no such query parameter here")
        if len(values) > 1:
            raise InvalidRequest(name[:64], "was given more than once")
