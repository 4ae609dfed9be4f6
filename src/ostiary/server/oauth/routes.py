"""Every OAuth route that is no page."""

from __future__ import annotations

from typing import Final

from litestar import Router

from ostiary.server.oauth import discovery, namespace, tokens, user_info

OAUTH: Final = Router("/oauth", route_handlers=[tokens.router, namespace.router, user_info.router])
WELL_KNOWN: Final = discovery.router
