"""What the OAuth endpoints answer."""

from __future__ import annotations

from ostiary.sdk.results import Result


class Tokens(Result, frozen=True, kw_only=True):
    """What a grant gave. `expires_in` is in seconds, of the access token."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: int = 0
    refresh_token: str | None = None
    id_token: str | None = None
    scope: str | None = None


class Introspection(Result, frozen=True, kw_only=True):
    """What a token is (RFC 7662). All but `active` is None when it is not: ended, unknown and foreign look the same."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    username: str | None = None
    token_type: str | None = None
    exp: int | None = None
    iat: int | None = None
    sub: str | None = None
    aud: str | tuple[str, ...] | None = None
    iss: str | None = None
    jti: str | None = None
    sid: str | None = None


class UserInfo(Result, frozen=True, kw_only=True):
    """Whom an access token speaks for (OIDC); the name needs `profile`, the address `email`."""

    sub: str
    preferred_username: str | None = None
    email: str | None = None


class LoggedOut(Result, frozen=True, kw_only=True):
    """Whatever there was has ended; also said when there was nothing."""

    success: bool = True
    message: str = "Logged out"
