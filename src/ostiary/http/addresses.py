"""Where a request really came from: address, scheme and host, with or without proxies in between.

The socket says it, unless the peer is one of `trusted_proxies`. Then the header that the operator's proxies write
(`forwarded_header`) is read from the right, hop by hop, for as long as the hop that wrote an entry is trusted: whatever
a client wrote itself is never reached. The other header is not looked at: who does not know it passes it on.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from ostiary.core.return_address import DEFAULT_PORTS
from ostiary.settings import ForwardedHeader, Network

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MAXIMUM_HOPS: Final = 32  # entries read of a forwarded header, from the right
MAXIMUM_HOST: Final = 255  # characters; DNS allows no longer name

MAXIMUM_FORWARDED: Final = 4096  # bytes read of `Forwarded`, from the right

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# A parameter (RFC 7239 4), or nothing, and what ends it. A value that is no token is taken as well where it is plain:
# addresses of IPv6 are often sent without their quotes.
_PAIR = re.compile(rf'[ \t]*(?:({_TOKEN})=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))[ \t]*)?(?:([;,])|$)')
# An address with a port (RFC 7239 6), or in brackets; with the zone of RFC 6874.
_WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):[\w.-]+|\[([0-9A-Fa-f:.]+)(?:%[^\]\s]*)?\](?::[\w.-]+)?", re.ASCII)


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
        """As browsers write it in `Origin`: without the port that the scheme implies."""
        return without_default_port(f"{self.scheme}://{self.host}")

    @property
    def is_local(self) -> bool:
        """True for the names of one's own machine, where browsers accept secure cookies over plain http."""
        return _is_local(self.host)


class Addresses:
    """Reads arrivals, believing the forwarded headers of the given networks only.

    Attributes:
        names_client: the header that says whom a proxy asks for.
    """

    def __init__(self, trusted: Sequence[Network], header: ForwardedHeader = "x-forwarded-for") -> None:
        """`trusted` is empty by default: then no header can change an address. Nor can any with `none`."""
        self._trusted = tuple(trusted) if header != "none" else ()
        self._header = header
        self.names_client = b"" if header == "none" else header.encode()
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

    def host_asked_for(self, headers: Headers) -> str | None:
        """As `forwarded_host`; `Host` where a trusted peer says nothing, as one that sends on what it was sent."""
        name = b"forwarded" if self._header == "forwarded" else b"x-forwarded-host"
        says = any(key == name for key, _ in headers)
        return self.forwarded_host(headers) if says else only(headers, b"host")

    def forwarded_host(self, headers: Headers) -> str | None:
        """The host that a trusted peer says it was asked for; None where it says none, or more than one."""
        if self._header == "forwarded":
            elements = _elements(_joined(headers, b"forwarded"))
            return elements[0].get("host") if len(elements) == 1 else None
        return only(headers, b"x-forwarded-host")

    def forwarded_scheme(self, headers: Headers) -> str | None:
        """The scheme that a trusted peer says it was asked by; None where it says none, or more than one."""
        if self._header == "forwarded":
            elements = _elements(_joined(headers, b"forwarded"))
            return elements[0].get("proto") if len(elements) == 1 else None
        return only(headers, b"x-forwarded-proto")

    def _forwarded(self, peer: str, headers: Headers) -> tuple[str, str | None]:
        if self._header == "forwarded":
            elements = _elements(_joined(headers, b"forwarded"))
            ip, place = self._walk(peer, [element.get("for", "") for element in elements])
            schemes = [element.get("proto", "") for element in elements]
        else:
            hops = [part.strip() for part in _joined(headers, b"x-forwarded-for").split(",") if part.strip()]
            ip, place = self._walk(peer, hops)
            schemes = [part.strip() for part in _joined(headers, b"x-forwarded-proto").split(",")]
        # Proxies that add to the one list add to the other. Where there are fewer, somebody wrote them anew.
        scheme = schemes[-min(place, len(schemes))].lower() if schemes else ""
        return ip, scheme if scheme in {"http", "https"} else None

    def _walk(self, peer: str, hops: Sequence[str]) -> tuple[str, int]:
        """The right-most hop that is not trusted; or the one that wrote an entry which is no address.

        Also which entry the outermost trusted proxy wrote, from the right, and from 1.
        """
        current, place = peer, 1
        for number, hop in enumerate(reversed(hops[-MAXIMUM_HOPS:]), 1):
            if not self._trusts(current):
                break
            place = number
            address = _address(hop)
            if address is None:
                break
            current = str(address)
        return current, place

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
    """The elements of `Forwarded` (RFC 7239 4), each as its parameters, the last ones at least.

    Proxies write on the right of what they get. Of a header that is malformed, as many elements are read from the right
    as are not: what a client wrote cannot hide what a proxy wrote behind it.
    """
    begins = [0, *(found.end() for found in re.finditer(",", header))][-MAXIMUM_HOPS:]
    if len(header) > MAXIMUM_FORWARDED:
        begins = [begin for begin in begins if len(header) - begin <= MAXIMUM_FORWARDED]
    for begin in begins:
        elements = _well_formed(header[begin:])
        if elements is not None:
            return elements[-MAXIMUM_HOPS:]
    return []


def _well_formed(header: str) -> list[dict[str, str]] | None:
    elements: list[dict[str, str]] = [{}]
    position = 0
    while position < len(header):
        found = _PAIR.match(header, position)
        if found is None:
            return None
        name, quoted, plain, end = found.groups()
        if name is not None:
            name = name.lower()
            if name in elements[-1]:  # RFC 7239 4: once in an element
                return None
            elements[-1][name] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
        if end == ",":
            elements.append({})
        position = found.end()
    return [element for element in elements if element]


def without_default_port(origin: str) -> str:
    """An origin as browsers write it, without the port that its scheme implies; what is none stays as it is."""
    scheme, separator, host = origin.lower().partition("://")
    port = f":{DEFAULT_PORTS.get(scheme, '')}"
    return f"{scheme}{separator}{host.removesuffix(port) if len(port) > 1 else host}"


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


def only(headers: Headers, name: bytes, *, is_list: bool = True) -> str | None:
    """The value of a header that was sent once; None for none, several, or (where it could be one) a list."""
    values = [value.decode("latin-1").strip() for key, value in headers if key == name]
    return values[0] if len(values) == 1 and values[0] and not (is_list and "," in values[0]) else None


def _first(headers: Headers, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def _joined(headers: Headers, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in headers if key == name)
