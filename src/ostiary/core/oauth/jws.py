"""The outside of our JWTs: what is looked at before any key is (RFC 8725 3.1, 3.11; ASVS 5.0 9.1.2, 9.1.3, 9.2.2)."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Final

from ostiary.core.token import is_id
from ostiary.errors import SessionInvalid

ALGORITHM: Final = "RS256"  # what we sign with; RFC 9068 2.1 has every party support it
MAXIMUM_LENGTH: Final = 4096  # characters


@dataclass(frozen=True, slots=True)
class Outside:
    """The header of a JWT of ours."""

    kid: str
    type: str


def looks_like_jwt(text: str) -> bool:
    """True if it could be one: three parts. Our opaque tokens have two."""
    return text.count(".") == 2 and len(text) <= MAXIMUM_LENGTH


def read_outside(text: str, kind: str) -> Outside:
    """Read the header. It holds exactly what we write: a key that it brings or points to is not even looked at.

    Raises:
        SessionInvalid: another algorithm, another type, a member that is not ours, or base64 in another spelling.
    """
    if not looks_like_jwt(text):
        raise SessionInvalid
    parts = [_decoded(part) for part in text.split(".")]
    try:
        header = json.loads(parts[0])
    except (ValueError, RecursionError):
        raise SessionInvalid from None
    if not isinstance(header, dict) or set(header) != {"alg", "kid", "typ"} or header["alg"] != ALGORITHM:
        raise SessionInvalid
    kid, type_ = header["kid"], header["typ"]
    if not isinstance(kid, str) or not is_id(kid) or not kid.startswith("key_") or type_ != kind:
        raise SessionInvalid
    return Outside(kid, type_)


def _decoded(part: str) -> bytes:
    """Decode, and refuse every spelling but the one: the last character has bits that decoding would ignore."""
    try:
        content = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SessionInvalid from None
    if base64.urlsafe_b64encode(content).rstrip(b"=").decode() != part:
        raise SessionInvalid
    return content
