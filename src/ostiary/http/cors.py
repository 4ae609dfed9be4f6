"""Which origins may read an answer by script (Fetch, 3.2). No cookie is read where any may, and none is let through.

What an operation shares, its contract says: with everybody what is public anyway, with the origins of public clients
(an application in a browser, which has no server that could ask for it) what is answered by its own credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ostiary.contract.operation import Shared
from ostiary.http.exchange import Exchange

REQUEST_HEADERS: Final = "authorization, content-type, mcp-protocol-version"
EXPOSED: Final = "retry-after, www-authenticate, x-request-id"
PREFLIGHT_AGE: Final = "600"  # seconds; browsers keep it no longer than two hours


async def of(exchange: Exchange, shared: Shared) -> Mapping[str, str]:
    """The headers with which an answer is shared; empty where it is not.

    Raises:
        StoreUnavailable: nobody knows whose origin it is.
    """
    if shared == "everybody":
        return {"access-control-allow-origin": "*", "access-control-expose-headers": EXPOSED}
    if shared == "nobody":
        return {}
    origin = exchange.headers.get("origin")
    if origin is None or not await exchange.authority.oauth.clients.is_origin(origin):
        return {"vary": "Origin"}
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": EXPOSED,
        "vary": "Origin",
    }


def preflight(method: str) -> Mapping[str, str]:
    """What else a preflight is answered with, where the answer would be shared."""
    return {
        "access-control-allow-methods": method,
        "access-control-allow-headers": REQUEST_HEADERS,
        "access-control-max-age": PREFLIGHT_AGE,
    }
