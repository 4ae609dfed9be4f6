"""Settings → Applications: what one has allowed, and sending it away (ASVS 5.0 10.7.3)."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get, post

from ostiary.web import words
from ostiary.web.access import STEPS_UP
from ostiary.web.forms import PageRequest
from ostiary.web.given import ClientIdInPath, OurAuthority, Signed
from ostiary.web.notices import write
from ostiary.web.rendering import back, page

HERE: Final = "/settings/applications"


@get("/")
async def applications_page(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[bytes]:
    """Those of third parties; what belongs to this server's own is not asked about, and not listed."""
    consents = await authority.oauth.consents.list(by=caller)
    return page(request, "applications.html", consents=consents, scope_words=words.APPLICATION_SCOPES)


@get("/{client_id:str}/withdraw")
async def withdraw_page(
    client_id: ClientIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[bytes]:
    """What would end."""
    return page(request, "act_withdraw.html", consent=await authority.oauth.consents.find(client_id, by=caller))


@post("/{client_id:str}/withdraw", opt={STEPS_UP: True})
async def withdraw(
    client_id: ClientIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[Any]:
    """It has to ask again."""
    ended = await authority.oauth.consents.withdraw(client_id, by=caller)
    return back(request, HERE, write("withdrawn", ended))


router = Router(HERE, route_handlers=[applications_page, withdraw_page, withdraw])
