"""What the pages know of one request."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.responses import Response

from ostiary.authority import Authority, RevokedMany, Started
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.errors import NoCredentials, OstiaryError
from ostiary.http.context import Context
from ostiary.http.cookies import CLEAR_SITE_DATA, SessionCookie, marking
from ostiary.http.exchange import Exchange
from ostiary.web import form_tokens, passing_cookies
from ostiary.web.forms import Form

_KEY: Final = "ostiary.visit"


@dataclass
class Visit:
    """One request, and what its answer has to carry.

    Attributes:
        exchange: as the server knows it.
        cookie: the session cookie that fits here.
        caller: who is signed in, or None.
        secrets: what the browser sent by itself that a form token can be bound to; the session's own first.
        credentials: the session tokens that the browser sent, whether or not they work.
        form_secret: of the cookie that forms are bound to before anybody is signed in.
        refusal: why the session cookie that was sent does not work.
        notice: what the act before this page did.
        form: what was posted.
        cookies, headers: of the answer; of the cookies, the values of `Set-Cookie`.
        form_targets: where a form of this page may lead beside our own origin, for the policy of the page.
        nonce: what lets a script of this one answer run.
    """

    exchange: Exchange
    cookie: SessionCookie
    caller: Caller | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    credentials: tuple[str, ...] = field(default=(), repr=False)
    form_secret: str | None = field(default=None, repr=False)
    refusal: OstiaryError | None = None
    notice: str | None = None
    form: Form = field(default_factory=Form)
    cookies: list[str] = field(default_factory=list, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    form_targets: tuple[str, ...] = ()
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    _keeps_form_secret: bool = False

    @property
    def context(self) -> Context:
        """Of the application."""
        return self.exchange.context

    @property
    def authority(self) -> Authority:
        """Of the application."""
        return self.exchange.authority

    @property
    def client(self) -> Client:
        """Where the request came from."""
        return self.exchange.client

    @property
    def signed(self) -> Caller:
        """Who is signed in.

        Raises:
            NoCredentials: nobody.
        """
        if self.caller is None:
            raise NoCredentials
        return self.caller

    @property
    def path(self) -> str:
        """The path that was asked for, decoded."""
        found: str = self.exchange.scope["path"]
        return found

    @cached_property
    def query(self) -> dict[str, str]:
        """The query by name; of a name that is there twice, the first."""
        pairs = parse_qsl(self.exchange.scope["query_string"].decode("ascii", "replace"), keep_blank_values=True)
        return dict(reversed(pairs))

    def respond(self, response: Response) -> Response:
        """The response, with the headers and cookies of this visit."""
        response.headers.update(self.headers)
        for cookie in self.cookies:
            response.headers.append("set-cookie", cookie)
        return response

    def form_token(self) -> str:
        """A token for a form on this page. Before anybody is signed in it is bound to a cookie made for that."""
        if not self.secrets:
            self.form_secret = secrets.token_urlsafe(32)
            self.secrets = (self.form_secret,)
        if self.secrets[0] == self.form_secret and not self._keeps_form_secret:
            self._keeps_form_secret = True
            self.cookies.append(passing_cookies.holding("form", self.form_secret, self.cookie))
        return form_tokens.write(self.secrets[0])

    def hold(self, started: Started) -> None:
        """Give the browser a session, new or renewed."""
        self.headers["set-cookie"] = self.exchange.holding(started)
        if started.mark is not None:
            self.cookies.append(marking(started.mark, self.cookie))
        if self.caller is not None and self.caller.session_id == started.session.id:
            self.caller, before = started.held_by(self.caller), f"{started.session.id}."
            self.credentials = tuple(started.token if one.startswith(before) else one for one in self.credentials)
        self.secrets = (started.token,)

    def go_on(self, done: RevokedMany) -> None:
        """Go on in the session that an act spared, under its new secret."""
        if done.renewed is not None:
            self.hold(done.renewed)

    def sign_off(self) -> None:
        """Take the session from the browser, and all that pages may have left there (ASVS 5.0 14.3.1).

        After `leaving.end_all`, or for the caller's own session, which has ended already.
        """
        self.headers["set-cookie"] = self.cookie.cleared
        self.cookies += [passing_cookies.cleared(name, self.cookie) for name in ("form", "minted")]
        self.headers["clear-site-data"] = CLEAR_SITE_DATA
        self.caller = None

    def tell(self, notice: str) -> None:
        """Say it on the page that comes next, once."""
        self.cookies.append(passing_cookies.holding("notice", notice, self.cookie))


def visit_of(exchange: Exchange) -> Visit | None:
    """The visit of a request, if it came as far as that."""
    found: Visit | None = exchange.scope.get("state", {}).get(_KEY)
    return found


def keep(visit: Visit) -> None:
    """Make `visit_of` find it."""
    scope: Any = visit.exchange.scope
    scope.setdefault("state", {})[_KEY] = visit
