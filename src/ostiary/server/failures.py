"""Whatever goes wrong in a handler, or on the way to it, becomes a problem."""

from __future__ import annotations

from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from ostiary.errors import InvalidRequest, OstiaryError, ServerFault, StoreUnavailable
from ostiary.server import problems
from ostiary.server.complaints import in_words
from ostiary.server.context import context_of
from ostiary.server.exchange import exchange_of
from ostiary.server.problems import BadRequest, RouteNotFound

_WORDS: Final = {
    400: "the request cannot be read",
    405: "the method is not there for this path",
    413: "the body is larger than this call takes, which is 64 KiB for most",
}

log = structlog.get_logger("ostiary.http")


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The problem that says what went wrong: to the client what it may know, to the log all of it."""
    known = translate(error)
    exchange = exchange_of(request.scope)
    exchange.code = known.code
    if isinstance(known, ServerFault):
        log.error("fault", exc_info=error)
    elif isinstance(known, StoreUnavailable):
        context_of(request).metrics.store_unavailable.inc()
        log.warning("store.unavailable", cause=known.cause, why=known.sentence or repr(known.__cause__))
    content = problems.body(known, exchange.request_id)
    headers = {name.decode(): value.decode("latin-1") for name, value in problems.headers(known)}
    media_type = headers.pop("content-type")
    return Response(content, status_code=known.status, headers=headers, media_type=media_type)


def translate(error: Exception) -> OstiaryError:
    """What a client may know of it: an error of the tree, `ServerFault` for whatever is our mistake."""
    if isinstance(error, OstiaryError):
        return error if error.status < 500 or isinstance(error, StoreUnavailable) else ServerFault()
    if isinstance(error, ValidationException):
        return _invalid(error)
    if isinstance(error, HTTPException) and error.status_code < 500:
        if error.status_code == 404:
            return RouteNotFound()
        words = _WORDS.get(error.status_code, "the request cannot be read")
        return BadRequest(error.status_code, words, error.headers)
    return ServerFault()


def _invalid(error: ValidationException) -> OstiaryError:
    """The first parameter that is wrong: Litestar names it in `extra`."""
    first = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    key = first.get("key", "")
    if key == "data":
        return BadRequest(400, "a JSON object is expected as the body")
    return InvalidRequest(key or "request", in_words(str(first.get("message", "is not valid"))))
