"""The fields of OAuth requests, in a query or a form; and the word for what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

from ostiary.errors import InvalidRequest, NotAllowed, OAuthError, OstiaryError, StoreUnavailable, Unauthenticated
from ostiary.errors.translatable import translatable

MAXIMUM_FIELDS: Final = 64
MAXIMUM_REQUEST: Final = 8192  # bytes; packed it still passes as a query (`http.limits`)
SEVERAL: Final = "resource"

# What a client sends along with its user: to the authorization endpoint, and to log out.
AUTHORIZATION: Final = frozenset(
    {
        *("client_id", "response_type", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"),
        *("nonce", "prompt", "max_age", "response_mode", "id_token_hint", "login_hint", "resource"),
        *("request", "request_uri", "registration"),
    }
)
LOGOUT: Final = frozenset({"id_token_hint", "client_id", "post_logout_redirect_uri", "state"})


def read_fields(content: bytes, names: Collection[str]) -> dict[str, str]:
    """The fields that are named here, as far as they are there; all others are ignored, however often they come.

    An empty one counts as missing, and none may come twice (RFC 6749 3.1, 3.2) but `resource`: of several, which RFC
    8707 2 lets a client send, the values are joined by a space, as those of a scope are. No URI has one.

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
        if name not in names:
            continue
        if "\0" in value:
            raise InvalidRequest(name, "must not hold the character NUL")
        if name in found and name != SEVERAL:
            raise InvalidRequest(name, "was given more than once")
        found[name] = " ".join(filter(None, dict.fromkeys((found.get(name), value))))
    return {name: value for name, value in found.items() if value}


def written(asked: Mapping[str, str]) -> bytes:
    """A request as a form, or a query.

    Raises:
        InvalidRequest: it is longer than any that we take.
    """
    content = urlencode(asked).encode()
    if len(content) > MAXIMUM_REQUEST:
        raise InvalidRequest("request", translatable("is longer than %(most)s bytes", most=MAXIMUM_REQUEST))
    return content


def code_of(error: OstiaryError) -> str:
    """The standards' word for an error (RFC 6749 4.1.2.1 and 5.2, RFC 6750 3.1)."""
    if isinstance(error, OAuthError | InvalidRequest):
        return error.code
    if isinstance(error, NotAllowed):
        return "insufficient_scope"
    if isinstance(error, Unauthenticated):
        return "invalid_token"
    return "temporarily_unavailable" if isinstance(error, StoreUnavailable) else "server_error"
