"""OAuth clients: the programs that may start sessions for their users."""

from __future__ import annotations

from typing import Final

from litestar import Response, get

from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, Signed
from ostiary.web.rendering import page


@get("/clients")
async def clients_page(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[bytes]:
    """All of them, oldest first."""
    return page(request, "console/clients.html", clients=await authority.oauth.clients.list(by=caller))


HANDLERS: Final = [clients_page]
