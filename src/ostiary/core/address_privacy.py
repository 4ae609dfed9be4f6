"""What is kept of a client's address: all of it, the network it is in, or a name for it that only we can make.

It is decided where a request comes in, before anything is stored or logged.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal, TypeAlias, get_args

AddressMode: TypeAlias = Literal["full", "truncated", "hashed"]
KeptAs: TypeAlias = Callable[[str], str]

ADDRESS_MODES: Final[tuple[AddressMode, ...]] = get_args(AddressMode)
KEPT_BITS: Final = {4: 24, 6: 48}  # a /48 is what one site gets (RFC 6177), a /24 the least that is routed
# A hash is written as an address of the discard-only block, from which nothing ever comes (RFC 6666): whatever reads
# addresses can read it, and nobody takes it for a real one.
HASHED: Final = ipaddress.IPv6Network("100::/64")
REMEMBERED: Final = 4096  # addresses


def kept_as(mode: str, key: Callable[[], bytes]) -> KeptAs:
    """How addresses are kept.

    Args:
        mode: one of `ADDRESS_MODES`.
        key: asked for only if addresses are hashed.
    """
    if mode == "truncated":
        return lru_cache(REMEMBERED)(truncated)
    if mode == "hashed":
        secret = key()
        return lru_cache(REMEMBERED)(lambda ip: hashed(ip, secret))
    return str


def truncated(ip: str) -> str:
    """The first address of the network: `203.0.113.0` for `203.0.113.7`, `2001:db8:1::` for `2001:db8:1:2::3`."""
    address = ipaddress.ip_address(ip)
    return str(ipaddress.ip_network((address, KEPT_BITS[address.version]), strict=False).network_address)


def hashed(ip: str, key: bytes) -> str:
    """A pseudonym: the same for the same address, as long as the key is the same. Without the key it says nothing."""
    digest = hmac.digest(key, ipaddress.ip_address(ip).packed, "sha256")
    return str(ipaddress.IPv6Address(int(HASHED.network_address) | int.from_bytes(digest[:8], "big")))
