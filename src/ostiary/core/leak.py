"""What a leaked text names: any credential of ours, wherever it was found, or only the id of one.

A cookie line, a header, a line of a log or a whole token: the text is searched for what has our forms. Nothing is said
here about whether a secret is right, only what it would have to be compared with. No error repeats the text.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from ostiary.core.token import Token, parse
from ostiary.errors import InvalidRequest
from ostiary.errors.translatable import translatable

LeakKind: TypeAlias = Literal[
    "session_token",
    "cli_token",
    "refresh_token",
    "code",
    "access_token",
    "id_token",
    "session_id",
    "cli_token_id",
    "refresh_token_id",
    "code_id",
]

# What can be derived from a credential.
What: TypeAlias = Literal["session", "refresh_token", "access_tokens", "cli_token", "code", "session_of_another"]

MAXIMUM_TEXT: Final = 16384  # characters; the longest header line that servers take is half of it

_NAMES: Final[dict[str, LeakKind]] = {
    "sess": "session_token",
    "ost": "cli_token",
    "ort": "refresh_token",
    "code": "code",
}
_IDS: Final[dict[str, LeakKind]] = {
    "sess": "session_id",
    "ost": "cli_token_id",
    "ort": "refresh_token_id",
    "code": "code_id",
}
_OURS: Final = re.compile(r"(?<![A-Za-z0-9_-])((sess|ost|ort|code)_[a-z2-7]{26})(?![A-Za-z0-9_-])(\.[A-Za-z0-9_-]*)?")
_JWT: Final = re.compile(r"(?<![A-Za-z0-9_.-])eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_OTHERS: Final = {
    "client_": translatable("this is an OAuth client; give it another secret with 'ostiary client rotate-secret'"),
    "setup_": translatable("this is a link for the first administrator; it works once, within 24 hours"),
}


@dataclass(frozen=True, slots=True)
class Leak:
    """What a text names. The secret is not in the repr.

    Attributes:
        id: of the thing itself; for a JWT, of the session that it says it belongs to.
        token: with its secret, whole; None for a bare id, a JWT, or a secret that was cut off.
        jwt: as it was found.
    """

    kind: LeakKind
    id: str
    token: Token | None = field(default=None, repr=False)
    jwt: str | None = field(default=None, repr=False)

    @property
    def is_bare(self) -> bool:
        """True for an id without any secret, so that there is nothing to be right or wrong."""
        return self.kind in _IDS.values()


def read_leak(text: str) -> Leak:
    """The one thing that a text names.

    Raises:
        InvalidRequest: nothing of ours, more than one thing, or too long.
    """
    if len(text) > MAXIMUM_TEXT:
        raise InvalidRequest(
            "credential",
            translatable("use at most %(most)s characters: the line that it is in, no more", most=MAXIMUM_TEXT),
        )
    found = {leak.id: leak for leak in [*_tokens(text), *_jwts(text)]}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise InvalidRequest(
            "credential",
            translatable("this names %(count)s different things; give one of them at a time", count=len(found)),
        )
    for prefix, words in _OTHERS.items():
        if prefix in text:
            raise InvalidRequest("credential", words)
    raise InvalidRequest(
        "credential",
        "there is no session token, cookie, access token, refresh token, code, CLI token or id of this server in it",
    )


def _tokens(text: str) -> list[Leak]:
    found = []
    for match in _OURS.finditer(text):
        token_id, prefix, secret = match[1], match[2], match[3]
        if secret is None or secret == ".":  # a dot alone ends a sentence
            found.append(Leak(_IDS[prefix], token_id))
        else:
            found.append(Leak(_NAMES[prefix], token_id, parse(f"{token_id}{secret}")))
    return sorted(found, key=lambda leak: not leak.is_bare)  # of an id and its token, the token stays


def _jwts(text: str) -> list[Leak]:
    found = []
    for match in _JWT.finditer(text):
        header, claims = (_object(part) for part in match[0].split(".")[:2])
        session_id = claims.get("sid")
        if isinstance(session_id, str) and re.fullmatch(r"sess_[a-z2-7]{26}", session_id):
            kind: LeakKind = "access_token" if header.get("typ") == "at+jwt" else "id_token"
            found.append(Leak(kind, session_id, jwt=match[0]))
    return found


def _object(part: str) -> dict[str, Any]:
    """A part of a JWT, unverified: only its session id is looked at, and nothing is believed."""
    try:
        content = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
