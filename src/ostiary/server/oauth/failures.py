"""Errors in OAuth's words: `error` and `error_description` (RFC 6749 5.2), or `message` for the sessions namespace."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.responses import Response

from ostiary.core.oauth.fields import code_of
from ostiary.errors import InvalidClient, InvalidRequest, OAuthError, OstiaryError, SessionNotFound
from ostiary.server import problems
from ostiary.server.exchange import Exchange
from ostiary.server.failures import noted

BASIC: Final = 'Basic realm="ostiary", charset="UTF-8"'


async def failed(exchange: Exchange, error: Exception) -> Response:
    """At the endpoints of RFC 6749, 7009, 7662 and OIDC."""
    known = noted(exchange, error)
    headers = _headers(known)
    if isinstance(known, InvalidClient) and "authorization" in exchange.headers:
        headers["www-authenticate"] = BASIC
    return _response({"error": code_of(known), "error_description": _plain(known.message)}, known, headers)


async def failed_by_message(exchange: Exchange, error: Exception) -> Response:
    """In the sessions namespace."""
    known = noted(exchange, error)
    words = "Session not found" if isinstance(known, SessionNotFound) else known.message
    return _response({"message": words}, known, _headers(known))


def _response(content: dict[str, Any], error: OstiaryError, headers: dict[str, str]) -> Response:
    # RFC 6749 5.2 has every fault of a request answered 400, where our own API says 422.
    status = 400 if isinstance(error, InvalidRequest) and error.status == 422 else error.status
    return Response(msgspec.json.encode(content), status, headers, "application/json")


def _headers(error: OstiaryError) -> dict[str, str]:
    found = {name.decode(): value.decode("latin-1") for name, value in problems.headers(error)}
    del found["content-type"]
    if isinstance(error, OAuthError):
        found.pop("www-authenticate", None)
    return found


def _plain(text: str) -> str:
    """What RFC 6749 5.2 lets a description hold."""
    return "".join(c for c in text if c.isascii() and c.isprintable() and c not in '"\\')
