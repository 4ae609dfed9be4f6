"""The headers that every answer carries, whatever it is. An answer that sets one of them itself keeps its own."""

from __future__ import annotations

from typing import Final

from ostiary.http.problems import RawHeaders

ALWAYS: Final = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    b"cache-control": b"no-store",  # ASVS 5.0 14.3.2: nothing here is worth a cache, and most of it must not be in one
}
_ALWAYS: Final = list(ALWAYS.items())
HSTS: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")  # two years; ASVS 5.0 3.4.1


def complete(headers: RawHeaders, *, secure: bool) -> None:
    """Add those that are missing; `secure` if people come by https."""
    own = {name for name, _ in headers}
    headers += [header for header in _ALWAYS if header[0] not in own]
    if secure:
        headers.append(HSTS)
