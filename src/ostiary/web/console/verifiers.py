"""Programs that remember sessions: how far each has come, and until when it trusts what it remembers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from litestar import Response, get

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.verifier import Verifier
from ostiary.web.access import UNATTENDED
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, Seen, Signed
from ostiary.web.rendering import page


@dataclass(frozen=True, slots=True)
class Shown:
    """One verifier, in words."""

    verifier: Verifier
    trusts: bool
    behind: float | None  # seconds since the moment up to which it knows everything; None before it has applied any


@get("/verifiers")
async def verifiers_page(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[bytes]:
    """All that were heard of lately."""
    return page(request, "console/verifiers.html", **await _shown(authority, caller))


@get("/verifiers/list", opt={UNATTENDED: True})
async def verifiers_list(
    request: PageRequest, authority: OurAuthority, caller: Signed, seen: Seen = None
) -> Response[Any]:
    """The list alone, for an open page."""
    shown = await _shown(authority, caller)
    if seen == shown["fingerprint"]:
        return Response(None, status_code=204)
    return page(request, "console/verifiers_list.html", **shown)


async def _shown(authority: Authority, caller: Caller) -> dict[str, Any]:
    now = authority.clock()
    shown = [_verifier(one, now) for one in await authority.verifiers.list(by=caller)]
    said = [(one.verifier.id, one.trusts, one.behind is not None and round(one.behind)) for one in shown]
    return {"verifiers": shown, "fingerprint": hashlib.sha256(repr(said).encode()).hexdigest()[:32]}


def _verifier(one: Verifier, now: datetime) -> Shown:
    behind = (now - one.applied_at).total_seconds() if one.applied_at is not None else None
    return Shown(one, now < one.trust_until, max(behind, 0.0) if behind is not None else None)


HANDLERS: Final = [verifiers_page, verifiers_list]
