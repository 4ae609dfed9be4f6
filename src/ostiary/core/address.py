"""Addresses as a key of fixed width, so that a network is one range of a sorted index on any database."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final, TypeAlias

from ostiary.core.address_privacy import HASHED
from ostiary.errors.translatable import translatable

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

WIDTH: Final = 16  # bytes: an IPv6 address
_MAPPED: Final = 0xFFFF << 32  # where IPv4 lies inside IPv6 (RFC 4291 2.5.5.2)
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")  # where translators put IPv4 (RFC 6052 2.1)
LINK_BITS: Final = 64  # of an IPv6 address: its link, of which one machine can take every address (RFC 4291 2.5.1)
SITE_BITS: Final = 56  # what a home gets at least (RFC 6177 2): 256 links


@lru_cache(maxsize=4096)
def address_key(ip: str | None) -> bytes | None:
    """An address in 16 bytes, IPv4 as mapped into IPv6; None for none, or for what is no address."""
    try:
        address = ipaddress.ip_address(ip) if ip else None
    except ValueError:
        return None
    if address is None:
        return None
    return (int(address) + (_MAPPED if address.version == 4 else 0)).to_bytes(WIDTH, "big")


def parse_network(text: str) -> Network:
    """Read `203.0.113.7`, `203.0.113.0/24` or `2001:db8::/32`. Bits beyond the prefix are cut off.

    Raises:
        ValueError: none of these; the message says what to write.
    """
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(
            translatable("write an address or a network, such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32")
        ) from None
    if network.version == 6 and network.prefixlen >= 96 and int(network.network_address) >> 32 == 0xFFFF:
        mapped = int(network.network_address) & 0xFFFF_FFFF
        return ipaddress.ip_network((mapped, network.prefixlen - 96))
    return network


@lru_cache(maxsize=4096)
def counted_by(ip: str) -> tuple[str, str | None]:
    """The networks that failures from an address count for: it or its link, and the site around that.

    Of IPv6 these are its /64 and its /56. IPv4 counts as one address, however it is wrapped into IPv6 (mapped,
    translated, 6to4), and so does what is no address, or stands for one that we do not know.
    """
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip, None
    if isinstance(address, ipaddress.IPv4Address) or address in HASHED:
        return str(address), None
    inside = address.ipv4_mapped or address.sixtofour
    if address in _TRANSLATED:
        inside = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if inside is not None:
        return str(inside), None
    return _around(address, LINK_BITS), _around(address, SITE_BITS)


def _around(address: ipaddress.IPv6Address, bits: int) -> str:
    return str(ipaddress.IPv6Network((int(address), bits), strict=False))


def nearby(ip: str) -> tuple[bytes, bytes] | None:
    """The keys of the first and last address that is as good as this one; None for what is no address."""
    network, _ = counted_by(ip)
    try:
        return bounds(ipaddress.ip_network(network))
    except ValueError:
        return None


def bounds(network: Network) -> tuple[bytes, bytes]:
    """The keys of a network's first and last address."""
    shift = _MAPPED if network.version == 4 else 0
    first, last = int(network.network_address) + shift, int(network.broadcast_address) + shift
    return first.to_bytes(WIDTH, "big"), last.to_bytes(WIDTH, "big")
