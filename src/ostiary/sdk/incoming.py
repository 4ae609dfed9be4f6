"""Whose request is it? The credential of a request that came to *your* application, in whatever framework it came.

The rules are the server's own: a bearer acts before a cookie, a session cookie holds sessions only, and when several
cookies have one name the server is shown all of them, so that a planted one does not hide the good one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from ostiary.core.token import is_session_token
from ostiary.errors import SessionInvalid

Pairs: TypeAlias = list[tuple[str, str]]  # names in lower case

# `session` is also what other frameworks call their own cookie: only what has the form of our tokens is taken.
SESSION_COOKIES: Final = frozenset({"__Host-session", "session"})
ACCESS_COOKIE: Final = "access_token"
MAXIMUM_COOKIES: Final = 4  # session cookies that are passed on; browsers send one
MAXIMUM_AGENT: Final = 512  # characters, as the server keeps them
JWT_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class Holder:
    """What somebody holds, and where they are. Not in the repr: it is secret.

    Attributes:
        bearer: a session token, CLI token or access token.
        cookies: several session cookies of one request; the server decides among them.
        user_agent, ip: of their device, so that a session shows that and not the application's server.
    """

    bearer: str | None = None
    cookies: tuple[str, ...] = ()
    user_agent: str | None = None
    ip: str | None = None

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Holder(bearer={self.bearer is not None}, cookies={len(self.cookies)})"

    @property
    def headers(self) -> dict[str, str]:
        """What a request to the authority carries for them."""
        found: dict[str, str] = {}
        if self.bearer is not None:
            found["Authorization"] = f"Bearer {self.bearer}"
        elif self.cookies:
            found["Cookie"] = "; ".join(f"__Host-session={cookie}" for cookie in self.cookies)
            found["Sec-Fetch-Site"] = "none"  # no page asks, a program does
        if self.user_agent is not None:
            found["User-Agent"] = self.user_agent
        if self.ip is not None:
            found["X-Forwarded-For"] = self.ip  # read where the server trusts this application as a proxy
        return found


def holder_of(request: Any) -> Holder:
    """Who sent a request: of FastAPI, Starlette, Litestar, Django, Flask, WSGI, ASGI, or a mapping of headers.

    Raises:
        SessionInvalid: more than one `Authorization`, or one that no token can be in.
        TypeError: not a request.
    """
    pairs, ip = _read(request)
    agent = next((value for name, value in pairs if name == "user-agent"), None)
    device = Holder(user_agent=_visible(agent) if agent else None, ip=ip)
    bearer = _bearer(pairs)
    if bearer is not None:
        return replace(device, bearer=checked(bearer))
    given = [(name, value) for name, value in _cookies(pairs) if value]
    ours = [value for name, value in given if name in SESSION_COOKIES and is_session_token(value)]
    cookies = tuple(dict.fromkeys(ours))[:MAXIMUM_COOKIES]
    if len(cookies) == 1:
        return replace(device, bearer=cookies[0])
    if cookies:
        return replace(device, cookies=cookies)
    access = next((value for name, value in given if name == ACCESS_COOKIE and value.count(".") == JWT_PARTS - 1), None)
    return replace(device, bearer=checked(access) if access else None)


def query_of(request: Any) -> str:
    """The query of a request of Django, Starlette, FastAPI, Litestar or Flask.

    Raises:
        TypeError: not a request.
    """
    for name, key in (("META", "QUERY_STRING"), ("scope", "query_string"), ("environ", "QUERY_STRING")):
        variables = getattr(request, name, None)
        if isinstance(variables, Mapping):
            query = variables.get(key, "")
            return query.decode("latin-1") if isinstance(query, bytes) else str(query)
    raise TypeError(f"a request, an address or the fields of one are needed, not {type(request).__name__}")


def checked(bearer: str) -> str:
    """Return the credential if a header can carry it.

    Raises:
        SessionInvalid: it cannot, so it is none; it is not shown.
    """
    if not bearer or not bearer.isascii() or not bearer.isprintable() or " " in bearer:
        raise SessionInvalid("the credential is not a token: it is empty or has characters that no token has")
    return bearer


def _bearer(pairs: Pairs) -> str | None:
    sent = [value.strip() for name, value in pairs if name == "authorization"]
    if len(sent) > 1:
        raise SessionInvalid("more than one Authorization was sent")
    scheme, _, content = sent[0].partition(" ") if sent else ("", "", "")
    return content.strip() if scheme.lower() == "bearer" else None


def _cookies(pairs: Pairs) -> Iterable[tuple[str, str]]:
    for name, value in pairs:
        if name == "cookie":
            for pair in value.split(";"):
                key, _, content = pair.partition("=")
                yield key.strip(), content.strip().strip('"')


def _read(request: Any) -> tuple[Pairs, str | None]:
    """Headers, and the address of the client as the framework knows it. Nothing of a proxy is believed here."""
    if isinstance(getattr(request, "META", None), Mapping):  # Django
        return _of_environ(request.META)
    if isinstance(getattr(request, "scope", None), Mapping):  # Starlette, FastAPI, Litestar
        return _of_scope(request.scope)
    if isinstance(getattr(request, "environ", None), Mapping):  # Flask, Werkzeug
        return _of_environ(request.environ)
    if isinstance(request, Mapping):
        if "REQUEST_METHOD" in request:
            return _of_environ(request)
        if "type" in request and not isinstance(request.get("headers", ""), str):
            return _of_scope(request)
        return _of_mapping(request), None
    headers = getattr(request, "headers", None)
    if isinstance(headers, Mapping):
        return _of_mapping(headers), None
    raise TypeError(f"a request or a mapping of headers is needed, not {type(request).__name__}")


def _of_scope(scope: Mapping[str, Any]) -> tuple[Pairs, str | None]:
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope.get("headers", ())]
    client = scope.get("client")
    return pairs, _address(client[0] if client else None)


def _of_environ(variables: Mapping[str, Any]) -> tuple[Pairs, str | None]:
    wanted = {"HTTP_AUTHORIZATION": "authorization", "HTTP_COOKIE": "cookie", "HTTP_USER_AGENT": "user-agent"}
    pairs = [(name, str(variables[key])) for key, name in wanted.items() if key in variables]
    return pairs, _address(variables.get("REMOTE_ADDR"))


def _of_mapping(headers: Mapping[str, Any]) -> Pairs:
    return [(str(name).lower(), str(value)) for name, value in headers.items()]


def _address(text: object) -> str | None:
    """An address as it may be passed on: frameworks also put names such as `testclient` there."""
    if not isinstance(text, str) or not text or not set(text.lower()) <= set("0123456789abcdef.:"):
        return None
    return text if "." in text or ":" in text else None


def _visible(agent: str) -> str:
    return "".join(c for c in agent if c.isascii() and c.isprintable())[:MAXIMUM_AGENT]
