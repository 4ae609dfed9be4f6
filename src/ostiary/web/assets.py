"""The files that pages load: a stylesheet, two scripts, the icons. Ours or vendored, none from elsewhere."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from litestar import Request, Response, Router, get
from litestar.datastructures import State

from ostiary.errors import NotFound
from ostiary.web.given import FileInPath

# With a hash of the content in the address, a browser never has to ask again.
FOREVER: Final = "public, max-age=31536000, immutable"
TYPES: Final = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
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


@get("/{name:str}")
async def static_file(name: FileInPath, request: Request[Any, Any, State]) -> Response[bytes]:
    """One file. Compressed, as there is nothing secret in it (BREACH needs a secret on the page)."""
    if name not in TYPES:
        raise NotFound
    found = asset(name)
    headers = {"vary": "Accept-Encoding"}
    if request.url.query == found.version:
        headers["cache-control"] = FOREVER
    content = found.content
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["content-encoding"] = found.compressed, "gzip"
    return Response(content, media_type=TYPES[name], headers=headers)


router = Router("/static", route_handlers=[static_file])
