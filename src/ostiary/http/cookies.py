"""The session cookie: its name, its attributes, when it may be set at all.

It has `Max-Age` only where its person asked to stay signed in, so that it does not outlive the browser else (NIST SP
800-63B-4 5.1.1); how long the session lasts is decided by its row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ostiary.core.browser import MARK_LIFE, read_mark
from ostiary.core.policy import Policy
from ostiary.core.session import Session, lifetime_ends_at
from ostiary.errors import InvalidRequest
from ostiary.http.addresses import Arrival, Headers
from ostiary.settings import Settings

SECURE_NAME: Final = "__Host-session"
PLAIN_NAME: Final = "session"
SHARED_NAME: Final = "__Secure-session"  # with a `Domain`, which `__Host-` forbids
MAXIMUM_COOKIE: Final = 4096  # bytes of name and value (ASVS 5.0 3.3.5); browsers drop what is longer
# ASVS 5.0 14.3.1. Without "cookies": that would take them from every host under the same registrable domain. Ours are
# cleared one by one.
MARK: Final = "ostiary-device"  # the browser's mark; see core/browser.py
CLEAR_SITE_DATA: Final = '"cache", "storage"'


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The cookie that fits one request.

    Attributes:
        name: `__Host-session`; `__Secure-session` where the operator shares it within a domain; `session` over plain
            http where the operator allows that.
        is_secure: whether it carries `Secure`, which the prefix `__Host-` demands.
        is_refused: True over plain http that nobody allowed: it can be cleared, but not be set.
    """

    name: str
    is_secure: bool
    is_refused: bool
    domain: str | None = None

    def holding(self, token: str, max_age: int | None = None) -> str:
        """The value of `Set-Cookie` that makes the browser hold a token.

        Args:
            max_age: seconds that it is kept, also when the browser is closed; None: until then.
        """
        if len(self.name) + len(token) > MAXIMUM_COOKIE:
            raise AssertionError("a session cookie longer than browsers keep")
        kept = "" if max_age is None else f"; Max-Age={max_age}"
        return f"{self.name}={token}; {self._attributes}{kept}"

    @property
    def cleared(self) -> str:
        """The value of `Set-Cookie` that makes the browser forget it."""
        return f"{self.name}=; {self._attributes}; Max-Age=0"

    @property
    def _attributes(self) -> str:
        domain = f" Domain={self.domain};" if self.domain else ""
        return f"Path=/;{domain} HttpOnly;{' Secure;' if self.is_secure else ''} SameSite=Lax"

    def ensure_may_be_set(self) -> None:
        """Return if a browser may be given one here.

        Raises:
            InvalidRequest: plain http from another machine, which anybody on the way could read.
        """
        if self.is_refused:
            raise InvalidRequest(
                "transport",
                "a cookie needs https; use it, name this server's https origin with --public-url, or start the server "
                "with --allow-plain-http",
            )


def kept_for(session: Session, policy: Policy, now: datetime) -> int | None:
    """Seconds that a browser keeps the cookie of a session; None: until it is closed."""
    return int((lifetime_ends_at(session, policy) - now).total_seconds()) if session.stays else None


def mark_name(cookie: SessionCookie) -> str:
    """What the browser's mark is called beside a session cookie."""
    return f"__Host-{MARK}" if cookie.is_secure else MARK


def marking(mark: str, cookie: SessionCookie) -> str:
    """The value of `Set-Cookie` that gives the browser its mark."""
    secure, life = " Secure;" if cookie.is_secure else "", int(MARK_LIFE.total_seconds())
    return f"{mark_name(cookie)}={mark}; Path=/; HttpOnly;{secure} SameSite=Lax; Max-Age={life}"


def sent_mark(headers: Headers, cookie: SessionCookie) -> str | None:
    """The mark that a browser sent, if it can be ours."""
    wanted = mark_name(cookie).encode()
    for name, value in headers:
        if name == b"cookie":
            for pair in value.split(b";"):
                found, _, content = pair.strip().partition(b"=")
                if found == wanted:
                    return read_mark(content.decode("latin-1"))
    return None


def cookie_for(arrival: Arrival, settings: Settings) -> SessionCookie:
    """The cookie that fits a request that came in so."""
    if settings.cookie_domain is not None:  # only with an https `public_url`, as the settings see to
        return SessionCookie(SHARED_NAME, is_secure=True, is_refused=False, domain=settings.cookie_domain)
    if is_https(arrival, settings) or arrival.is_local:
        return SessionCookie(SECURE_NAME, is_secure=True, is_refused=False)
    if settings.allow_plain_http:
        return SessionCookie(PLAIN_NAME, is_secure=False, is_refused=False)
    return SessionCookie(SECURE_NAME, is_secure=True, is_refused=True)


def is_https(arrival: Arrival, settings: Settings) -> bool:
    """True over https, or when people reach this server by an https `public_url`."""
    return arrival.scheme == "https" or (settings.public_url or "").startswith("https:")


def accepted_names(settings: Settings) -> frozenset[bytes]:
    """The names under which a token is looked for; the plain one only where the operator allows plain http."""
    if settings.cookie_domain is not None:
        return frozenset({SHARED_NAME.encode()})
    names = [SECURE_NAME, PLAIN_NAME] if settings.allow_plain_http else [SECURE_NAME]
    return frozenset(name.encode() for name in names)
