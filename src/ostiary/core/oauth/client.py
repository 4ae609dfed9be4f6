"""OAuth clients: the programs that may start sessions for their users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias, get_args

from ostiary.core.oauth import redirect_uri
from ostiary.core.oauth.assertion import KeySet, check_keys
from ostiary.core.oauth.pkce import PKCE, Pkce
from ostiary.core.oauth.scope import IDENTITY, SCOPES, check_scopes
from ostiary.core.session import DEFAULT_TENANT
from ostiary.errors import InvalidRequest, UnauthorizedClient
from ostiary.errors.translatable import translatable

Grant: TypeAlias = Literal["authorization_code", "refresh_token", "client_credentials"]
ApplicationType: TypeAlias = Literal["web", "native"]

GRANTS: Final[tuple[Grant, ...]] = get_args(Grant)
APPLICATION_TYPES: Final[tuple[ApplicationType, ...]] = get_args(ApplicationType)
MAXIMUM_NAME: Final = 64  # characters
MAXIMUM_URIS: Final = 20
MAXIMUM_TEXT: Final = 128  # characters of an application id or a tenant


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """One row of the store, without its secret's hash.

    Attributes:
        id: public, `client_…`.
        is_public: it can keep no secret (RFC 6749 2.1): a browser or native app.
        application_id, tenant: what its sessions are of. Clients of one application may ask about each other's tokens.
        application_type: `native` for an app on a device (RFC 8252).
        redirect_uris, post_logout_redirect_uris: exactly these (RFC 9700 2.1).
        third_party: its users are asked before it gets anything.
        standing: its grants outlive the browser session that let them in; see core/tree.py.
        pkce: whether it may do without, where it sends a nonce; confidential clients only.
        jwks: the public keys of a client that proves itself by signing (RFC 7523), and so has no secret.
    """

    id: str
    name: str
    is_public: bool
    application_id: str
    application_type: ApplicationType
    tenant: str
    tenant_subdomain: str | None
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grants: tuple[str, ...]
    scopes: tuple[str, ...]
    third_party: bool
    created_at: datetime
    standing: bool = False
    pkce: Pkce = "required"
    jwks: KeySet | None = None

    def ensure_grant(self, grant: Grant) -> None:
        """Return if it is registered for this grant.

        Raises:
            UnauthorizedClient: it is not.
        """
        if grant not in self.grants:
            raise UnauthorizedClient

    def accepts(self, uri: str) -> bool:
        """True if a code may be sent to this redirect URI."""
        native = self.is_public and self.application_type == "native"
        return redirect_uri.matches(uri, self.redirect_uris, any_loopback_port=native)


@dataclass(frozen=True, slots=True)
class Registration:
    """What a new client is to be. `check` says whether it can be."""

    name: str
    is_public: bool = False
    application_id: str | None = None
    application_type: ApplicationType = "web"
    tenant: str = DEFAULT_TENANT
    tenant_subdomain: str | None = None
    redirect_uris: Sequence[str] = ()
    post_logout_redirect_uris: Sequence[str] = ()
    grants: Sequence[str] | None = None
    scopes: Sequence[str] | None = None
    third_party: bool = False
    standing: bool = False
    pkce: Pkce = "required"
    jwks: KeySet | None = None

    def check(self, client_id: str, now: datetime) -> OAuthClient:
        """The client that comes of it.

        Raises:
            InvalidRequest: a field cannot be.
        """
        grants = _grants(self.grants, has_redirect=bool(self.redirect_uris))
        if "client_credentials" in grants and self.is_public:
            raise InvalidRequest("grants", "a public client has no credentials, so it cannot use client_credentials")
        if ("authorization_code" in grants) != bool(self.redirect_uris):
            raise InvalidRequest("redirect_uris", "give at least one with authorization_code, and none without it")
        if self.application_type not in APPLICATION_TYPES:
            raise InvalidRequest(
                "application_type", translatable("use one of %(words)s", words=", ".join(APPLICATION_TYPES))
            )
        if self.pkce not in PKCE:
            raise InvalidRequest("pkce", translatable("use one of %(words)s", words=", ".join(PKCE)))
        if self.pkce != "required" and self.is_public:
            raise InvalidRequest("pkce", "a public client cannot do without")
        if self.jwks is not None and self.is_public:
            raise InvalidRequest("jwks", "a public client proves itself by nothing")
        return OAuthClient(
            id=client_id,
            name=_text("name", self.name, MAXIMUM_NAME),
            is_public=self.is_public,
            application_id=_text("application_id", self.application_id or client_id, MAXIMUM_TEXT),
            application_type=self.application_type,
            tenant=_text("tenant", self.tenant, MAXIMUM_TEXT),
            tenant_subdomain=_text("tenant_subdomain", self.tenant_subdomain, MAXIMUM_TEXT)
            if self.tenant_subdomain
            else None,
            redirect_uris=self._uris("redirect_uris", self.redirect_uris),
            post_logout_redirect_uris=self._uris("post_logout_redirect_uris", self.post_logout_redirect_uris),
            grants=grants,
            scopes=check_scopes(self.scopes if self.scopes is not None else self._usual_scopes(grants)),
            third_party=self.third_party,
            created_at=now,
            standing=self.standing,
            pkce=self.pkce,
            jwks=check_keys(self.jwks) if self.jwks is not None else None,
        )

    def _uris(self, field: str, uris: Sequence[str]) -> tuple[str, ...]:
        if len(uris) > MAXIMUM_URIS:
            raise InvalidRequest(field, translatable("give at most %(most)s", most=MAXIMUM_URIS))
        native = self.application_type == "native"
        return tuple(dict.fromkeys(redirect_uri.check_redirect_uri(uri, native=native, field=field) for uri in uris))

    def _usual_scopes(self, grants: tuple[str, ...]) -> Sequence[str]:
        if "authorization_code" not in grants:
            return ("gateway",)
        return IDENTITY if self.third_party else [scope for scope in SCOPES if scope != "feed:read"]


def _grants(wanted: Sequence[str] | None, *, has_redirect: bool) -> tuple[str, ...]:
    if wanted is None:
        return ("authorization_code", "refresh_token") if has_redirect else ("client_credentials",)
    for grant in wanted:
        if grant not in GRANTS:
            raise InvalidRequest(
                "grants",
                translatable(
                    "unknown grant %(grant)s; there are %(words)s", grant=repr(grant[:32]), words=", ".join(GRANTS)
                ),
            )
    if not wanted:
        raise InvalidRequest("grants", translatable("give at least one of %(words)s", words=", ".join(GRANTS)))
    return tuple(grant for grant in GRANTS if grant in wanted)


def _text(field: str, text: str, most: int) -> str:
    text = text.strip()
    if not 0 < len(text) <= most or not text.isprintable():
        raise InvalidRequest(field, translatable("use 1 to %(most)s printable characters", most=most))
    return text
