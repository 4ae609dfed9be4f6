"""Where browsers report what a page tried and its policy forbade (ASVS 5.0 3.4.7). Logged, bounded, no more."""

from __future__ import annotations

import json
from typing import Any, Final

import structlog
from litestar import Request, Response, Router, post
from litestar.datastructures import State

from ostiary.web.rendering import REPORTS

MAXIMUM_REPORT: Final = 8 * 1024  # bytes
LONGEST: Final = 200  # characters of one value
_KEPT: Final = ("effective-directive", "effectiveDirective", "blocked-uri", "blockedURL", "document-uri", "documentURL")

log = structlog.get_logger("ostiary.csp")


@post("/", status_code=204, request_max_body_size=MAXIMUM_REPORT)
async def report(request: Request[Any, Any, State]) -> Response[None]:
    """Take a report; what it says is a stranger's word."""
    try:
        sent = json.loads(await request.body())
    except (ValueError, RecursionError):
        return Response(None, status_code=204)
    one = sent[0] if isinstance(sent, list) and sent else sent
    body = (one.get("csp-report") or one.get("body")) if isinstance(one, dict) else None
    if isinstance(body, dict):
        # Without what comes after the path: a set-up code may be in it.
        kept = {name: str(body[name]).partition("?")[0][:LONGEST] for name in _KEPT if name in body}
        log.warning("csp.violation", **{name.replace("-", "_"): value for name, value in kept.items()})
    return Response(None, status_code=204)


router = Router(REPORTS, route_handlers=[report])
