"""ID tokens (OIDC Core 2): who signed in, for this client alone, as the authority signed it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ostiary.core.oauth.claims import ID_TYPE
from ostiary.core.oauth.jws import read_outside
from ostiary.errors import SessionInvalid
from ostiary.sdk.failures import IdTokenInvalid
from ostiary.sdk.signing_keys import claims_of

LEEWAY: Final = timedelta(seconds=60)  # how far the clocks of the authority and of this machine may differ


@dataclass(frozen=True, slots=True)
class IdToken:
    """What an ID token says; its signature and its claims were looked at.

    Attributes:
        sub: the user's id, opaque and stable.
        sid: the session's id: what back-channel logout and the list of sessions call it.
        auth_time: when the person last proved who they are; None where nobody did.
        amr: how (RFC 8176).
        username: `preferred_username`; asked for by the scope `profile`.
        email: asked for by the scope `email`.
        claims: all of them, by the standard's names.
    """

    sub: str
    sid: str | None
    issued_at: datetime
    expires_at: datetime
    auth_time: datetime | None = None
    amr: tuple[str, ...] = ()
    username: str | None = None
    email: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)


def key_id(text: str) -> str:
    """Which key is said to have signed it.

    Raises:
        IdTokenInvalid: not an ID token of an authority.
    """
    try:
        return read_outside(text, ID_TYPE).kid
    except SessionInvalid:
        raise IdTokenInvalid("it is not an ID token of this authority") from None


def read_id_token(
    text: str,
    key: Any,
    *,
    issuer: str,
    client_id: str,
    now: datetime,
    nonce: str | None = None,
    max_age: int | None = None,
) -> IdToken:
    """Check and read an ID token (OIDC Core 3.1.3.7).

    Args:
        key: the one that it names; None if there is none of that name.
        nonce: what the request had; None looks at none.
        max_age: the oldest proof that will do, in seconds; None takes any.

    Raises:
        IdTokenInvalid: it is not what was asked for; the message says what is wrong.
    """
    try:
        claims = claims_of(text, key) if key is not None else None
    except SessionInvalid:
        claims = None
    if claims is None:
        raise IdTokenInvalid("no key of the authority signed it")
    if claims.get("iss") != issuer:
        raise IdTokenInvalid("iss: another authority issued it")
    if claims.get("aud") not in (client_id, [client_id]) or claims.get("azp", client_id) != client_id:
        raise IdTokenInvalid("aud: it is for another client")
    issued_at, expires_at = _instant(claims, "iat"), _instant(claims, "exp")
    if issued_at is None or expires_at is None or not isinstance(claims.get("sub"), str):
        raise IdTokenInvalid("a claim is missing: sub, iat or exp")
    if issued_at - LEEWAY > now:
        raise IdTokenInvalid("iat: it is from the future")
    if now - LEEWAY >= expires_at:
        raise IdTokenInvalid("exp: it has expired")
    if nonce is not None and not hmac.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
        raise IdTokenInvalid("nonce: it is not of this sign-in")
    auth_time = _instant(claims, "auth_time")
    if max_age is not None and (auth_time is None or now - LEEWAY > auth_time + timedelta(seconds=max_age)):
        raise IdTokenInvalid("auth_time: the sign-in is older than was asked for")
    return _read(claims, issued_at, expires_at, auth_time)


def _read(claims: dict[str, Any], issued_at: datetime, expires_at: datetime, auth_time: datetime | None) -> IdToken:
    amr = claims.get("amr")
    return IdToken(
        claims["sub"],
        _text(claims, "sid"),
        issued_at,
        expires_at,
        auth_time,
        tuple(str(one) for one in amr) if isinstance(amr, list) else (),
        _text(claims, "preferred_username"),
        _text(claims, "email"),
        claims,
    )


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) else None


def _instant(claims: Mapping[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
