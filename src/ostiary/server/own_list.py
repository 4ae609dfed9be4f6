"""The usual `GET /auth/sessions`, answered in front of the router: pages and applications ask it at every visit.

It can only say yes: whatever is not a plain list of the caller's live sessions (a query, a refusal, a store that is
away) goes on to the router, which explains. A session's part of the list is made of its row, so it is kept by the row's
identity (docs/decisions/0022). tests/server/test_own_list.py compares both ways byte for byte.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec

from ostiary.core.session import STALE_AFTER_DAYS, Status, live_status
from ostiary.errors import OstiaryError
from ostiary.server.asgi import ASGIApp, Receive, Scope, Send
from ostiary.server.callers import identify, presented
from ostiary.server.context import Context
from ostiary.server.cookies import accepted_names
from ostiary.server.exchange import exchange_of
from ostiary.server.presenting import Presenter
from ostiary.storage.found import MADE, ListedSession

PATH: Final = "/api/v1/auth/sessions"
_BODIES: Final = (b"content-length", b"transfer-encoding")
_encoder = msgspec.json.Encoder()


class OwnList:
    """Answers with the caller's sessions, or passes the request on."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        """Stand in front of the router."""
        self._app = app
        self._context = context
        self._names = accepted_names(context.settings)
        self._part = lru_cache(MADE)(self._encode)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        content = await self._list(scope) if self._is_usual(scope) else None
        if content is None:
            await self._app(scope, receive, send)
            return
        scope["path_template"] = PATH
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content, "more_body": False})

    def _is_usual(self, scope: Any) -> bool:
        return (
            scope["type"] == "http"
            and scope["path"] == PATH
            and scope["method"] == "GET"
            and not scope["query_string"]
            and not scope.get("root_path")
            and not any(name in _BODIES for name, _ in scope["headers"])
        )

    async def _list(self, scope: Any) -> bytes | None:
        exchange, authority = exchange_of(scope), self._context.authority
        try:
            identified = await identify(authority, presented(scope["headers"], self._names), exchange.client)
            found = await authority.sessions.listed(by=identified.caller)
        except OstiaryError:
            return None
        exchange.identified = identified
        current, now = identified.caller.session_id, authority.clock()
        parts = []
        for one in found:
            is_current = one.id == current
            status = live_status(one.last_used_at, now, 0 if is_current else STALE_AFTER_DAYS)
            parts.append(self._part(one, status, is_current))
        return b"[" + b",".join(parts) + b"]"

    def _encode(self, one: ListedSession, status: Status, is_current: bool) -> bytes:
        context = self._context
        present = Presenter(context.authority.policy, context.authority.clock, context.places, None)
        return _encoder.encode(present.listed(one, status, is_current=is_current))
