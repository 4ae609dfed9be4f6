"""Where a server is: scheme, host, port and an optional path. A credential belongs to the first three, its origin."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

DEFAULT_SERVER: Final = "http://127.0.0.1:8420"
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A server's URL in parts.

    Attributes:
        scheme: `http` or `https`.
        host: lower case, without brackets.
        port: always a number.
        path: a prefix without a slash at the end, mostly empty.
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def origin(self) -> str:
        """What a credential is bound to, the port always written: `https://auth.example.org:443`."""
        return f"{self.scheme}://{self._host_in_url}:{self.port}"

    @property
    def url(self) -> str:
        """As people write it: without the scheme's own port."""
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self._host_in_url}{port}{self.path}"

    @property
    def is_local(self) -> bool:
        """True for this machine: what is sent there in the clear crosses no network."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_protected(self) -> bool:
        """True if nobody on a network can read what is sent there."""
        return self.scheme == "https" or self.is_local

    @property
    def _host_in_url(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def parse_address(text: str) -> Address:
    """Read a server's URL.

    Raises:
        ValueError: not http or https, no host, or with a part that a server's address has not; says what to write.
    """
    if not text.isprintable() or " " in text:  # urlsplit would drop some of these without a word
        raise ValueError("has characters that a URL cannot have")
    parts = urlsplit(text)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError("is not a server's URL; write it as https://auth.example.org")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a username or password; use 'ostiary login'")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("must not have a query or a fragment")
    port = parts.port  # itself a ValueError when it is no port
    return Address(
        parts.scheme,
        parts.hostname,
        DEFAULT_PORTS[parts.scheme] if port is None else port,
        parts.path.rstrip("/"),
    )
