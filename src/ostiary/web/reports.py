"""Where browsers report what a page tried and its policy forbade (ASVS 5.0 3.4.7). Logged, bounded, no more."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

import structlog
from starlette.responses import Response

from ostiary.http.exchange import Exchange
from ostiary.http.failures import failed
from ostiary.http.routing import Parameters, Route
from ostiary.web.rendering import REPORTS

MAXIMUM_REPORT: Final = 8 * 1024  # bytes
LONGEST: Final = 200  # characters of one value
_KEPT: Final = ("effective-directive", "effectiveDirective", "blocked-uri", "blockedURL", "document-uri", "documentURL")

log = structlog.get_logger("ostiary.csp")


async def report(_: Exchange, __: Parameters, body: bytes) -> Response:
    """Take a report; what it says is a stranger's word."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return Response(status_code=204)
    one = sent[0] if isinstance(sent, list) and sent else sent
    said = (one.get("csp-report") or one.get("body")) if isinstance(one, dict) else None
    if isinstance(said, dict):
        # Without what comes after the path: a set-up code may be in it.
        kept = {name: str(said[name]).partition("?")[0][:LONGEST] for name in _KEPT if name in said}
        log.warning("csp.violation", **{name.replace("-", "_"): value for name, value in kept.items()})
    return Response(status_code=204)


def routes() -> Iterable[Route]:
    """Where they are sent."""
    yield Route("POST", REPORTS, report, failed, MAXIMUM_REPORT)
