"""What the head of every request must be, whoever answers it: of a version that is spoken here, with one `Host`.

And with one spelling of its path. A proxy that lets some paths through and others not compares what it is sent; what it
does not know as one of those must not be one of those here: `//metrics`, `/%6detrics`, `/metrics/` are nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, unquote, unquote_to_bytes

from ostiary.errors import InvalidRequest
from ostiary.http.problems import BadRequest

VERSIONS: Final = frozenset({"1.0", "1.1", "2", "3"})  # as ASGI writes them: 2.0 is a text of HTTP/1 that means nothing
WITHOUT_HOST: Final = "1.0"  # RFC 9112 3.2: later ones must say it
MAXIMUM_HOST: Final = 261  # bytes: a name of DNS, a colon, a port
NOTHING: Final = "/-"  # a path at which there is nothing

# RFC 9110 7.2, with names as DNS and certificates have them: letters of other scripts come as `xn--`.
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")
# What a path may hold as it is (RFC 3986 3.3), in parts of which none is empty or only dots.
_PLAIN = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]+)+|/")
_RESERVED: Final = "!$&'()*+,;=:@"  # encoded or not: RFC 3986 2.2 has no opinion, and clients differ
_ENCODED: Final = re.compile("%(?:" + "|".join(f"{ord(character):02X}" for character in _RESERVED) + ")")


def refusal_of(scope: Any) -> BadRequest | None:
    """Why a request is not answered at all; None if it is (RFC 9112 2.3, 3.2)."""
    version = scope.get("http_version", "1.1")
    if version not in VERSIONS:
        return BadRequest(400, "this is no version of HTTP that is spoken here")
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) > 1:
        return BadRequest(400, "more than one Host was sent")
    if not hosts:
        return None if version == WITHOUT_HOST else BadRequest(400, "no Host was sent")
    return None if is_host(hosts[0]) else BadRequest(400, "Host is not a name or address, with or without a port")


def is_host(value: bytes | None) -> bool:
    """True for what `Host` can be."""
    return value is not None and len(value) <= MAXIMUM_HOST and _is_host(value)


def ensure_readable(query: bytes) -> None:
    """Return if every parameter of a query is text that every store keeps.

    Raises:
        InvalidRequest: one is not UTF-8 (a lone surrogate is not), or holds NUL, which PostgreSQL does not keep.
    """
    if b"%" not in query and query.isascii():
        return
    for pair in query.replace(b"+", b" ").split(b"&"):
        name = unquote_to_bytes(pair.partition(b"=")[0]).decode("utf-8", "replace").replace("\0", "")[:64] or "query"
        try:
            text = unquote_to_bytes(pair).decode()
        except UnicodeDecodeError:
            raise InvalidRequest(name, "is not UTF-8") from None
        if "\0" in text:
            raise InvalidRequest(name, "must not hold the character NUL")


@lru_cache(maxsize=1024)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


def path_of(scope: Any) -> str:
    """The path as it was sent, without that of whatever this application is mounted in."""
    raw = scope.get("raw_path")
    path = quote(scope["path"], safe="/" + _RESERVED) if raw is None else raw.decode("latin-1")
    root = scope.get("root_path", "")
    return path.removeprefix(quote(root)) or "/" if root else path


def is_canonical(path: str) -> bool:
    """True if a path, as it was sent, is spelled in the one way that leads anywhere.

    Escaped is what has to be, in upper case, and once: no letter, no slash, no dot, no control character, nothing but
    UTF-8. A part is never empty, so no path ends in a slash.
    """
    if "%" not in path:
        return _PLAIN.fullmatch(path) is not None
    decoded = unquote(path, errors="replace")
    parts = decoded[1:].split("/")
    if not decoded.isprintable() or not {"", ".", ".."}.isdisjoint(parts):
        return False
    if any(part != part.strip() for part in parts):  # names are compared without
        return False
    plain = _ENCODED.sub(lambda found: unquote(found[0]), path)
    return quote(decoded, safe="/" + _RESERVED) == plain
