"""What the pages know of one request."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from ostiary.authority import RevokedMany, Started
from ostiary.core.caller import Caller
from ostiary.errors import OstiaryError
from ostiary.server.cookies import CLEAR_SITE_DATA, SessionCookie
from ostiary.web import form_tokens, passing_cookies
from ostiary.web.forms import Form

_KEY: Final = "ostiary.visit"


@dataclass(slots=True)
class Visit:
    """One request, and what its answer has to carry.

    Attributes:
        cookie: the session cookie that fits here.
        caller: who is signed in, or None.
        secrets: what the browser sent by itself that a form token can be bound to; the session's own first.
        credentials: the session tokens that the browser sent, whether or not they work.
        form_secret: of the cookie that forms are bound to before anybody is signed in.
        refusal: why the session cookie that was sent does not work.
        notice: what the act before this page did.
        form: what was posted.
        cookies, headers: of the answer.
        form_targets: where a form of this page may lead beside our own origin, for the policy of the page.
        nonce: what lets a script of this one answer run.
    """

    cookie: SessionCookie
    caller: Caller | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    credentials: tuple[str, ...] = field(default=(), repr=False)
    form_secret: str | None = field(default=None, repr=False)
    refusal: OstiaryError | None = None
    notice: str | None = None
    form: Form = field(default_factory=Form)
    cookies: list[Cookie] = field(default_factory=list, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    form_targets: tuple[str, ...] = ()
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    _keeps_form_secret: bool = False

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
        self.headers["set-cookie"] = self.cookie.holding(started.token)
        if self.caller is not None and self.caller.session_id == started.session.id:
            self.caller = started.held_by(self.caller)
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


def visit_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Visit:
    """The visit of a request that came through the pages' guard."""
    found: Visit = connection.scope["state"][_KEY]
    return found


def keep(scope: Any, visit: Visit) -> None:
    """Make `visit_of` find it."""
    scope.setdefault("state", {})[_KEY] = visit


def is_kept(scope: Any) -> bool:
    """True if the guard came as far as making a visit."""
    return _KEY in scope.get("state", {})
