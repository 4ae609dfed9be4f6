"""Addresses as a key of fixed width, so that a network is one range of a sorted index on any database."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final, TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

WIDTH: Final = 16  # bytes: an IPv6 address
_MAPPED: Final = 0xFFFF << 32  # where IPv4 lies inside IPv6 (RFC 4291 2.5.5.2)


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
            "write an address or a network, such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32"
        ) from None
    if network.version == 6 and network.prefixlen >= 96 and int(network.network_address) >> 32 == 0xFFFF:
        mapped = int(network.network_address) & 0xFFFF_FFFF
        return ipaddress.ip_network((mapped, network.prefixlen - 96))
    return network


def bounds(network: Network) -> tuple[bytes, bytes]:
    """The keys of a network's first and last address."""
    shift = _MAPPED if network.version == 4 else 0
    first, last = int(network.network_address) + shift, int(network.broadcast_address) + shift
    return first.to_bytes(WIDTH, "big"), last.to_bytes(WIDTH, "big")
