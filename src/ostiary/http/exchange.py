"""One request and its answer, as the log and the metrics tell of it: request id, who, where from, how long.

The outermost layer of everything but `/verify`.
"""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog
from starlette.datastructures import Headers as NamedHeaders
from starlette.responses import Response

from ostiary.authority import Authority, Started
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.oauth.client import OAuthClient
from ostiary.errors import InvalidClient, NoCredentials
from ostiary.http.addresses import Addresses, Arrival, Headers
from ostiary.http.asgi import Receive, Scope, Send
from ostiary.http.callers import Identified, Presented
from ostiary.http.context import Context
from ostiary.http.cookies import SessionCookie, cookie_for, is_https, kept_for
from ostiary.http.presenting import Presenter
from ostiary.http.security_headers import complete

UNMATCHED: Final = "-"  # the route of a request that no route matched: paths are not logged, they can hold anything

NOTHING: Final = Presented(None, ())

_PROCESS: Final = secrets.token_hex(8)
_NUMBERS: Final = itertools.count(1)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger("ostiary.http")


@dataclass(slots=True)
class Exchange:
    """What is known of one request.

    Attributes:
        context: of the application that it came to.
        scope: what ASGI says of it.
        template: of the path that it asked for, where there is something.
        identified: the verified caller, once there is one.
        given: the credentials that came along, whether or not they work.
        form: what a browser posted where other programs send JSON.
        code: of the error that it was answered with, if it was.
        is_routine: asked so often and with so little in it that its line in the log is for `debug` only.
    """

    context: Context
    scope: Scope
    request_id: str
    arrival: Arrival
    client: Client
    template: str | None = None
    identified: Identified | None = None
    given: Presented = NOTHING
    form: Mapping[str, str] = field(default_factory=dict)
    _holder: OAuthClient | None = None
    code: str | None = None
    is_routine: bool = False

    @property
    def authority(self) -> Authority:
        """The authority of this application."""
        return self.context.authority

    @property
    def method(self) -> str:
        """In upper case."""
        found: str = self.scope["method"]
        return found

    @property
    def headers(self) -> NamedHeaders:
        """Those of the request, by name."""
        return NamedHeaders(scope=self.scope)

    @property
    def who(self) -> Identified:
        """The caller, and how they came.

        Raises:
            NoCredentials: the operation works for anybody, and nobody is signed in.
        """
        if self.identified is None:
            raise NoCredentials
        return self.identified

    @property
    def caller(self) -> Caller:
        """The verified caller; raises as `who`."""
        return self.who.caller

    @property
    def holder(self) -> OAuthClient:
        """The OAuth client that proved itself.

        Raises:
            InvalidClient: none did.
        """
        if self._holder is None:
            raise InvalidClient
        return self._holder

    @holder.setter
    def holder(self, holder: OAuthClient) -> None:
        self._holder = holder

    @property
    def cookie(self) -> SessionCookie:
        """The session cookie that fits this request."""
        return cookie_for(self.arrival, self.context.settings)

    def holding(self, started: Started) -> str:
        """The value of `Set-Cookie` that makes the browser hold a session, for as long as its person wants to stay."""
        authority = self.authority
        return self.cookie.holding(started.token, kept_for(started.session, authority.policy, authority.clock()))

    @property
    def present(self) -> Presenter:
        """Shapes answers for this caller."""
        authority, caller = self.authority, self.identified.caller if self.identified else None
        return Presenter(authority.policy, authority.clock, self.context.places, caller)


def request_id_of(headers: Headers) -> str:
    """The client's own `X-Request-ID` where it is harmless, else a new one."""
    return request_id(next((value for name, value in headers if name == b"x-request-id"), None))


def request_id(sent: bytes | None) -> str:
    """As `request_id_of`, from the header's value."""
    return sent.decode() if sent is not None and _REQUEST_ID.fullmatch(sent) else new_request_id()


def new_request_id() -> str:
    """One of a kind, as every process has a random half of its own; it need not be hard to guess."""
    return f"{_PROCESS}{next(_NUMBERS):08x}"


class Answers(Protocol):
    """Who answers."""

    async def answer(self, exchange: Exchange, receive: Receive) -> Response:
        """One request; whatever goes wrong is an answer, too."""


class Exchanges:
    """Gives every request its id, completes every answer, and writes one line about each."""

    def __init__(self, inner: Answers, addresses: Addresses, context: Context) -> None:
        """Who answers; the authority sees to it that no more of an address is kept than may be."""
        self._inner = inner
        self._addresses = addresses
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the request answered, and send the response."""
        exchange = self.begin(scope, request_id_of(scope["headers"]))
        status, began = 0, time.perf_counter()
        bound = structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        try:
            response = await self._inner.answer(exchange, receive)
            status = response.status_code
            complete(response.raw_headers, secure=is_https(exchange.arrival, self._context.settings))
            response.raw_headers.append((b"x-request-id", exchange.request_id.encode()))
            await response(scope, receive, send)
        finally:
            structlog.contextvars.reset_contextvars(**bound)
            self.tell(exchange, scope["method"], exchange.template or UNMATCHED, status, time.perf_counter() - began)

    def begin(self, scope: Any, request_id: str) -> Exchange:
        """What is known of a request before anything is asked."""
        arrival = self._addresses.arrival(scope)
        agent = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"user-agent"), None)
        return Exchange(
            self._context, scope, request_id, arrival, self._context.authority.seen(arrival.ip, agent, request_id)
        )

    def tell(self, exchange: Exchange, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered, and write its line."""
        caller = exchange.identified.caller if exchange.identified else None
        self._context.metrics.answered(method, route, status, seconds)
        write = log.debug if exchange.is_routine else log.info
        write(
            "request",
            request_id=exchange.request_id,
            method=method,
            route=route,
            status=status,
            code=exchange.code,
            duration_ms=round(seconds * 1000, 2),
            ip=exchange.client.ip,
            user_agent=exchange.client.user_agent,
            user_id=caller.user.id if caller else None,
            session_id=caller.session_id if caller else None,
            token_id=caller.token.id if caller and caller.token else None,
        )
