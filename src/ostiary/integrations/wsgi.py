"""A WSGI request in the words of ASGI, so that everything behind it is written once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ostiary.http.asgi import Scope


def scope_of(request: Mapping[str, Any]) -> Scope:
    """The part of an ASGI scope that says who sent a request, and from where.

    Nothing in it comes from the client but the headers: WSGI keeps those under names of their own, `HTTP_…`.
    """
    headers = [
        (name[5:].replace("_", "-").lower().encode("latin-1"), str(value).encode("latin-1", "replace"))
        for name, value in request.items()
        if name.startswith("HTTP_")
    ]
    peer = request.get("REMOTE_ADDR")
    return {
        "type": "http",
        "method": request.get("REQUEST_METHOD", "GET"),
        "scheme": request.get("wsgi.url_scheme", "http"),
        "headers": headers,
        "client": (peer, 0) if peer else None,
    }
