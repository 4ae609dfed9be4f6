"""Cookies of ours beside the session's: each holds one thing for a moment, and no script can read them."""

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeAlias

from ostiary.http.cookies import SessionCookie

Name: TypeAlias = Literal["form", "notice", "minted"]

# Seconds.
LIVES: Final[dict[Name, int]] = {
    "form": 3600,  # what binds a form to a browser before anybody is signed in
    "notice": 60,  # what an act did, said on the page that it leads to
    "minted": 60,  # a CLI token that was just made, on its way to the page that shows it once
}
_VALUE = re.compile(r"[A-Za-z0-9_.-]{1,512}")


def held(scope: Any, name: Name, session_cookie: SessionCookie) -> str | None:
    """What the browser sent under a name, if it can be ours."""
    wanted = _full_name(name, session_cookie).encode()
    for key, value in scope["headers"]:
        if key == b"cookie":
            for pair in value.split(b";"):
                found, _, content = pair.strip().partition(b"=")
                text = str(content, "latin-1")
                if found == wanted and _VALUE.fullmatch(text):
                    return text
    return None


def holding(name: Name, value: str, session_cookie: SessionCookie) -> str:
    """The value of `Set-Cookie` that makes the browser hold it."""
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the cookie {name} cannot hold this")
    return _cookie(name, value, LIVES[name], session_cookie)


def cleared(name: Name, session_cookie: SessionCookie) -> str:
    """The value of `Set-Cookie` that makes the browser forget it."""
    return _cookie(name, "", 0, session_cookie)


def _cookie(name: Name, value: str, life: int, session_cookie: SessionCookie) -> str:
    secure = "; Secure" if session_cookie.is_secure else ""
    return f"{_full_name(name, session_cookie)}={value}; HttpOnly; Max-Age={life}; Path=/; SameSite=lax{secure}"


def _full_name(name: Name, session_cookie: SessionCookie) -> str:
    """As the session's: the prefix wherever the browser takes it."""
    return f"__Host-{name}" if session_cookie.is_secure else name
