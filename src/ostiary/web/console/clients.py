"""OAuth clients: the programs that may start sessions for their users."""

from __future__ import annotations

from starlette.responses import Response

from ostiary.web.rendering import page
from ostiary.web.routing import Nothing, get
from ostiary.web.visit import Visit


@get("/admin/clients", Nothing)
async def clients_page(visit: Visit, _: Nothing) -> Response:
    """All of them, oldest first."""
    return page(visit, "console/clients.html", clients=await visit.authority.oauth.clients.list(by=visit.signed))
