"""The usual `GET /auth/sessions`, answered without ASGI and router: pages and applications ask it at every visit.

It can only say yes: whatever is not a plain list of the live sessions of somebody with a session goes the plain way,
and is explained by the router. A session's part of the list is made of its row, so it is kept by the row's identity
(docs/decisions/0022). tests/server/test_own_list.py compares both ways.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from ostiary.authority.verification import NOBODY
from ostiary.core.caller import Caller
from ostiary.core.session import STALE_AFTER_DAYS, Status, live_status
from ostiary.core.token import Token
from ostiary.server.asked import Accepted, Deliver
from ostiary.server.callers import Identified
from ostiary.server.context import Context
from ostiary.server.cookies import accepted_names, is_https
from ostiary.server.exchange import Exchange, Exchanges
from ostiary.server.presented import only_session
from ostiary.server.presenting import Presenter
from ostiary.server.security_headers import completed
from ostiary.storage.found import MADE, FoundSession, ListedSession

PATH: Final = "/api/v1/auth/sessions"
_JSON: Final = b"content-type: application/json\r\n"
_encoder = msgspec.json.Encoder()


class OwnList:
    """Answers with the caller's sessions. Part of an application's shortcuts."""

    path: Final = PATH.encode()

    def __init__(self, context: Context, exchanges: Exchanges) -> None:
        """`exchanges` is told of what is answered here, as of every other request."""
        self._context = context
        self._exchanges = exchanges
        self._names = accepted_names(context.settings)
        self._part = lru_cache(MADE)(self._encode)
        self._identified = lru_cache(MADE)(_identified)
        self._lines = {secure: _always(secure=secure) for secure in (False, True)}

    def token(self, named: Mapping[bytes, bytes]) -> Token | None:
        """As `Asked.token`."""
        return only_session(named, self._names)

    def ask(self, token: Token, scope: Any, request_id: str, deliver: Deliver) -> None:
        """As `Asked.ask`."""
        began, authority = time.perf_counter(), self._context.authority
        exchange = self._exchanges.begin(scope, request_id)

        def identified(found: FoundSession | None) -> None:
            if found is None:
                deliver(None)
                return
            exchange.identified = self._identified(found)
            try:
                authority.sessions.ask_list(listed, by=exchange.identified.caller)
            except Exception:  # what it is, the plain way finds out, and says
                deliver(None)

        def listed(found: Sequence[ListedSession] | None, error: BaseException | None) -> None:
            answer = None
            try:
                answer = self._answer(found or (), exchange) if error is None else None
            finally:  # what cannot be answered here is found out, and said, the plain way
                deliver(answer)
            if answer is None:
                return
            self._exchanges.tell(exchange, "GET", PATH, 200, time.perf_counter() - began)

        authority.verification.ask(token, lambda: exchange.client, identified)

    def _answer(self, found: Sequence[ListedSession], exchange: Exchange) -> Accepted:
        current = exchange.identified.caller.session_id if exchange.identified else None
        now, parts = self._context.authority.clock(), []
        for one in found:
            is_current = one.id == current
            status = live_status(one.last_used_at, now, 0 if is_current else STALE_AFTER_DAYS)
            parts.append(self._part(one, status, is_current))
        body = b"[" + b",".join(parts) + b"]"
        lines = self._lines[is_https(exchange.arrival, self._context.settings)]
        return Accepted(b"%bcontent-length: %d\r\n%bx-request-id: " % (_JSON, len(body), lines), b"\r\n", body)

    def _encode(self, one: ListedSession, status: Status, is_current: bool) -> bytes:
        context = self._context
        present = Presenter(context.authority.policy, context.authority.clock, context.places, None)
        return _encoder.encode(present.listed(one, status, is_current=is_current))


def _always(*, secure: bool) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in completed([], secure=secure))


def _identified(found: FoundSession) -> Identified:
    # For the log, which does not tell cookies and bearers apart.
    return Identified(Caller(found.user, session=found.session, client=NOBODY), by_cookie=False)
