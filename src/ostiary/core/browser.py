"""What a browser keeps of its sign-ins beside the session: a mark by which it is known again.

It proves nothing (NIST SP 800-63B-4 5.1): a sign-in asks for all that it asks for without. It says which session a new
sign-in takes the place of, so that the history of one browser does not pile up as devices.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

MARK_BYTES: Final = 16  # 128 bits
MARK_LIFE: Final = timedelta(days=400)  # the longest that browsers keep a cookie (RFC 6265bis 5.5)
MARK_GRACE: Final = timedelta(minutes=1)  # in which the mark of before still stands for a browser: two sign-ins at once
_MARK = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True)
class Browser:
    """The browser that somebody signs in with.

    Attributes:
        credentials: the session tokens that it sent, whether or not they work.
        mark: that it sent, if it can be ours.
        stays: whether its person asked to stay signed in.
    """

    credentials: tuple[str, ...] = field(default=(), repr=False)
    mark: str | None = field(default=None, repr=False)
    stays: bool = False


def new_mark() -> str:
    """A mark for a browser."""
    return secrets.token_urlsafe(MARK_BYTES)


def read_mark(text: str | None) -> str | None:
    """The same text, if it can be a mark."""
    return text if text is not None and _MARK.fullmatch(text) else None


def mark_hash(mark: str) -> bytes:
    """What is kept of it."""
    return hashlib.sha256(mark.encode()).digest()
