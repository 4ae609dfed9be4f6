"""Proof Key for Code Exchange (RFC 7636), required of every client (RFC 9700 2.1.1, ASVS 5.0 10.4.6).

The one exception is that of RFC 9700 2.1.1: a confidential client whose registration says so, and which sends a nonce
that it will find again in its ID token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final, Literal, TypeAlias, get_args

from ostiary.errors import InvalidRequest

Pkce: TypeAlias = Literal["required", "nonce"]

METHOD: Final = "S256"
PKCE: Final[tuple[Pkce, ...]] = get_args(Pkce)

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


def check_challenge(challenge: str | None, method: str | None) -> str:
    """Return the challenge of an authorization request.

    Raises:
        InvalidRequest: missing, or not S256: `plain` proves nothing to whoever has seen the request.
    """
    if not challenge:
        raise InvalidRequest("code_challenge", "is required, of every client")
    if method != METHOD:
        raise InvalidRequest("code_challenge_method", "must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge", "must be the base64url SHA-256 of the verifier")
    return challenge


def proves(verifier: str | None, challenge: str) -> bool:
    """True if this verifier is what the challenge was made of; compared in constant time.

    Without a challenge a verifier proves nothing, and must not be there: somebody took it away (RFC 9700 4.8.2).
    """
    if not challenge:
        return verifier is None
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge)
