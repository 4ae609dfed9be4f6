"""What a request must pass before its operation is done: own origin, a verified caller, ids that can be ours."""

from __future__ import annotations

from typing import Any, Final

from ostiary.contract.operation import Operation
from ostiary.core.token import is_id
from ostiary.errors import (
    ClientNotFound,
    OstiaryError,
    PlanNotFound,
    ResourceNotFound,
    SessionNotFound,
    TokenNotFound,
    Unauthenticated,
)
from ostiary.http.callers import Identified, identify, presented
from ostiary.http.client_callers import identify_client, read_basic
from ostiary.http.cookies import accepted_names
from ostiary.http.exchange import Exchange
from ostiary.http.heads import ensure_readable
from ostiary.http.origins import SAFE_METHODS, ensure_own_origin
from ostiary.http.reading import ensure_known
from ostiary.http.routing import Parameters

_IDS: Final[dict[str, type[OstiaryError]]] = {
    "session_id": SessionNotFound,
    "token_id": TokenNotFound,
    "client_id": ClientNotFound,
    "plan_id": PlanNotFound,
    "resource_id": ResourceNotFound,
}


async def ensure_may_ask(operation: Operation[..., Any, Any], exchange: Exchange, parameters: Parameters) -> None:
    """Return once the caller is in the exchange, and nothing speaks against asking.

    Raises:
        NotAllowed: it changes something and did not come from our own origin; or it is for administrators.
        Unauthenticated: no credential that works, and the operation needs one.
        SessionNotFound, TokenNotFound, ClientNotFound, PlanNotFound, ResourceNotFound: an id in the path that cannot be
            one of ours; no store is asked.
        InvalidRequest: a query that cannot be read, or with a parameter that the operation does not know.
    """
    if operation.who == "nobody":
        return
    query = exchange.scope["query_string"]
    ensure_readable(query)
    await _identify(operation, exchange)
    if operation.is_administration:
        exchange.caller.ensure_admin()  # before any field is judged
    ensure_ids(parameters)
    ensure_known(operation, query)


def ensure_ids(parameters: Parameters) -> None:
    """Return if every id in a path can be one of ours; no store is asked about another.

    Raises:
        SessionNotFound, TokenNotFound, ClientNotFound, PlanNotFound, ResourceNotFound: by its name.
    """
    for name, value in parameters.items():
        if name in _IDS and not is_id(value):
            raise _IDS[name]


async def _identify(operation: Operation[..., Any, Any], exchange: Exchange) -> None:
    settings, authority = exchange.context.settings, exchange.authority
    given = exchange.given = presented(exchange.scope["headers"], accepted_names(settings))
    if exchange.method not in SAFE_METHODS and given.bearer is None:
        ensure_own_origin(exchange.headers, exchange.arrival, settings.public_url, must_say=bool(given.cookies))
    if operation.who == "anybody":
        exchange.identified = await _if_any(exchange)
    elif operation.who == "service" and (basic := read_basic(exchange.headers.get("authorization"))) is not None:
        exchange.identified = await identify_client(authority, basic, exchange.client)
    else:
        exchange.identified = await identify(authority, given, exchange.client)


async def _if_any(exchange: Exchange) -> Identified | None:
    """The caller, or None: where signing in and out work with a credential that does not work any more, or with two."""
    try:
        return await identify(exchange.authority, exchange.given, exchange.client)
    except Unauthenticated:
        return None
