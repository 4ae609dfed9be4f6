"""What a setting's value can be: each reads it from an argument, the environment or the file.

Raises ValueError, in words that say what to write.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeAlias, cast

from ostiary.core.duration import format_duration, parse_duration
from ostiary.core.return_address import host_of, read_origin

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

MAPPED_BITS: Final = 96  # of the prefix of IPv4 in IPv6 (RFC 4291 2.5.5.2)
KEY_BYTES: Final = 32  # of the key that protects signing keys: AES-256


def as_text(value: object) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a non-empty text")
    return value.strip()


def as_optional_text(value: object) -> str | None:
    """The same, or None for an empty one."""
    return None if value in ("", None) else as_text(value)


def as_identifier(value: object) -> str:
    """A name of a schema, or the beginning of one of a table."""
    text = as_text(value)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", text) or text.startswith(("pg_", "sqlite_")):
        raise ValueError("must be at most 31 small letters, digits and _, beginning with a letter; not pg_ or sqlite_")
    return text


def as_flag(value: object) -> bool:
    """True or false, by their usual words."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError("must be true or false")


def number_between(lowest: int, highest: int) -> Callable[[object], int]:
    """Reads a whole number, both bounds included."""

    def parse(value: object) -> int:
        try:
            number = int(str(value))
        except ValueError:
            raise ValueError(f"must be a whole number from {lowest} to {highest}") from None
        if not lowest <= number <= highest:
            raise ValueError(f"must be from {lowest} to {highest}")
        return number

    return parse


def optional(parse: Callable[[object], Any]) -> Callable[[object], Any]:
    """Reads what may be left out: an empty text and `none` are None."""
    return lambda value: None if value in ("", "none", None) else parse(value)


def as_duration(value: object) -> timedelta:
    """A span of time, such as `15m`."""
    if isinstance(value, timedelta):
        return value
    return parse_duration(as_text(value))


def duration_between(lowest: timedelta, highest: timedelta) -> Callable[[object], timedelta]:
    """Reads a span of time, both bounds included."""

    def parse(value: object) -> timedelta:
        span = as_duration(value)
        if not lowest <= span <= highest:
            raise ValueError(f"must be from {format_duration(lowest)} to {format_duration(highest)}")
        return span

    return parse


as_retention = duration_between(timedelta(days=1), timedelta(days=36_500))


def as_key(value: object) -> str | None:
    """A key that protects others, in base64url."""
    if value in ("", None):
        return None
    try:
        is_right = len(base64.b64decode(f"{value}=", altchars=b"-_", validate=True)) == KEY_BYTES
    except ValueError:
        is_right = False
    if not is_right:  # what it is instead is not repeated: it may be a key with a typing error
        raise ValueError(f"must be {KEY_BYTES} random bytes in base64url, as 'ostiary keys generate' prints them")
    return str(value)


def one_of(*words: str) -> Callable[[object], str]:
    """Reads one of some words."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return parse


def as_listen_address(value: object) -> str | None:
    """An address and a port."""
    text = as_optional_text(value)
    if text is None:
        return None
    found = re.fullmatch(r"([^\s:\[\]]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})", text)
    if found is None or not 0 < int(found[2]) < 65536:
        raise ValueError("must be an address and a port such as 127.0.0.1:9464 or [::1]:9464")
    return text


def as_networks(value: object) -> tuple[Network, ...]:
    """Networks, apart by commas or spaces, or in a list."""
    parts = value.replace(",", " ").split() if isinstance(value, str) else list(cast("list[object]", value))
    return tuple(_as_ipv4(ipaddress.ip_network(str(part))) for part in parts)


def _as_ipv4(network: Network) -> Network:
    """An IPv4 network that is written as a part of `::ffff:0:0/96`, as IPv4: addresses are compared so."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is None or network.prefixlen < MAPPED_BITS:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - MAPPED_BITS))


def as_origin(value: object) -> str | None:
    """A scheme, a host and a port, and nothing behind them."""
    text = as_optional_text(value)
    if text is None:
        return None
    scheme, separator, rest = text.rstrip("/").partition("://")
    if scheme not in {"http", "https"} or not separator or not rest or any(c in rest for c in "/?#@ "):
        raise ValueError("must be an origin such as https://auth.example.org")
    return f"{scheme}://{rest.lower()}"


def as_origins(value: object) -> tuple[str, ...]:
    """Origins, likewise."""
    parts = value.replace(",", " ").split() if isinstance(value, str) else list(cast("list[object]", value))
    return tuple(dict.fromkeys(read_origin(str(part)) for part in parts))


def as_domain(value: object) -> str | None:
    """A domain of one's own, in which cookies can be shared."""
    text = as_optional_text(value)
    if text is None:
        return None
    domain = host_of(read_origin(f"https://{text.removeprefix('.')}"))
    if "." not in domain or domain.replace(".", "").isdigit() or domain.startswith("["):
        raise ValueError("must be a domain of your own such as example.org, with a dot in it")
    return domain
