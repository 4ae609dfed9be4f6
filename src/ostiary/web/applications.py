"""Settings → Applications: what one has allowed, and sending it away (ASVS 5.0 10.7.3)."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from ostiary.web import words
from ostiary.web.given import OfClient
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.routing import Nothing, get, post
from ostiary.web.visit import Visit

HERE: Final = "/settings/applications"


@get("/settings/applications", Nothing)
async def applications_page(visit: Visit, _: Nothing) -> Response:
    """Those of third parties; what belongs to this server's own is not asked about, and not listed."""
    consents = await visit.authority.oauth.consents.list(by=visit.signed)
    return page(visit, "applications.html", consents=consents, scope_words=words.in_words(words.APPLICATION_SCOPES))


@get("/settings/applications/{client_id}/withdraw", OfClient)
async def withdraw_page(visit: Visit, asked: OfClient) -> Response:
    """What would end."""
    return page(
        visit, "act_withdraw.html", consent=await visit.authority.oauth.consents.find(asked.client_id, by=visit.signed)
    )


@post("/settings/applications/{client_id}/withdraw", OfClient, steps_up=True)
async def withdraw(visit: Visit, asked: OfClient) -> Response:
    """It has to ask again."""
    ended = await visit.authority.oauth.consents.withdraw(asked.client_id, by=visit.signed)
    return back(visit, HERE, write("withdrawn", ended))
