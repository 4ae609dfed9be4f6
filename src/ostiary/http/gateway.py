"""`GET /verify`: who sent this request? For proxies that ask before they let a request through.

Some send on the method, the path and the body of what they were asked: every method is answered as a GET, every path
below `/verify` as `/verify`, and no body is read.

Without a query and without rules it says who it is (200) or why not (401). What a proxy can ask beyond that is read in
`question`, and what an application may ask of its callers is decided in `core.gateway`.

A plain ASGI callable in front of the router, because it answers for every request of every application behind it. Like
everything else it answers from the row (rule 3), and fails closed: 503 when the store is away.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

import msgspec
import structlog

from ostiary.authority import Authority
from ostiary.authority.verification import NOBODY
from ostiary.contract.verify import Verified, VerifiedSession, VerifiedToken, VerifiedUser
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.gateway import ensure_allowed, rule_for
from ostiary.core.session import lifetime_ends_at
from ostiary.errors import OstiaryError, ReauthenticationRequired, ServerFault, StoreUnavailable, Unauthenticated
from ostiary.http import problems, question, wire
from ostiary.http.addresses import Addresses
from ostiary.http.asgi import Receive, Scope, Send, respond
from ostiary.http.callers import Presented, identify, presented
from ostiary.http.cookies import accepted_names
from ostiary.http.direct import Answer, Inquiry
from ostiary.http.exchange import request_id_of
from ostiary.http.heads import path_of
from ostiary.http.limits import refusal_of_head
from ostiary.http.metrics import Metrics
from ostiary.http.presented import can_be_ours, only_session
from ostiary.http.problems import RawHeaders
from ostiary.http.question import Question
from ostiary.settings import Settings
from ostiary.storage.hot import CACHED_ROWS, SessionRow

PATH: Final = "/verify"
BELOW: Final = f"{PATH}/"  # Envoy and HAProxy send on the path that they were asked for, and the method, too
CACHED_PLACES: Final = 4096  # where requests came from: some hundred bytes each
LONGEST_PLACE: Final = 1024  # bytes of headers, beyond which a place is not kept
COMMON: Final[RawHeaders] = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
JSON: Final = (b"content-type", b"application/json")
PLAIN: Final = Question()

log = structlog.get_logger(__name__)
_encoder = msgspec.json.Encoder()


class Gateway:
    """Answers `/verify`."""

    def __init__(self, authority: Authority, addresses: Addresses, metrics: Metrics, settings: Settings) -> None:
        """Part of an application."""
        self._authority = authority
        self._addresses = addresses
        self._metrics = metrics
        self._names = accepted_names(settings)
        self._rules = settings.gateway_rules
        self._origins = frozenset(settings.return_addresses)
        self._public_url = settings.public_url
        self._accepted = lru_cache(CACHED_ROWS)(self._accept)
        self._placed = lru_cache(CACHED_PLACES)(self._place)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one question."""
        request_id = request_id_of(scope["headers"])
        asked = PLAIN
        try:
            if (refusal := refusal_of_head(scope)) is not None:
                raise refusal
            if path_of(scope) != PATH:
                asked = question.read_below(scope, self._addresses)
            elif scope["query_string"] or self._rules:
                asked = question.read(scope, self._addresses, self._origins)
            status, headers, content = 200, *await self._answer(scope, asked, request_id)
        except OstiaryError as error:
            status, headers, content = self._refuse(error, asked, request_id)
        except Exception:
            log.exception("fault", request_id=request_id)
            status, headers, content = self._refuse(ServerFault(), asked, request_id)
        headers += COMMON
        headers.append((b"x-request-id", request_id.encode()))
        await respond(send, status, headers, content)

    async def _answer(self, scope: Any, asked: Question, request_id: str) -> tuple[RawHeaders, bytes]:
        headers = scope["headers"]
        client = self._client(scope, request_id)
        identified = await identify(self._authority, _of_ours(presented(headers, self._names)), client)
        identified.caller.ensure_scope("gateway")
        if asked.application is not None or self._rules:
            rule = rule_for(self._rules, asked.application, asked.host)
            if rule is not None:
                ensure_allowed(rule, identified.caller, self._authority.clock())
        self._metrics.accepted.inc()
        return self._headers(identified.caller), self._body(identified.caller)

    def ask(self, inquiry: Inquiry) -> bool:
        """As `Direct.ask`. With rules, what the proxy says about the application counts as well."""
        token = None if self._rules else only_session(inquiry.named, self._names)
        if token is None:
            return False
        if isinstance(token, OstiaryError):
            inquiry.answer(self._refused(token, inquiry))
            return True

        def client() -> Client:
            forwarded = inquiry.named.get(self._addresses.names_client, b"")
            agent = inquiry.named.get(b"user-agent")
            if len(forwarded) + len(agent or b"") > LONGEST_PLACE:
                return self._place(inquiry.peer, forwarded, agent)
            return self._placed(inquiry.peer, forwarded, agent)

        def arrived(found: SessionRow | OstiaryError | None) -> None:
            answer = None
            try:
                if isinstance(found, SessionRow):
                    answer = self._accepted(found)
                    self._metrics.accepted.inc()
                elif found is not None:
                    answer = self._refused(found, inquiry)
            finally:  # what cannot be answered here is found out, and said, the plain way
                inquiry.answer(answer)

        self._authority.verification.ask(token, client, arrived)
        return True

    def _accept(self, found: SessionRow) -> Answer:
        caller = Caller(found.user, session=found.session, client=NOBODY)
        return _answer(200, self._headers(caller), self._body(caller))

    def _refused(self, error: OstiaryError, inquiry: Inquiry) -> Answer:
        return _answer(*self._refuse(error, PLAIN, inquiry.request_id))

    def _client(self, scope: Any, request_id: str) -> Client:
        agent = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"user-agent"), None)
        return self._authority.seen(self._addresses.client_ip(scope), agent, request_id)

    def _place(self, peer: str | None, forwarded: bytes, agent: bytes | None) -> Client:
        """Where a request came from; a browser comes from there with each of its requests."""
        scope = {
            "client": None if peer is None else (peer, None),
            "headers": [(self._addresses.names_client, forwarded)] if forwarded else [],
        }
        text = agent.decode("latin-1") if agent is not None else None
        return self._authority.seen(self._addresses.client_ip(scope), text)

    def _headers(self, caller: Caller) -> RawHeaders:
        # All four, always: a proxy that copies them overwrites whatever the client sent under these names.
        user, session = caller.told, caller.session
        return [
            JSON,
            (b"ostiary-user", header_value(user.username or user.id)),
            (b"ostiary-session", session.id.encode() if session else b""),
            (b"ostiary-roles", header_value(",".join(user.roles))),
            (b"ostiary-tenant", header_value(session.tenant) if session else b""),
        ]

    def _body(self, caller: Caller) -> bytes:
        user, session, token = caller.told, caller.session, caller.token
        return _encoder.encode(
            Verified(
                VerifiedUser(user.id, user.username, user.roles),
                VerifiedSession(
                    session.id,
                    lifetime_ends_at(session, self._authority.policy),
                    session.proved_at,
                    session.kind,
                    session.tenant,
                    session.application_id,
                    session.amr,
                )
                if session
                else None,
                VerifiedToken(token.id, token.scopes) if token else None,
            )
        )

    def _refuse(self, error: OstiaryError, asked: Question, request_id: str) -> tuple[int, RawHeaders, bytes]:
        if isinstance(error, StoreUnavailable):
            self._metrics.store_unavailable.inc()
            self._metrics.unanswered.inc()
        elif error.status < 500:
            self._metrics.refused.inc()
        status, headers, content = error.status, problems.headers(error), problems.body(error, request_id)
        if not asked.leads or self._public_url is None or not isinstance(error, Unauthenticated):
            return status, headers, content
        again = isinstance(error, ReauthenticationRequired)
        address = question.sign_in_address(self._public_url, asked, again=again).encode()
        if asked.keeps_status:
            return status, [*headers, (b"ostiary-sign-in", address)], content
        return 302, [(b"content-type", problems.MEDIA_TYPE.encode()), (b"location", address)], content


def _answer(status: int, headers: RawHeaders, content: bytes) -> Answer:
    """What `Gateway.__call__` sends, in its order."""
    before = wire.lines([*headers, *COMMON]) + b"x-request-id: "
    return Answer(status, before, b"\r\ncontent-length: %d\r\n" % len(content), content)


def _of_ours(given: Presented) -> Presented:
    """Without a bearer that is the application's own: beside our cookie it is no word about who is signed in."""
    if given.cookies and given.bearer is not None and not can_be_ours(given.bearer):
        return Presented(None, given.cookies)
    return given


@lru_cache(maxsize=4096)
def header_value(text: str) -> bytes:
    """A text that any header can carry: percent-encoded where it is not plain ASCII, so that no line can be forged."""
    if text.isascii() and text.isprintable():
        return text.encode()
    return quote(text, safe=" !#$&'()*+,-./:;<=>?@[]^_`{|}~").encode()
