"""What a request line asks for (RFC 9112 3.2)."""

from __future__ import annotations

import re
from typing import Final, TypeAlias
from urllib.parse import unquote

import httptools

Target: TypeAlias = tuple[str, bytes, bytes]  # the path, decoded and as it was sent, and the query

_ABSOLUTE: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?]*)")


def read_target(url: bytes, headers: list[tuple[bytes, bytes]]) -> Target:
    """Path and query. An address in full says what is asked for, and not `Host`, which it takes the place of (3.2.2).

    Raises:
        ValueError: it is none of the forms.
    """
    if not url.startswith(b"/") or b"#" in url:
        url = url.replace(b"#", b"%23")  # no address has a fragment; so this leads to nothing, as it should
        found = _ABSOLUTE.match(url)
        if found is not None:
            headers[:] = [header for header in headers if header[0] != b"host"]
            headers.append((b"host", found[1]))
    try:
        parsed = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError as why:
        raise ValueError(str(why)) from None
    raw = parsed.path
    if raw is None:
        raise ValueError("there is no path")
    path = raw.decode("ascii")
    return unquote(path) if "%" in path else path, raw, parsed.query or b""
