"""The files that pages load: stylesheets, scripts, the icons. Ours or vendored, none from elsewhere."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from starlette.responses import Response

from ostiary.errors import NotFound
from ostiary.http.exchange import Exchange
from ostiary.http.failures import failed
from ostiary.http.routing import Parameters, Route

# With a hash of the content in the address, a browser never has to ask again.
FOREVER: Final = "public, max-age=31536000, immutable"
TYPES: Final = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "form_post.js": "text/javascript; charset=utf-8",
    "ostiary.css": "text/css; charset=utf-8",
    "ostiary.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "icons.svg": "image/svg+xml",
    "mark.svg": "image/svg+xml",
    "uplot.min.css": "text/css; charset=utf-8",
    "uplot.min.js": "text/javascript; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, as it is sent."""

    content: bytes
    compressed: bytes
    version: str


@cache
def asset(name: str) -> Asset:
    """Read a file, once."""
    content = (files("ostiary.web") / "static" / name).read_bytes()
    return Asset(content, gzip.compress(content, 9, mtime=0), hashlib.sha256(content).hexdigest()[:16])


def address(name: str) -> str:
    """Where a page finds it."""
    return f"/static/{name}?{asset(name).version}"


async def static_file(exchange: Exchange, parameters: Parameters, _: bytes) -> Response:
    """One file. Compressed, as there is nothing secret in it (BREACH needs a secret on the page)."""
    name = parameters["name"]
    if name not in TYPES:
        raise NotFound
    found = asset(name)
    headers = {"vary": "Accept-Encoding"}
    if exchange.scope["query_string"] == found.version.encode():
        headers["cache-control"] = FOREVER
    content = found.content
    if "gzip" in exchange.headers.get("accept-encoding", ""):
        content, headers["content-encoding"] = found.compressed, "gzip"
    return Response(content, headers=headers, media_type=TYPES[name])


def routes() -> Iterable[Route]:
    """The one that leads to them."""
    yield Route("GET", "/static/{name}", static_file, failed)
