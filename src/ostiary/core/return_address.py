"""Where a sign-in may lead beside our own pages: addresses at the origins that the operator listed, and nothing else.

An address is not compared as a text but read by one strict grammar and written anew. Whatever browsers, proxies and
parsers could read in two ways (user names, backslashes, missing slashes, letters beyond ASCII) is not in the grammar.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import Final

MAXIMUM_LENGTH: Final = 2048  # characters; encoded into a query it has to stay within `http.limits`
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_NAME = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_ORIGIN = re.compile(
    rf"(https?)://({_NAME}(?:\.{_NAME})*|\[[0-9a-f:.]+\])(?::([0-9]{{1,5}}))?", re.ASCII | re.IGNORECASE
)
_REST = re.compile(r"(?:/[!-~]*|\?[!-~]*)?", re.ASCII)  # visible ASCII; a backslash or a fragment is refused below


def read_origin(text: str) -> str:
    """An origin as it is compared: lower case, without the port that its scheme implies.

    Raises:
        ValueError: not `https://host` or `http://host`, with or without a port.
    """
    found = _ORIGIN.fullmatch(text.removesuffix("/"))
    origin = _origin(found) if found else None
    if origin is None:
        raise ValueError(f"{text[:64]!r} is no origin such as https://app.example.org")
    return origin


def allowed(text: str | None, origins: Collection[str]) -> str | None:
    """The address, written anew, if it is at one of the origins (as `read_origin` writes them); else None."""
    if not text or len(text) > MAXIMUM_LENGTH or "\\" in text or "#" in text:
        return None
    found = _ORIGIN.match(text)
    if found is None or not _REST.fullmatch(text, found.end()):
        return None
    origin = _origin(found)
    if origin is None or origin not in origins:
        return None
    rest = text[found.end() :]
    return origin + (rest if rest.startswith("/") else f"/{rest}")


def host_of(origin: str) -> str:
    """The host of an origin, without its port."""
    found = _ORIGIN.fullmatch(origin)
    return found[2].lower() if found else ""


def is_under(host: str, domain: str) -> bool:
    """True if a cookie with that `Domain` reaches the host (RFC 6265 5.1.3)."""
    return host == domain or host.endswith(f".{domain}")


def _origin(found: re.Match[str]) -> str | None:
    scheme, host, port = found[1].lower(), found[2].lower(), found[3]
    if host.startswith("["):
        try:
            host = f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            return None
    if port is None or int(port) == DEFAULT_PORTS[scheme]:
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{int(port)}" if 0 < int(port) < 65536 else None
