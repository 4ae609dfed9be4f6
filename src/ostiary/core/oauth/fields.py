"""The fields of OAuth requests, in a query or a form; and the word for what is wrong with them."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from ostiary.errors import InvalidRequest, NotAllowed, OAuthError, OstiaryError, StoreUnavailable, Unauthenticated

MAXIMUM_FIELDS: Final = 64


def read_fields(content: bytes) -> dict[str, str]:
    """The fields by name. An empty one counts as missing, and none may come twice (RFC 6749 3.1, 3.2).

    Raises:
        InvalidRequest: it cannot be read, or a field came twice.
    """
    try:
        pairs = parse_qsl(
            content.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAXIMUM_FIELDS
        )
    except ValueError:
        raise InvalidRequest("request", "cannot be read") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidRequest(name[:64], "was given more than once")
        if "\0" in value:
            raise InvalidRequest(name[:64], "must not hold the character NUL")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def code_of(error: OstiaryError) -> str:
    """The standards' word for an error (RFC 6749 4.1.2.1 and 5.2, RFC 6750 3.1)."""
    if isinstance(error, OAuthError | InvalidRequest):
        return error.code
    if isinstance(error, NotAllowed):
        return "insufficient_scope"
    if isinstance(error, Unauthenticated):
        return "invalid_token"
    return "temporarily_unavailable" if isinstance(error, StoreUnavailable) else "server_error"
