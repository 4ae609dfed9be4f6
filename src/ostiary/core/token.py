"""`<id>.<secret>`: what a client holds. The id is public; the secret is stored only as a hash.

Sessions (`sess_…`), CLI tokens (`ost_…`), authorization codes (`code_…`) and refresh tokens (`ort_…`) share this one
grammar and this one file; the prefix tells them apart, so that none is ever taken for another (ASVS 5.0 9.2.2).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Prefix: TypeAlias = Literal["sess", "ost", "user", "setup", "client", "code", "ort", "key", "plan", "res", "par"]

ID_BYTES: Final = 16  # 128 random bits, 26 base32 characters: ids are public, but not to be guessed or collide
SECRET_BYTES: Final = 32  # 256 bits; OWASP ASVS 5.0 7.2.3 asks for at least 128

_ID = "[a-z2-7]{26}"
_SECRET = "[A-Za-z0-9_-]{43}"
_ID_ONLY = re.compile(rf"(?:sess|ost|user|client|ort|key|plan|res)_{_ID}")
_TOKEN = re.compile(rf"((sess|ost|setup|client|code|ort|par)_{_ID})\.({_SECRET})")
_NOBODYS_DIGEST = hashlib.sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class Token:
    """A public id and its secret. The secret is not in the repr, so that it reaches no log by accident."""

    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """What the client holds: shown once."""
        return f"{self.id}.{self.secret}"

    @property
    def digest(self) -> bytes:
        """What the store holds: SHA-256. A slow hash would add nothing to 256 random bits."""
        return hashlib.sha256(self.secret.encode()).digest()

    def matches(self, stored: bytes | None) -> bool:
        """Compare in constant time; `None` (no such row) takes as long as a wrong secret (rule 6)."""
        return hmac.compare_digest(self.digest, stored or _NOBODYS_DIGEST)


def new_id(prefix: Prefix) -> str:
    """A random public id, `sess_` + 26 lower-case base32 characters."""
    letters = base64.b32encode(secrets.token_bytes(ID_BYTES)).decode().rstrip("=").lower()
    return f"{prefix}_{letters}"


def mint(prefix: Prefix, token_id: str | None = None) -> Token:
    """A new token; give `token_id` to put a new secret under an id that exists (renewal)."""
    return Token(token_id or new_id(prefix), secrets.token_urlsafe(SECRET_BYTES))


def parse(text: str) -> Token | None:
    """Read what a client sent. `None` for anything that we cannot have minted; no store is asked then."""
    found = _TOKEN.fullmatch(text)
    return Token(found[1], found[3]) if found else None


def is_id(text: str) -> bool:
    """True if `text` has the shape of one of our public ids: checked before any look-up."""
    return _ID_ONLY.fullmatch(text) is not None


def is_session_token(text: str) -> bool:
    """True if `text` has the shape of a session's token: the one kind that a cookie may hold (ASVS 5.0 9.2.2)."""
    return text.startswith("sess_") and parse(text) is not None
