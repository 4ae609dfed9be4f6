"""Whatever goes wrong in an operation, or on the way to it, becomes a problem."""

from __future__ import annotations

import structlog
from starlette.responses import Response

from ostiary.errors import OstiaryError, ServerFault, StoreUnavailable
from ostiary.http import problems
from ostiary.http.exchange import Exchange

log = structlog.get_logger("ostiary.http")


async def failed(exchange: Exchange, error: Exception) -> Response:
    """The problem that says what went wrong: to the client what it may know, to the log all of it."""
    return problem(exchange, noted(exchange, error))


def problem(exchange: Exchange, known: OstiaryError) -> Response:
    """An error as it is sent (RFC 9457)."""
    headers = {name.decode(): value.decode("latin-1") for name, value in problems.headers(known)}
    return Response(problems.body(known, exchange.request_id), known.status, headers)


def noted(exchange: Exchange, error: Exception) -> OstiaryError:
    """What a client may know of an error: one of the tree, `ServerFault` for whatever is our mistake.

    All of it is counted and logged.
    """
    if isinstance(error, OstiaryError) and (error.status < 500 or isinstance(error, StoreUnavailable)):
        known = error
    else:
        known = ServerFault()
        log.error("fault", exc_info=error)
    exchange.code = known.code
    if isinstance(known, StoreUnavailable):
        exchange.context.metrics.store_unavailable.inc()
        log.warning("store.unavailable", cause=known.cause, why=known.sentence or repr(known.__cause__))
    return known
