"""TLS to PostgreSQL, as libpq's parameters say it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final, Never

from ostiary.errors import ConfigurationError

SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
PARAMETERS: Final = ("sslmode", "sslrootcert", "sslcrl", "sslcert", "sslkey", "sslpassword")
VERSIONS: Final = ("ssl_min_protocol_version", "ssl_max_protocol_version")


def read_tls(last: Mapping[str, str]) -> dict[str, str]:
    """The parameters of TLS among those of a URL.

    Raises:
        ConfigurationError: one cannot be, or contradicts another.
    """
    tls = {name: last[name] for name in (*PARAMETERS, *VERSIONS) if name in last}
    if "ssl" in last:  # as of JDBC, which libpq reads too, and of SQLAlchemy with asyncpg
        tls.setdefault("sslmode", {"true": "require", "false": "disable"}.get(last["ssl"], last["ssl"]))
    if tls.get("sslmode", "prefer") not in SSL_MODES:
        refuse(f"sslmode must be one of {', '.join(SSL_MODES)}")
    for name in VERSIONS:
        if name in tls and tls[name] not in {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}:
            refuse(f"{name} must be one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3")
    if tls.get("sslrootcert") == "system" and tls.setdefault("sslmode", "verify-full") != "verify-full":
        refuse("sslrootcert=system needs sslmode=verify-full")
    if tls.get("sslrootcert") == "system" and (more := tls.keys() & {"sslcrl", *VERSIONS}):
        refuse(f"sslrootcert=system does not go with {', '.join(sorted(more))}")
    if "sslkey" in tls and "sslcert" not in tls:
        refuse("sslkey needs sslcert")
    return tls


def by_the_systems_roots(tls: Mapping[str, str]) -> ssl.SSLContext:
    """Certificates are those that the machine trusts (`sslrootcert=system`)."""
    context = ssl.create_default_context()
    if "sslcert" in tls:
        context.load_cert_chain(tls["sslcert"], tls.get("sslkey"), tls.get("sslpassword", ""))
    return context


def is_direct(said: str | None, tls: Mapping[str, str]) -> bool:
    """Whether TLS begins with the first byte (`sslnegotiation`).

    Raises:
        ConfigurationError: it cannot, or nobody asks for TLS.
    """
    if said not in {None, "postgres", "direct"}:
        refuse("sslnegotiation must be postgres or direct")
    if said == "direct" and tls.get("sslmode") not in {"require", "verify-ca", "verify-full"}:
        refuse("sslnegotiation=direct needs sslmode=require, verify-ca or verify-full")
    return said == "direct"


def refuse(why: str) -> Never:
    """Refuse a database's URL.

    Raises:
        ConfigurationError: always.
    """
    raise ConfigurationError(f"database_url: {why}")
