"""The public keys of clients that prove themselves by a signature: can they be used, and did one of them sign?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from ostiary.core.oauth.assertion import ALGORITHMS, KeySet
from ostiary.core.oauth.jws import looks_like_jwt
from ostiary.core.token import is_id
from ostiary.errors import InvalidClient, InvalidRequest

MINIMUM_MODULUS: Final = 342  # characters of base64url: 2048 bits; RFC 7518 3.3

_KINDS: Final[Mapping[str, type[RSAKey | ECKey]]] = {"RSA": RSAKey, "EC": ECKey}


def ensure_usable(keys: KeySet) -> None:
    """Return if every key of a client can be used.

    Raises:
        InvalidRequest: one cannot.
    """
    for one in keys["keys"]:
        if one["kty"] == "RSA" and len(str(one.get("n"))) < MINIMUM_MODULUS:
            raise InvalidRequest("jwks", "an RSA key has at least 2048 bits")
        try:
            _KINDS[one["kty"]].import_key(one)
        except (JoseError, ValueError, TypeError, KeyError):
            raise InvalidRequest("jwks", "a key of it cannot be read") from None


def subject_of(text: str) -> str | None:
    """Which client an assertion says it is of, unverified: to find the keys that tell whether it is."""
    if not looks_like_jwt(text):
        return None
    try:
        claims = json.loads(jws.extract_compact(text.encode()).payload)
    except (JoseError, ValueError, RecursionError):
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) and is_id(subject) and subject.startswith("client_") else None


def claims_of(text: str, keys: KeySet) -> Mapping[str, Any]:
    """The claims of an assertion that one of the keys signed.

    Raises:
        InvalidClient: none did, or by an algorithm that is not ours.
    """
    try:
        kid = jws.extract_compact(text.encode()).headers().get("kid")
    except (JoseError, ValueError):
        raise InvalidClient from None
    for one in keys["keys"]:
        if kid is not None and one.get("kid", kid) != kid:
            continue
        try:
            return dict(jwt.decode(text, _KINDS[one["kty"]].import_key(one), algorithms=list(ALGORITHMS)).claims)
        except (JoseError, ValueError, TypeError):
            continue
    raise InvalidClient
