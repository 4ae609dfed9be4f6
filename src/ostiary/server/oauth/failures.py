"""Errors in OAuth's words: `error` and `error_description` (RFC 6749 5.2), or `message` for the sessions namespace."""

from __future__ import annotations

from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from ostiary.core.oauth.fields import code_of
from ostiary.errors import (
    InvalidClient,
    InvalidRequest,
    OAuthError,
    OstiaryError,
    SessionNotFound,
    StoreUnavailable,
)
from ostiary.server import failures, problems
from ostiary.server.context import context_of

BASIC: Final = 'Basic realm="ostiary", charset="UTF-8"'

log = structlog.get_logger("ostiary.http")


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """At the endpoints of RFC 6749, 7009, 7662 and OIDC."""
    known = _known(request, error)
    content = {"error": code_of(known), "error_description": _plain(known.message)}
    headers = _headers(known)
    if isinstance(known, InvalidClient) and "authorization" in request.headers:
        headers["www-authenticate"] = BASIC
    return Response(content, status_code=_status(known), headers=headers)


def answer_message(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """In the sessions namespace."""
    known = _known(request, error)
    words = "Session not found" if isinstance(known, SessionNotFound) else known.message
    return Response({"message": words}, status_code=_status(known), headers=_headers(known))


def _known(request: Request[Any, Any, Any], error: Exception) -> OstiaryError:
    if isinstance(error, HTTPException) and error.status_code < 500:
        return problems.BadRequest(error.status_code, "the request cannot be read", error.headers)
    known = failures.translate(error)
    if isinstance(known, StoreUnavailable):
        context_of(request).metrics.store_unavailable.inc()
        log.warning("store.unavailable", cause=known.cause, why=known.sentence or repr(known.__cause__))
    elif known.status >= 500:
        log.error("fault", exc_info=error)
    return known


def _status(error: OstiaryError) -> int:
    # RFC 6749 5.2 has every fault of a request answered 400, where our own API says 422.
    return 400 if isinstance(error, InvalidRequest) and error.status == 422 else error.status


def _headers(error: OstiaryError) -> dict[str, str]:
    found = {name.decode(): value.decode("latin-1") for name, value in problems.headers(error)}
    del found["content-type"]
    if isinstance(error, OAuthError):
        found.pop("www-authenticate", None)
    return found


def _plain(text: str) -> str:
    """What RFC 6749 5.2 lets a description hold."""
    return "".join(c for c in text if c.isascii() and c.isprintable() and c not in '"\\')
