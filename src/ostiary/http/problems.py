"""Errors as clients see them: `application/problem+json` (RFC 9457), with the challenges that go with a 401."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec

from ostiary.errors import (
    InvalidRequest,
    NoCredentials,
    NotAllowed,
    NotFound,
    OstiaryError,
    ReauthenticationRequired,
    WrongCredentials,
)
from ostiary.errors.translatable import translatable

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:ostiary:error:"

_encoder = msgspec.json.Encoder()


class BadRequest(InvalidRequest):
    """The request as a whole cannot be read: not JSON, too large, a method that is not there. `code` stays.

    Attributes:
        status: 400, 405, 408, 413, 414, 415 or 431.
        headers: what goes with it, such as `Allow`.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Say what is wrong with the request, and what would be right."""
        OstiaryError.__init__(self, message)
        self.status = status  # type: ignore[misc]  # the one error with several
        self.headers = dict(headers or {})


class RouteNotFound(NotFound):
    """There is nothing at this path."""

    title = translatable("There is nothing here")


def body(error: OstiaryError, request_id: str) -> bytes:
    """The problem object."""
    return _encoder.encode(members(error, request_id))


def members(error: OstiaryError, request_id: str) -> dict[str, Any]:
    """What is in a problem object. `error` and `message` repeat the words, for simple clients."""
    return {
        "type": f"{TYPE_PREFIX}{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.message,
        "request_id": request_id,
        "error": error.message,
        "message": error.message,
        **error.fields,
    }


def headers(error: OstiaryError) -> RawHeaders:
    """The media type, and what the status asks for."""
    found: RawHeaders = [(b"content-type", MEDIA_TYPE.encode())]
    if error.status in {401, 403}:
        challenge = _challenge(error)
        if challenge:
            found.append((b"www-authenticate", challenge.encode("latin-1", "replace")))
    retry_after = error.fields.get("retry_after")
    if retry_after is not None:
        found.append((b"retry-after", str(retry_after).encode()))
    if isinstance(error, BadRequest):
        found += [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    return found


def _challenge(error: OstiaryError) -> str:
    """`WWW-Authenticate`: RFC 6750 3, and RFC 9470 3 where a fresher sign-in is what is missing."""
    if isinstance(error, NoCredentials):
        return "Bearer"
    if isinstance(error, NotAllowed):
        scope = error.fields.get("scope")
        return _bearer("insufficient_scope", error, scope=scope) if scope else ""
    if isinstance(error, ReauthenticationRequired):
        return _bearer("insufficient_user_authentication", error, max_age=error.fields["max_age"])
    if isinstance(error, WrongCredentials):
        return _bearer("invalid_grant", error)  # RFC 6749 5.2: the password was wrong, not the bearer
    return _bearer("invalid_token", error)


def _bearer(code: str, error: OstiaryError, **more: Any) -> str:
    words = {"error": code, "error_description": error.title, **more}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in words.items())
