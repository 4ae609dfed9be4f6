"""Redirect URIs: which may be registered, and which match (RFC 9700 2.1: as texts, and exactly)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from ostiary.errors import InvalidRequest
from ostiary.errors.translatable import translatable

MAXIMUM_LENGTH: Final = 512  # characters
MAXIMUM_PORT: Final = 65535  # RFC 9293 3.1: 16 bits
# This machine. RFC 8252 8.3 would rather have the literals, as a name can lead elsewhere; but command lines send the
# name, and PKCE sees to it that nobody else gets anything for the code.
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

# What RFC 3986 allows, without a fragment, a space, or the wildcards that people hope for.
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?@!$&'()+,;=%\[\]]+", re.ASCII)
# Of an app of its own: reversed domain names have a dot, which `javascript:` and `data:` do not (RFC 8252 7.1).
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*\.[a-z0-9.+-]*", re.ASCII)
_PORT = re.compile(r"^(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::([1-9]\d{0,4}))?(?=[/?]|$)", re.ASCII)


def check_redirect_uri(uri: str, *, native: bool, field: str = "redirect_uris") -> str:
    """Return the URI if a client may register it: https, http on this machine, or an app's own scheme when native.

    Raises:
        InvalidRequest: anything else.
    """
    if not 0 < len(uri) <= MAXIMUM_LENGTH or not _PLAIN.fullmatch(uri):
        raise InvalidRequest(
            field,
            translatable(
                "write an absolute URI of at most %(most)s characters, without a fragment", most=MAXIMUM_LENGTH
            ),
        )
    try:
        parts = urlsplit(uri)
        has_host = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        raise InvalidRequest(field, "this is not a URI") from None
    if parts.scheme == "https" and has_host:
        return uri
    if parts.scheme == "http" and has_host and parts.hostname in LOOPBACK:
        return uri
    if native and _PRIVATE_SCHEME.fullmatch(parts.scheme) and not parts.netloc:
        return uri
    raise InvalidRequest(
        field, "use https, http://127.0.0.1 for development and native apps, or a native app's own scheme with a dot"
    )


def matches(given: str, registered: Iterable[str], *, any_loopback_port: bool) -> bool:
    """True if `given` is registered. The port of a loopback address may differ for a native app (RFC 8252 7.3).

    Only the port: `localhost` is not `127.0.0.1`, and path and query are compared as texts.
    """
    known = tuple(registered)
    if given in known:
        return True
    if not any_loopback_port or len(given) > MAXIMUM_LENGTH or not _PLAIN.fullmatch(given):
        return False
    bare = _without_port(given)
    return bare is not None and any(bare == _without_port(uri) for uri in known)


def _without_port(uri: str) -> str | None:
    """A loopback URI without its port; None for every other one."""
    found = _PORT.match(uri)
    if found is None or int(found[2] or 1) > MAXIMUM_PORT:
        return None
    return found[1] + uri[found.end() :]


def origin_of(uri: str) -> str | None:
    """The origin of a web address, as a browser says it in `Origin`; None for an app's own scheme."""
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in {None, {"http": 80, "https": 443}[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
