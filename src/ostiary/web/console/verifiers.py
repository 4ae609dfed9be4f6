"""Programs that remember sessions: how far each has come, and until when it trusts what it remembers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from ostiary.core.verifier import Verifier
from ostiary.web.given import Polled
from ostiary.web.rendering import nothing_new, page
from ostiary.web.routing import Nothing, get
from ostiary.web.visit import Visit


@dataclass(frozen=True, slots=True)
class VerifierRow:
    """One verifier, in words."""

    verifier: Verifier
    trusts: bool
    behind: float | None  # seconds since the moment up to which it knows everything; None before it has applied any


@get("/admin/verifiers", Nothing)
async def verifiers_page(visit: Visit, _: Nothing) -> Response:
    """All that were heard of lately."""
    return page(visit, "console/verifiers.html", **await _shown(visit))


@get("/admin/verifiers/list", Polled, unattended=True)
async def verifiers_list(visit: Visit, asked: Polled) -> Response:
    """The list alone, for an open page."""
    shown = await _shown(visit)
    if asked.seen == shown["fingerprint"]:
        return nothing_new()
    return page(visit, "console/verifiers_list.html", **shown)


async def _shown(visit: Visit) -> dict[str, Any]:
    now = visit.authority.clock()
    shown = [_verifier(one, now) for one in await visit.authority.verifiers.list(by=visit.signed)]
    said = [(one.verifier.id, one.trusts, one.behind is not None and round(one.behind)) for one in shown]
    return {"verifiers": shown, "fingerprint": hashlib.sha256(repr(said).encode()).hexdigest()[:32]}


def _verifier(one: Verifier, now: datetime) -> VerifierRow:
    behind = (now - one.applied_at).total_seconds() if one.applied_at is not None else None
    return VerifierRow(one, now < one.trust_until, max(behind, 0.0) if behind is not None else None)
