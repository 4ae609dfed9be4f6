"""The server as browsers reach it: a request to `public_url`, through whatever stands in front."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from ostiary.cli.checks import Finding

TIMEOUT: Final = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class SignInPage:
    """What the sign-in page came with."""

    status: int
    headers: Mapping[str, str]
    cookies: Sequence[str]


def ourselves(public_url: str) -> Iterator[Finding]:
    """Ask for the sign-in page, and look at its cookies and headers."""
    try:
        shown = _ask(f"{public_url}/sign-in")
    except (OSError, HTTPException, ValueError) as why:
        yield Finding("public_url", "broken", f"{public_url} does not answer: {why}", "start the server, or correct it")
        return
    yield from judge(public_url, shown)


def judge(public_url: str, shown: SignInPage) -> Iterator[Finding]:
    """What is wrong with what browsers get; one line that all is well if nothing is."""
    found = [*_problems(public_url, shown)]
    yield from found or [Finding("public_url", "ok", f"{public_url} shows the sign-in page; its cookies are protected")]


def _problems(public_url: str, shown: SignInPage) -> Iterator[Finding]:
    if shown.status != 200:
        yield Finding(
            "public_url", "broken", f"{public_url}/sign-in is answered with {shown.status}", "lead all paths to it"
        )
        return
    if not shown.cookies:
        yield Finding(
            "cookies",
            "broken",
            "the sign-in page sets no cookie",
            "let the proxy pass Set-Cookie on, and cache nothing",
        )
    for line in shown.cookies:
        name = line.partition("=")[0]
        attributes = {part.strip().lower() for part in line.split(";")[1:]}
        lacking = [word for word in ("secure", "httponly", "samesite=lax") if word not in attributes]
        if lacking or not re.match(r"__(?:Host|Secure)-", name):
            yield Finding(
                "cookies",
                "unsafe",
                f"{name} arrives without {', '.join(lacking) or 'the prefix __Host-'}",
                "use https, and let the proxy change no Set-Cookie",
            )
    if public_url.startswith("https://") and "strict-transport-security" not in shown.headers:
        yield Finding("HSTS", "unsafe", "Strict-Transport-Security does not arrive", "let the proxy pass it on")


def _ask(url: str) -> SignInPage:
    request = Request(url, headers={"Accept": "text/html", "User-Agent": "ostiary doctor"})  # noqa: S310 - see below
    try:
        answer = urlopen(request, timeout=TIMEOUT)  # noqa: S310 - http or https, as the settings see to
    except HTTPError as error:
        answer = error
    with answer:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return SignInPage(answer.status, headers, answer.headers.get_all("set-cookie") or [])
