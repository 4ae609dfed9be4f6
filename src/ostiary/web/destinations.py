"""Where a sign-in may lead: a path on this origin, and nothing else (ASVS 5.0 3.7.2)."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote, urlsplit

HOME: Final = "/settings/sessions"
MAXIMUM_LENGTH: Final = 12 * 1024  # characters; an authorization request of 8 KiB fits, packed


def own_path(text: str | None, otherwise: str = HOME) -> str:
    """`text` if it is a path that every browser resolves on this origin; else `otherwise`.

    It is read as given and as decoded: browsers take a backslash for `/` and drop tabs, proxies may decode.
    """
    if not text or len(text) > MAXIMUM_LENGTH or not text.isascii() or " " in text:
        return otherwise
    if not (_is_plain(text) and _is_plain(unquote(text, errors="replace"))):
        return otherwise
    try:
        parts = urlsplit(text)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else text


def sign_in_path(then: str) -> str:
    """The sign-in page that leads back to a path of ours."""
    return "/sign-in" if then in {HOME, "/"} else f"/sign-in?next={quote(then, safe='/')}"


def _is_plain(text: str) -> bool:
    if not text.startswith("/") or text.startswith("//"):
        return False
    return text.isprintable() and "\\" not in text
