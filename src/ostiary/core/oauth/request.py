"""Authorization requests (RFC 6749 4.1.1, OIDC Core 3.1.2.1): what may be asked for, and what may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, get_args

from ostiary.core.oauth import pkce
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.resource import Resource
from ostiary.core.oauth.scope import IDENTITY, granted
from ostiary.errors import (
    InvalidRequest,
    InvalidTarget,
    OAuthError,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    UnsupportedResponseType,
)
from ostiary.errors.translatable import translatable

Prompt: TypeAlias = Literal["none", "login", "consent", "select_account"]
ResponseMode: TypeAlias = Literal["query", "form_post"]

PROMPTS: Final[tuple[Prompt, ...]] = get_args(Prompt)
RESPONSE_MODES: Final[tuple[ResponseMode, ...]] = get_args(ResponseMode)
MAXIMUM_STATE: Final = 4096  # characters
MAXIMUM_NONCE: Final = 1024
MAXIMUM_AGE: Final = 10**9  # seconds

# What OIDC Core 3.1.2.6 has a word of its own for.
_NOT_SUPPORTED: Final[Mapping[str, type[OAuthError]]] = {
    "request": RequestNotSupported,
    "request_uri": RequestUriNotSupported,
    "registration": RegistrationNotSupported,
}


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request of a known client, to be answered at a redirect URI that is its own.

    Attributes:
        prompt: words of OIDC Core 3.1.2.1.
        max_age: the oldest sign-in that will do.
        code_challenge: of PKCE; empty where there is none, see `pkce`.
        response_mode: how the answer travels.
        resource: whom the access tokens are to be for; None for this server and its client.
        subject: whom the ID token names that was sent as a hint: nobody else will do.
    """

    client: OAuthClient
    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str
    state: str | None = None
    nonce: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: timedelta | None = None
    response_mode: ResponseMode = "query"
    subject: str | None = None
    resource: Resource | None = None

    @property
    def consents(self) -> tuple[str, ...]:
        """The scopes, as a person's consent keeps them."""
        return self.scopes if self.resource is None else self.resource.consent_to(self.scopes)

    def needs_fresher_sign_in(self, proved_at: datetime | None, now: datetime, *, confirmed: bool) -> bool:
        """True if the user has to prove again who they are. `confirmed`: they have just done so.

        `proved_at` is None where nobody ever did, which is never fresh enough. A sign-in that the request led to is
        not asked about here: with it, the request goes on without what asked for it.
        """
        if confirmed:
            return False
        if "login" in self.prompt:
            return True
        if self.max_age is None:
            return False
        return proved_at is None or now - proved_at > self.max_age


def response_mode_of(asked: Mapping[str, str]) -> ResponseMode:
    """How an answer travels, be it an error about the very request."""
    mode = asked.get("response_mode", "query")
    return "form_post" if mode == "form_post" else "query"


def read_request(
    asked: Mapping[str, str],
    client: OAuthClient,
    redirect_uri: str,
    *,
    subject: str | None = None,
    resource: Resource | None = None,
) -> AuthorizationRequest:
    """Read what a known client asks for; its redirect URI was looked at before.

    Args:
        subject: of the ID token that came as a hint.
        resource: what is registered under the URI that was asked for.

    Raises:
        UnsupportedResponseType: not `code` (RFC 9700 2.1.2: no token ever passes through a browser's address).
        UnauthorizedClient: the client is not registered for codes.
        InvalidScope: nothing of it may the client have.
        InvalidTarget: a resource that is not registered here, or not for this client (RFC 8707 2).
        RequestNotSupported, RequestUriNotSupported, RegistrationNotSupported: by their names.
        InvalidRequest: no PKCE, `plain` PKCE, or a parameter that cannot be.
    """
    for name, error in _NOT_SUPPORTED.items():
        if name in asked:
            raise error
    if not asked.get("response_type"):
        raise InvalidRequest("response_type", "is required")
    if asked["response_type"] != "code":
        raise UnsupportedResponseType
    client.ensure_grant("authorization_code")
    if asked.get("response_mode", "query") not in RESPONSE_MODES:
        raise InvalidRequest("response_mode", translatable("use one of %(words)s", words=", ".join(RESPONSE_MODES)))
    if "resource" in asked and (resource is None or not resource.allows(client)):
        raise InvalidTarget
    prompt = frozenset(asked.get("prompt", "").split())
    if not prompt <= set(PROMPTS) or ("none" in prompt and len(prompt) > 1):
        raise InvalidRequest("prompt", "use none alone, or login, consent and select_account")
    scopes = _scopes(asked.get("scope"), client, resource)
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        scopes=scopes,
        code_challenge=_challenge(asked, client, scopes),
        state=_bounded("state", asked.get("state"), MAXIMUM_STATE),
        nonce=_bounded("nonce", asked.get("nonce"), MAXIMUM_NONCE),
        prompt=prompt,
        max_age=_age(asked.get("max_age")),
        response_mode=response_mode_of(asked),
        subject=subject,
        resource=resource,
    )


def _scopes(asked: str | None, client: OAuthClient, resource: Resource | None) -> tuple[str, ...]:
    """What is granted. At a resource nothing but who the user is comes unasked: what it lets one do is others' own."""
    if resource is None:
        return granted(asked, client.scopes)
    return granted(asked, resource.askable_by(client), unasked=(one for one in client.scopes if one in IDENTITY))


def _challenge(asked: Mapping[str, str], client: OAuthClient, scopes: tuple[str, ...]) -> str:
    """The code challenge; empty where the client may do without and sends a nonce for its ID token."""
    sent = "code_challenge" in asked or "code_challenge_method" in asked
    if client.pkce == "nonce" and not sent and "nonce" in asked and "openid" in scopes:
        return ""
    return pkce.check_challenge(asked.get("code_challenge"), asked.get("code_challenge_method"))


def _bounded(name: str, text: str | None, most: int) -> str | None:
    if text is not None and len(text) > most:
        raise InvalidRequest(name, translatable("use at most %(most)s characters", most=most))
    return text


def _age(text: str | None) -> timedelta | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text[:12]) > MAXIMUM_AGE:
        raise InvalidRequest("max_age", "must be whole seconds")
    return timedelta(seconds=int(text))
