"""Refresh tokens: a family of secrets under one id, each made of the one before.

A secret is 32 bytes: a body that nobody can guess, and a mark under the server's key that says that we made it. The
body of the next one is a keyed hash of this one, so that a repeat is answered with the same successor without a secret
being kept; the mark tells a secret that was used long ago from one that never was, without a list of them.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from ostiary.core.token import Token, new_id

Verdict: TypeAlias = Literal["rotate", "repeat", "reused", "unknown"]

BODY: Final = 24  # bytes, 192 bits; OWASP ASVS 5.0 7.2.3 asks for at least 128 bits
MARK: Final = 8  # 64 bits, to be guessed through the server only; whoever succeeds can only end the session


@dataclass(frozen=True, slots=True)
class Family:
    """One row of the store.

    Attributes:
        secret_hash: of the newest secret, the only one that works by itself.
        rotated_at: when it was made.
        scopes: what was granted.
    """

    id: str
    session_id: str
    secret_hash: bytes
    rotated_at: datetime
    scopes: tuple[str, ...]

    def judge(self, token: Token, key: bytes, now: datetime, grace: timedelta) -> Verdict:
        """What to do about a secret of this family.

        `rotate` the newest one. `repeat` its predecessor inside the grace: two tabs, or an answer that was lost.
        Whatever else we made was used before: `reused`. What we did not make is `unknown`, and changes nothing.
        """
        if token.matches(self.secret_hash):
            return "rotate"
        if not is_ours(key, token):
            return "unknown"
        next_one = successor(key, token)
        if now - self.rotated_at < grace and next_one.matches(self.secret_hash):
            return "repeat"
        return "reused"


def first(key: bytes) -> Token:
    """The first token of a new family."""
    token_id = new_id("ort")
    return _token(key, token_id, secrets.token_bytes(BODY))


def successor(key: bytes, token: Token) -> Token:
    """The one token that follows a token of ours: the same whenever it is asked for."""
    body = _hash(key, "successor", token.id, token.secret.encode())[:BODY]
    return _token(key, token.id, body)


def is_ours(key: bytes, token: Token) -> bool:
    """True if we made it, however long ago; it says nothing about whether it still works."""
    content = _content(token)
    return hmac.compare_digest(content[-MARK:], _mark(key, token.id, content[:-MARK]))


def _token(key: bytes, token_id: str, body: bytes) -> Token:
    content = body + _mark(key, token_id, body)
    return Token(token_id, base64.urlsafe_b64encode(content).rstrip(b"=").decode())


def _content(token: Token) -> bytes:
    return base64.urlsafe_b64decode(f"{token.secret}=")


def _mark(key: bytes, token_id: str, content: bytes) -> bytes:
    return _hash(key, "mark", token_id, content)[:MARK]


def _hash(key: bytes, purpose: str, token_id: str, content: bytes) -> bytes:
    return hmac.digest(key, f"ostiary refresh {purpose}\0{token_id}\0".encode() + content, "sha256")
