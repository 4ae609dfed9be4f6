"""OAuth 2 and OpenID Connect, as their standards have them; what is unknown is ignored (RFC 6749 3.1, 3.2)."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from ostiary.contract.calling import W
from ostiary.contract.fields import PUBLIC
from ostiary.contract.oauth_answers import Introspection, PushedRequest, TokenAnswer, UserInfo
from ostiary.contract.oauth_sessions import OAuthSessions
from ostiary.contract.operation import Namespace, Operation, Takes
from ostiary.errors import (
    InvalidGrant,
    InvalidScope,
    InvalidTarget,
    RegistrationNotSupported,
    RequestNotSupported,
    TooManyRequests,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
)

Claims: TypeAlias = dict[str, Any]

# The metadata has them, for clients that find their way by it.
TOKEN = "/oauth/token"
REVOKE = "/oauth/revoke"
INTROSPECT = "/oauth/introspect"
PUSH = "/oauth/par"
USERINFO = "/oauth/userinfo"
JWKS = "/.well-known/jwks.json"


class ProofInForm(Struct, kw_only=True):
    """How an OAuth client proves itself in a form, where it does not by HTTP Basic (RFC 6749 2.3.1)."""

    client_id: str | None = None
    client_secret: str | None = None
    client_assertion_type: str | None = None
    client_assertion: Annotated[str | None, Meta(description="A JWT that the client signed (RFC 7523).")] = None


class Token(Takes, kw_only=True, forbid_unknown_fields=False):
    """Tokens for a code, for a refresh token, or for the client itself (RFC 6749 3.2)."""

    grant_type: Annotated[str, Meta(description="`authorization_code`, `refresh_token` or `client_credentials`.")]
    code: str | None = None
    redirect_uri: str | None = None
    code_verifier: str | None = None
    refresh_token: str | None = None
    scope: str | None = None
    resource: Annotated[str | None, Meta(description="For which one the access token is (RFC 8707).")] = None


class PushRequest(Takes, kw_only=True, forbid_unknown_fields=False):
    """Keep an authorization request here; the user is sent with its `request_uri` and `client_id` alone (RFC 9126)."""

    response_type: str | None = None
    redirect_uri: str | None = None
    response_mode: str | None = None
    scope: str | None = None
    resource: str | None = None
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    prompt: str | None = None
    max_age: str | None = None
    login_hint: str | None = None
    id_token_hint: str | None = None
    request: str | None = None
    request_uri: str | None = None
    registration: str | None = None


class OfCode(Takes):
    """For which code."""

    code: str


class OfRefreshToken(Takes):
    """For which refresh token."""

    refresh_token: str


class ExchangeCode(OfCode, kw_only=True, tag_field="grant_type", tag="authorization_code"):
    """Tokens for an authorization code. It works once; a second use ends what the first gave."""

    redirect_uri: str
    code_verifier: str


class Refresh(OfRefreshToken, kw_only=True, tag_field="grant_type", tag="refresh_token"):
    """The next access token, and the refresh token that replaces this one: store it before you use the first.

    It is asked again when the answer is lost: within the grace window the same token has the same successor.
    """

    scope: str | None = None


class ClientCredentials(Takes, kw_only=True, tag_field="grant_type", tag="client_credentials"):
    """An access token for the client itself."""

    scope: str | None = None


class OAuthRevokeToken(Takes, forbid_unknown_fields=False):
    """The token's session ends, and with it every token of the same sign-in (RFC 7009)."""

    token: str
    token_type_hint: str | None = None


class Introspect(Takes, forbid_unknown_fields=False):
    """What a token is, from the session's row, now (RFC 7662)."""

    token: str
    token_type_hint: str | None = None


class ReadUserInfo(Takes, forbid_unknown_fields=False):
    """What the access token's scopes let its client know (OIDC Core 5.3)."""


class ReadMetadata(Takes, forbid_unknown_fields=False):
    """Where everything is, and what is supported (RFC 8414, OIDC Discovery 1.0)."""


class ReadKeys(Takes, forbid_unknown_fields=False):
    """The public keys (RFC 7517)."""


class Discovery(Namespace[W]):
    """What clients find out by themselves."""

    tag = "OAuth"

    openid = Operation(
        "GET",
        "/.well-known/openid-configuration",
        ReadMetadata,
        Claims,
        id="openid_configuration",
        summary="Metadata of the OpenID provider",
        who="nobody",
        headers=PUBLIC,
        shared="everybody",
    )
    oauth = Operation(
        "GET",
        "/.well-known/oauth-authorization-server",
        ReadMetadata,
        Claims,
        id="oauth_authorization_server",
        summary="Metadata of the authorization server",
        who="nobody",
        headers=PUBLIC,
        shared="everybody",
    )
    keys = Operation(
        "GET",
        JWKS,
        ReadKeys,
        Claims,
        id="jwks",
        summary="The keys that sign tokens",
        who="nobody",
        headers=PUBLIC,
        shared="everybody",
    )


class OAuth(Namespace[W]):
    """What OAuth clients ask."""

    tag = "OAuth"

    token = Operation(
        "POST",
        TOKEN,
        Token,
        TokenAnswer,
        summary="Get tokens",
        who="client",
        errors=(InvalidGrant, InvalidScope, InvalidTarget, UnauthorizedClient, UnsupportedGrantType, TooManyRequests),
        headers={"Pragma": "For caches of HTTP/1.0: not to be kept."},
        sends="form",
        speaks="oauth",
        shared="clients",
    )
    exchange = token.variant(ExchangeCode)
    refresh = token.variant(Refresh, repeatable=True)
    client_credentials = token.variant(ClientCredentials)
    revoke = Operation(
        "POST",
        REVOKE,
        OAuthRevokeToken,
        type(None),
        id="revoke_token",
        summary="Revoke a token",
        who="client",
        sends="form",
        speaks="oauth",
        shared="clients",
        repeatable=True,
    )
    introspect = Operation(
        "POST",
        INTROSPECT,
        Introspect,
        Introspection,
        summary="What is this token?",
        who="client",
        sends="form",
        speaks="oauth",
        repeatable=True,
    )
    push = Operation(
        "POST",
        PUSH,
        PushRequest,
        PushedRequest,
        summary="Push an authorization request",
        who="client",
        errors=(
            InvalidScope,
            InvalidTarget,
            UnauthorizedClient,
            UnsupportedResponseType,
            RequestNotSupported,
            RegistrationNotSupported,
            TooManyRequests,
        ),
        status=201,
        sends="form",
        speaks="oauth",
        shared="clients",
    )
    userinfo = Operation(
        "GET",
        USERINFO,
        ReadUserInfo,
        UserInfo,
        id="user_info",
        summary="Who is the user?",
        who="access_token",
        speaks="oauth",
        shared="clients",
    )
    userinfo_by_post = Operation(
        "POST",
        USERINFO,
        ReadUserInfo,
        UserInfo,
        id="user_info_by_post",
        summary="Who is the user?",
        who="access_token",
        speaks="oauth",
        shared="clients",
        repeatable=True,
    )

    def __init__(self, wire: W) -> None:
        """With what belongs to it."""
        super().__init__(wire)
        self.discovery: Discovery[W] = Discovery(wire)
        self.sessions: OAuthSessions[W] = OAuthSessions(wire)
