"""Errors in OAuth's words: `error` and `error_description` (RFC 6749 5.2), or `message` for the sessions namespace."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.responses import Response

from ostiary.core.oauth.fields import code_of
from ostiary.errors import (
    InvalidClient,
    InvalidRequest,
    OAuthError,
    OstiaryError,
    ReauthenticationRequired,
    SessionNotFound,
)
from ostiary.http import problems
from ostiary.http.exchange import Exchange
from ostiary.http.failures import noted

BASIC: Final = 'Basic realm="ostiary", charset="UTF-8"'


async def failed(exchange: Exchange, error: Exception) -> Response:
    """At the endpoints of RFC 6749, 7009, 7662 and OIDC."""
    known = noted(exchange, error)
    headers = headers_of(known)
    if isinstance(known, InvalidClient) and "authorization" not in exchange.headers:
        del headers["www-authenticate"]
    return Response(msgspec.json.encode(in_oauths_words(known)), status_of(known), headers, "application/json")


async def failed_by_message(exchange: Exchange, error: Exception) -> Response:
    """In the sessions namespace."""
    known = noted(exchange, error)
    return Response(msgspec.json.encode(in_a_message(known)), status_of(known), headers_of(known), "application/json")


def in_oauths_words(error: OstiaryError) -> dict[str, Any]:
    """What is in an error of the standards."""
    return {"error": code_of(error), "error_description": _plain(error.message)}


def in_a_message(error: OstiaryError) -> dict[str, Any]:
    """What is in an error of the sessions namespace: the words; and what to do, where there is something to do."""
    if isinstance(error, ReauthenticationRequired):
        return {"message": error.message, "code": error.code, "max_age": error.max_age}
    return {"message": "Session not found" if isinstance(error, SessionNotFound) else error.message}


def status_of(error: OstiaryError) -> int:
    """RFC 6749 5.2 has every fault of a request answered 400, where our own API says 422."""
    return 400 if isinstance(error, InvalidRequest) and error.status == 422 else error.status


def headers_of(error: OstiaryError) -> dict[str, str]:
    """What goes with an error; a client that did not prove itself is told of HTTP Basic."""
    found = {name.decode(): value.decode("latin-1") for name, value in problems.headers(error)}
    del found["content-type"]
    if isinstance(error, OAuthError):
        found.pop("www-authenticate", None)
    if isinstance(error, InvalidClient):
        found["www-authenticate"] = BASIC
    return found


def _plain(text: str) -> str:
    """What RFC 6749 5.2 lets a description hold."""
    return "".join(c for c in text if c.isascii() and c.isprintable() and c not in '"\\')
