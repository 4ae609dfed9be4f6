"""Scopes: what a client may ask for, and what it was given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, get_args

from ostiary.errors import InvalidRequest, InvalidScope

OAuthScope: TypeAlias = Literal[
    "openid",
    "profile",
    "email",
    "offline_access",
    "sessions:read",
    "sessions:revoke",
    "gateway",
    "feed:read",
]

SCOPES: Final[tuple[OAuthScope, ...]] = get_args(OAuthScope)
IDENTITY: Final[tuple[OAuthScope, ...]] = ("openid", "profile", "email", "offline_access")
# What a client of the house always has of what it was registered for, asked or not: its users' sessions are its own
# sign-ins, and `gateway` lets it use the applications behind this server's proxies. A third party has to ask.
HOUSE: Final[tuple[OAuthScope, ...]] = ("sessions:read", "sessions:revoke", "gateway")
SERVICE: Final[tuple[OAuthScope, ...]] = ("gateway", "feed:read")  # a service has no user whose identity it could read
MAXIMUM: Final = 32  # words in one request


def check_scopes(words: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes that a client is registered for, each once, in the order of `SCOPES`.

    Raises:
        InvalidRequest: one that does not exist.
    """
    wanted = list(words)
    for word in wanted:
        if word not in SCOPES:
            raise InvalidRequest("scopes", f"unknown scope {word[:32]!r}; there are {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in wanted)


def granted(asked: str | None, allowed: Iterable[str], *, always: Iterable[str] = ()) -> tuple[str, ...]:
    """The scope of a new grant: what was asked for, or all that is allowed when nothing was.

    Args:
        always: given in any case, if allowed.

    Raises:
        InvalidScope: more than is allowed.
    """
    allowed_ = tuple(allowed)
    words = (asked or "").split()
    if len(words) > MAXIMUM or not set(words) <= set(allowed_):
        raise InvalidScope
    return tuple(scope for scope in allowed_ if not words or scope in words or scope in always)


def narrowed(asked: str | None, had: tuple[str, ...]) -> tuple[str, ...]:
    """The scope of a refreshed access token: never more than the grant has (RFC 6749 6).

    Raises:
        InvalidScope: more.
    """
    return granted(asked, had)
