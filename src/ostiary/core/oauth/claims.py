"""What our JWTs say: access tokens (RFC 9068) and ID tokens (OIDC Core 2). Signatures are looked at elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeAlias

from ostiary.core.account import User
from ostiary.core.disclosure import told
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.session import Session
from ostiary.core.token import is_id
from ostiary.errors import SessionInvalid

ACCESS_TYPE: Final = "at+jwt"  # RFC 9068 2.1
ID_TYPE: Final = "JWT"
SKEW: Final = timedelta(seconds=60)  # how far the clock of the node that issued may be ahead

Claims: TypeAlias = dict[str, Any]


class OfClient(Protocol):
    """What says which client holds it for which user: a session's row, or what is remembered of one."""

    @property
    def client_id(self) -> str | None:
        """The client."""

    @property
    def user_id(self) -> str:
        """The user."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token that was read: signed by us, for us, and not expired. Whether it still works, its row says."""

    id: str
    session_id: str
    user_id: str
    client_id: str
    scopes: tuple[str, ...]
    issued_at: int
    expires_at: int
    audience: tuple[str, ...] = ()  # beside this server
    resource: str | None = None  # whom alone it is for; None where it is for this server and its client

    def is_of(self, session: OfClient) -> bool:
        """Whether the session that it names is the one that it was issued for."""
        return (session.client_id, session.user_id) == (self.client_id, self.user_id)


def access_claims(
    session: Session,
    client: OAuthClient,
    scopes: tuple[str, ...],
    *,
    issuer: str,
    token_id: str,
    now: datetime,
    expires_at: datetime,
) -> Claims:
    """The claims of an access token.

    One for a resource has that alone as its audience (RFC 8707 2, RFC 9068 3). Else this server is among it, as the
    token is used at its doors, too.
    """
    return {
        "iss": issuer,
        "sub": session.user_id,
        "aud": audience_of(session, client.id, issuer),
        "exp": int(expires_at.timestamp()),
        "iat": int(now.timestamp()),
        "jti": token_id,
        "client_id": client.id,
        "sid": session.id,
        **sign_in_claims(session),
        "scope": " ".join(scopes),
        "tenant_id": session.tenant,
        "tenant_subdomain": client.tenant_subdomain,
    }


def audience_of(session: Session, client_id: str | None, issuer: str) -> list[str | None]:
    """Whom the access tokens of a session are for."""
    return [client_id, issuer] if session.resource is None else [session.resource]


def sign_in_claims(session: Session) -> Claims:
    """When and how the person proved who they are. No `auth_time` where nobody did (OIDC Core 2: it is that time)."""
    if session.proved_at is None:
        return {"amr": []}
    return {"auth_time": int(session.proved_at.timestamp()), "amr": list(session.amr)}


def id_claims(
    session: Session,
    client: OAuthClient,
    user: User,
    scopes: tuple[str, ...],
    *,
    issuer: str,
    nonce: str | None,
    now: datetime,
    expires_at: datetime,
) -> Claims:
    """The claims of an ID token: for the client alone."""
    claims: Claims = {
        "iss": issuer,
        "sub": session.user_id,
        "aud": client.id,
        "exp": int(expires_at.timestamp()),
        "iat": int(now.timestamp()),
        **sign_in_claims(session),
        "sid": session.id,
        "tenant_id": session.tenant,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return claims | user_claims(user, scopes)


def user_claims(user: User, scopes: tuple[str, ...]) -> Claims:
    """What the scopes let a client know of its user (OIDC Core 5.4; `roles` as RFC 9068 2.2.3.1 has them).

    There is no other name than the username, and nobody has proved an address of mail to be theirs.
    """
    known = told(user, granted=scopes, is_admin=False)
    claims: Claims = {"sub": user.id}
    if known.username is not None:
        claims |= {"preferred_username": known.username, "name": known.username, "roles": list(known.roles)}
        if (changed_at := user.updated_at or user.created_at) is not None:
            claims["updated_at"] = int(changed_at.timestamp())
    if known.email is not None:
        claims |= {"email": known.email, "email_verified": False}
    return claims


def read_access_token(
    claims: Mapping[str, Any], *, issuer: str, now: datetime, for_resources: bool = False
) -> AccessToken:
    """Read the claims of a token with a good signature (RFC 9068 4).

    Args:
        for_resources: read one for a resource, too, to tell of it; to nobody who takes it as a credential.

    Raises:
        SessionInvalid: not ours, not for us, from the future, expired, or not of this form.
    """
    token_id, session_id, user_id, client_id, scope = (
        _text(claims, name) for name in ("jti", "sid", "sub", "client_id", "scope")
    )
    issued_at, expires_at = (_time(claims, name) for name in ("iat", "exp"))
    audience = claims.get("aud")
    if claims.get("iss") != issuer or not isinstance(audience, list) or not audience:
        raise SessionInvalid("the access token is not for this server")
    # Both, so that none is ours by what a resource is called.
    is_ours = issuer in audience and client_id in audience
    if not (is_ours or for_resources):
        raise SessionInvalid("the access token is not for this server")
    if issued_at > (now + SKEW).timestamp():
        raise SessionInvalid("the access token is from the future")
    if now.timestamp() >= expires_at:
        raise SessionInvalid("the access token has expired; refresh it")
    if not is_id(session_id):
        raise SessionInvalid
    others = tuple(str(one) for one in audience if one != issuer)
    resource = None if is_ours else others[0] if others else None
    scopes = tuple(scope.split())
    return AccessToken(token_id, session_id, user_id, client_id, scopes, issued_at, expires_at, others, resource)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise SessionInvalid
    return value


def _time(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise SessionInvalid
    return value
