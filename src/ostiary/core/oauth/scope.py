"""Scopes: what a client may ask for, and what it was given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, get_args

from ostiary.errors import InvalidRequest, InvalidScope
from ostiary.errors.translatable import translatable

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
# Never given unasked: what they let a client do at this server, and behind its proxies, is more than to know its user.
ON_REQUEST: Final[tuple[OAuthScope, ...]] = ("sessions:read", "sessions:revoke", "gateway", "feed:read")
# What a client of the house needs no scope for in the sessions namespace: its users' sessions are its own sign-ins.
NAMESPACE: Final[tuple[OAuthScope, ...]] = ("sessions:read", "sessions:revoke")
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
            raise InvalidRequest(
                "scopes",
                translatable(
                    "unknown scope %(scope)s; there are %(words)s", scope=repr(word[:32]), words=", ".join(SCOPES)
                ),
            )
    return tuple(scope for scope in SCOPES if scope in wanted)


def granted(asked: str | None, allowed: Iterable[str], *, unasked: Iterable[str] | None = None) -> tuple[str, ...]:
    """The scope of a new grant. What is not allowed is left out, not refused: OIDC Core 3.1.2.1, RFC 6749 3.3.

    Args:
        asked: words, as they were sent.
        allowed: what the client may have here.
        unasked: what it is given where nothing was asked for; else all that is allowed, but for `ON_REQUEST`.

    Raises:
        InvalidScope: nothing of what was asked for is allowed, or there are more than `MAXIMUM` words.
    """
    allowed_ = tuple(allowed)
    words = (asked or "").split()
    if not words:
        return tuple(unasked if unasked is not None else (word for word in allowed_ if word not in ON_REQUEST))
    found = tuple(scope for scope in allowed_ if scope in words)
    if len(words) > MAXIMUM or not found:
        raise InvalidScope
    return found


def narrowed(asked: str | None, had: tuple[str, ...]) -> tuple[str, ...]:
    """The scope of a refreshed access token: never more than the grant has (RFC 6749 6).

    Raises:
        InvalidScope: more.
    """
    words = (asked or "").split()
    if not set(words) <= set(had):
        raise InvalidScope
    return tuple(scope for scope in had if not words or scope in words)
