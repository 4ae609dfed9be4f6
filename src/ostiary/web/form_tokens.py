"""The token in every form: proof that a page of ours wrote it, for this browser (ASVS 5.0 3.5.1).

Nothing is stored. The token is a keyed hash under a secret that the browser sends by itself and no other site can
read: the session's own token once signed in, a cookie made for that before. Each one differs, so that none can be
guessed from the size of a compressed page.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

from ostiary.errors import NotAllowed
from ostiary.errors.translatable import translatable

FIELD: Final = "csrf_token"
SALT_LENGTH: Final = 16  # characters


class FormRefused(NotAllowed):
    """The form was not written for this browser, or is from before the last sign-in."""

    title = translatable("This page was open for too long; try again")


class FormUnbound(FormRefused):
    """The browser sent nothing along that the form could have been written for."""

    title = translatable("This form came back without its cookie")


def write(secret: str) -> str:
    """A token for a form."""
    salt = secrets.token_hex(SALT_LENGTH // 2)
    return salt + _signature(secret, salt)


def ensure_ours(token: str, candidates: Iterable[str]) -> None:
    """Return if the token was written under one of the secrets that the browser sent.

    Raises:
        FormRefused: it was not.
        FormUnbound: it sent none.
    """
    candidates = list(candidates)
    if not candidates:
        raise FormUnbound
    salt, signature = token[:SALT_LENGTH], token[SALT_LENGTH:]
    matches = [hmac.compare_digest(signature.encode(), _signature(secret, salt).encode()) for secret in candidates]
    if not any(matches):
        raise FormRefused


def _signature(secret: str, salt: str) -> str:
    return hmac.new(secret.encode(), f"form:{salt}".encode(), hashlib.sha256).hexdigest()
