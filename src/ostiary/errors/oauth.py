"""An OAuth request is refused: the words of RFC 6749 and OIDC Core."""

from __future__ import annotations

from ostiary.errors.general import OstiaryError
from ostiary.errors.translatable import translatable


class OAuthError(OstiaryError):
    """An OAuth request is refused. `code` is what RFC 6749 5.2 and 4.1.2.1 and OIDC Core 3.1.2.6 call `error`."""

    code = "oauth_error"
    status = 400
    title = translatable("The OAuth request is refused")
    remedy = "Change the request, or how the client is registered."


class InvalidClient(OAuthError):
    """Unknown client or wrong secret: told apart by nobody."""

    code = "invalid_client"
    status = 401
    title = translatable("The client is unknown, or did not prove who it is")
    remedy = "Look at client_id and client_secret; `ostiary client rotate-secret` makes a new one."


class InvalidGrant(OAuthError):
    """The code or refresh token is unknown, of another client, used, expired, or its session has ended."""

    code = "invalid_grant"
    title = translatable("The code or refresh token is not valid")
    remedy = "The session is over: forget its tokens, and have the person sign in by `authorization_url()`."


class InvalidScope(OAuthError):
    """More than this client may ask for, or than was granted."""

    code = "invalid_scope"
    title = translatable("The scope is not one that this client may have")
    remedy = "Ask for less, or register the client for it: `ostiary client add --scope`."


class UnauthorizedClient(OAuthError):
    """The client is known, but is not registered for this grant."""

    code = "unauthorized_client"
    title = translatable("This client may not use this grant")


class UnsupportedGrantType(OAuthError):
    """Not one of `authorization_code`, `refresh_token`, `client_credentials`."""

    code = "unsupported_grant_type"
    title = translatable("There is no such grant here")


class UnsupportedResponseType(OAuthError):
    """Not `code`."""

    code = "unsupported_response_type"
    title = translatable("Only response_type=code is supported")


class AccessDenied(OAuthError):
    """The user was asked, and said no; or what the client holds there is suspended."""

    code = "access_denied"
    title = translatable("The user did not agree")
    remedy = "Go on without; ask again only when the person wants to."


class LoginRequired(OAuthError):
    """Nobody is signed in, or not freshly enough; with `prompt=none` nobody may be asked."""

    code = "login_required"
    title = translatable("The user has to sign in")
    remedy = 'Send the browser again without prompt="none".'


class ConsentRequired(OAuthError):
    """A third-party client that the user has not agreed to."""

    code = "consent_required"
    title = translatable("The user has to agree first")
    remedy = 'Send the browser again without prompt="none".'


class InvalidTarget(OAuthError):
    """A `resource` that is not registered here, not one URI, or not one that this client or grant may have."""

    code = "invalid_target"
    title = translatable("There is no resource with this address here")
    remedy = "Register the resource, or ask for one that this client may have."


class RequestNotSupported(OAuthError):
    """A request object by value (OIDC Core 6.1)."""

    code = "request_not_supported"
    title = translatable("The parameter request is not supported")


class RequestUriNotSupported(OAuthError):
    """A request object by reference that was not pushed to this server (OIDC Core 6.2)."""

    code = "request_uri_not_supported"
    title = translatable("The parameter request_uri is not supported")


class RegistrationNotSupported(OAuthError):
    """A client that brings its own metadata (OIDC Core 7.2.1)."""

    code = "registration_not_supported"
    title = translatable("The parameter registration is not supported")
