"""A cookie in the Netscape file format, as `curl --cookie FILE` loads it.

A file with a bare `Set-Cookie` value is not loaded by curl: without a host it would not know where to send it.
"""

from __future__ import annotations

from ostiary.cli.address import Address
from ostiary.cli.failures import Failure
from ostiary.cli.output.column import instant


def to_cookie_jar(line: str, address: Address, expires_at: str) -> str:
    """The file's text.

    Args:
        line: what `Set-Cookie` would say: `name=value; Path=/; HttpOnly; Secure; …`.
        address: whose host the cookie is for; curl sends it nowhere else.
        expires_at: RFC 3339.

    Raises:
        Failure: the line is no cookie.
    """
    first, *attributes = [part.strip() for part in line.split(";")]
    name, separator, value = first.partition("=")
    if not separator or not all(text.isascii() and text.isprintable() for text in (name, value)):
        raise Failure("the server's cookie cannot be read", code="unusable_answer")
    words = {attribute.lower() for attribute in attributes}
    at = instant(expires_at)
    fields = (
        ("#HttpOnly_" if "httponly" in words else "") + address.host,
        "FALSE",  # this host only
        "/",
        "TRUE" if "secure" in words else "FALSE",
        str(int(at.timestamp())) if at else "0",
        name,
        value,
    )
    return (
        "# Netscape HTTP Cookie File\n# Written by ostiary. It opens a session: keep it to yourself.\n\n"
        + "\t".join(fields)
        + "\n"
    )
