"""Where a request really came from: address, scheme and host, with or without proxies in between.

The socket says it, unless the peer is one of `trusted_proxies`. Then the forwarded headers are read from the right, hop
by hop, for as long as the hop that wrote an entry is trusted: whatever a client wrote itself is never reached.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from ostiary.settings import Network

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MAXIMUM_HOPS: Final = 32  # entries read of a forwarded header, from the right
MAXIMUM_HOST: Final = 255  # characters; DNS allows no longer name

_PAIR = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))\s*(?:([;,])|$)')
_WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):[\w.-]+|\[([0-9A-Fa-f:.]+)\](?::[\w.-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a request came in.

    Attributes:
        ip: of the client; None where there is no network between (a Unix socket, a test).
        scheme: `http` or `https`, as the client's side of the outermost trusted proxy saw it.
        host: what the client asked for, lower case, with its port if it said one; not to be trusted.
    """

    ip: str | None
    scheme: str
    host: str

    @property
    def origin(self) -> str:
        """As browsers write it in `Origin`."""
        return f"{self.scheme}://{self.host}"

    @property
    def is_local(self) -> bool:
        """True for the names of one's own machine, where browsers accept secure cookies over plain http."""
        return _is_local(self.host)


class Addresses:
    """Reads arrivals, believing the forwarded headers of the given networks only."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        """`trusted` is empty by default: then no header can change an address."""
        self._trusted = tuple(trusted)
        self._trusts = lru_cache(maxsize=1024)(self._is_trusted)

    def arrival(self, scope: Any) -> Arrival:
        """Read the ASGI scope of a request."""
        headers = scope["headers"]
        peer = scope["client"][0] if scope.get("client") else None
        host = _first(headers, b"host")[:MAXIMUM_HOST].lower()
        scheme = "https" if scope.get("scheme") in ("https", "wss") else "http"
        if peer is None or not self._trusts(peer):
            return Arrival(peer, scheme, host)
        ip, forwarded_scheme = self._forwarded(peer, headers)
        return Arrival(ip, forwarded_scheme or scheme, host)

    def trusts(self, scope: Any) -> bool:
        """True if the peer's forwarded headers are believed."""
        peer = scope["client"][0] if scope.get("client") else None
        return peer is not None and self._trusts(peer)

    def client_ip(self, scope: Any) -> str | None:
        """Only the address of an arrival, for those who need no more."""
        peer = scope["client"][0] if scope.get("client") else None
        if peer is None or not self._trusts(peer):
            return peer
        return self._forwarded(peer, scope["headers"])[0]

    def _forwarded(self, peer: str, headers: Headers) -> tuple[str, str | None]:
        listed = [part.strip() for part in _joined(headers, b"x-forwarded-for").split(",") if part.strip()]
        elements = _elements(_joined(headers, b"forwarded"))
        said = [element.get("for", "") for element in elements]
        if listed and said and [_address(hop) for hop in listed] != [_address(hop) for hop in said]:
            # A proxy writes one of the two and may pass the other on as the client sent it: who knows which is which?
            return peer, None
        ip = self._walk(peer, listed or said)
        schemes = [part.strip().lower() for part in _joined(headers, b"x-forwarded-proto").split(",")]
        scheme = schemes[-1] or (elements[-1].get("proto", "").lower() if elements else "")
        return ip, scheme if scheme in {"http", "https"} else None

    def _walk(self, peer: str, hops: Sequence[str]) -> str:
        """The right-most hop that is not trusted; or the one that wrote an entry which is no address."""
        current = peer
        for hop in reversed(hops[-MAXIMUM_HOPS:]):
            address = _address(hop) if self._trusts(current) else None
            if address is None:
                break
            current = str(address)
        return current

    def _is_trusted(self, ip: str) -> bool:
        address = _address(ip)
        return address is not None and any(address in network for network in self._trusted)


def _address(text: str) -> Address | None:
    """An address with or without a port, in brackets or not; None for anything else (`unknown`, `_hidden`, junk)."""
    found = _WITH_PORT.fullmatch(text)
    bare = (found[1] or found[2]) if found else text
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _elements(header: str) -> list[dict[str, str]]:
    """The elements of `Forwarded` (RFC 7239 4), each as its pairs; nothing at all if it is malformed."""
    elements: list[dict[str, str]] = [{}]
    position = 0
    while position < len(header):
        found = _PAIR.match(header, position)
        if found is None:
            return []
        name, quoted, plain, end = found.groups()
        elements[-1][name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
        if end == ",":
            elements.append({})
        position = found.end()
    return [element for element in elements if element][-MAXIMUM_HOPS:]


@lru_cache(maxsize=256)
def _is_local(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def _first(headers: Headers, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def _joined(headers: Headers, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in headers if key == name)
