"""Clients that prove themselves by a signature (RFC 7523 2.2, OIDC Core 9: `private_key_jwt`): what is accepted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, TypeGuard

from ostiary.errors import InvalidClient, InvalidRequest
from ostiary.errors.translatable import translatable

KeySet: TypeAlias = dict[str, Any]

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS: Final = ("RS256", "PS256", "ES256")  # RFC 8725 3.2: none that shares a secret, and never `none`
MAXIMUM_KEYS: Final = 10
MAXIMUM_KEY: Final = 4096  # characters of one
MAXIMUM_LIFE: Final = timedelta(minutes=10)  # for so long its `jti` is remembered
SKEW: Final = timedelta(seconds=60)  # how far a client's clock may be ahead
MAXIMUM_JTI: Final = 256  # characters

_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 6.2.2, 6.3.2, 6.4.1
_KINDS: Final = ("RSA", "EC")


@dataclass(frozen=True, slots=True)
class Assertion:
    """A client assertion that was read: for us, now, and once."""

    client_id: str
    jti: str
    expires_at: datetime


def check_keys(keys: Mapping[str, Any]) -> KeySet:
    """Return a client's key set, if it can be one (RFC 7517 5).

    Raises:
        InvalidRequest: none, too many, of a kind that signs nothing here, or with a private part.
    """
    found = keys.get("keys")
    if not isinstance(found, list) or not 0 < len(found) <= MAXIMUM_KEYS:
        raise InvalidRequest(
            "jwks", translatable("give a key set (RFC 7517) with 1 to %(most)s keys", most=MAXIMUM_KEYS)
        )
    for one in found:
        if not isinstance(one, dict) or one.get("kty") not in _KINDS or len(repr(one)) > MAXIMUM_KEY:
            raise InvalidRequest("jwks", translatable("each key is of the kty %(words)s", words=" or ".join(_KINDS)))
        if one.keys() & _PRIVATE:
            raise InvalidRequest("jwks", "a private key is among them; keep that to the client, and make a new one")
    return {"keys": found}


def read_assertion(claims: Mapping[str, Any], client_id: str, audience: Collection[str], now: datetime) -> Assertion:
    """Read the claims of an assertion with a good signature (RFC 7523 3).

    Args:
        audience: what `aud` may name: the issuer, or the endpoint that was called.

    Raises:
        InvalidClient: of another client, for another server, not now, or without an id of its own.
    """
    aud, jti, expires_at = claims.get("aud"), claims.get("jti"), claims.get("exp")
    named = [aud] if isinstance(aud, str) else aud
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise InvalidClient
    if not isinstance(named, list) or not any(isinstance(one, str) and one in audience for one in named):
        raise InvalidClient("the assertion is not for this server")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAXIMUM_JTI:
        raise InvalidClient("the assertion needs a jti")
    if not _is_time(expires_at) or not now.timestamp() < expires_at <= (now + MAXIMUM_LIFE + SKEW).timestamp():
        raise InvalidClient("the assertion has expired, or lasts too long")
    for name in ("iat", "nbf"):
        if name in claims and not (_is_time(claims[name]) and claims[name] <= (now + SKEW).timestamp()):
            raise InvalidClient("the assertion is from the future")
    return Assertion(client_id, jti, datetime.fromtimestamp(expires_at, UTC))


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**33
