"""What OAuth's endpoints answer, as their standards have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from ostiary.contract.answer import LEFT_OUT, Answer, LeftOut


class TokenAnswer(Answer, kw_only=True):
    """What a grant gave (RFC 6749 5.1)."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: Annotated[int, Meta(description="Seconds.")]
    scope: str
    refresh_token: str | LeftOut = LEFT_OUT
    id_token: str | LeftOut = LEFT_OUT


class Introspection(Answer, kw_only=True, omit_defaults=True):
    """What a token is (RFC 7662 2.2). Of one that is not active nothing else is said: it may never have been any."""

    active: bool
    iss: str | None = None
    sub: str | None = None
    aud: Sequence[str] | None = None
    client_id: str | None = None
    sid: Annotated[str | None, Meta(description="The session's id.")] = None
    scope: str | None = None
    auth_time: int | None = None
    amr: Sequence[str] | None = None
    tenant_id: str | None = None
    exp: int | None = None
    iat: int | None = None
    token_type: str | None = None
    jti: str | None = None
    username: str | None = None


class UserInfo(Answer, kw_only=True, omit_defaults=True):
    """Whom an access token speaks for (OIDC Core 5.1); names and roles need `profile`, the address `email`."""

    sub: str
    preferred_username: str | None = None
    name: Annotated[str | None, Meta(description="The username, too: there is no other.")] = None
    roles: Annotated[Sequence[str] | None, Meta(description="Never `admin`.")] = None
    updated_at: Annotated[int | None, Meta(description="When that last changed; seconds since 1970.")] = None
    email: str | None = None
    email_verified: Annotated[bool | None, Meta(description="False: nobody has proved it.")] = None


class PushedRequest(Answer, kw_only=True):
    """Where the request waits (RFC 9126 2.2)."""

    request_uri: str
    expires_in: Annotated[int, Meta(description="Seconds.")]
