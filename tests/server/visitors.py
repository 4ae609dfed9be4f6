"""Who comes to the server in these tests: browsers that hold a cookie, scripts that hold a bearer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.server.app import Application
from tests.support.people import FIREFOX, PASSWORD

ORIGIN = "https://auth.test"
COOKIE = "__Host-session"
API = "/api/v1"
NOBODYS_TOKEN = f"sess_{'a' * 26}.{'B' * 43}"
NOBODYS_SESSION = f"sess_{'a' * 26}"


def visitor(
    app: Application, *, base: str = ORIGIN, ip: str | None = "203.0.113.7", **headers: str
) -> httpx2.AsyncClient:
    """Somebody without any credential."""
    transport = httpx2.ASGITransport(app=app, client=(ip, 4711) if ip else None, raise_app_exceptions=True)  # type: ignore[arg-type]
    return httpx2.AsyncClient(transport=transport, base_url=base, headers={"user-agent": FIREFOX, **headers})


def browser(app: Application, *, base: str = ORIGIN, **headers: str) -> httpx2.AsyncClient:
    """A browser on one of our own pages."""
    return visitor(app, base=base, **{"sec-fetch-site": "same-origin", **headers})


def script(app: Application, token: str, *, base: str = ORIGIN) -> httpx2.AsyncClient:
    """A command line that holds a session token or a CLI token."""
    return visitor(app, base=base, authorization=f"Bearer {token}", **{"user-agent": "ostiary/0.1.0 (Linux)"})


async def sign_in(
    client: httpx2.AsyncClient, username: str = "ada", transport: str = "cookie", **more: Any
) -> httpx2.Response:
    answer = await client.post(
        f"{API}/auth/sessions",
        json={"username": username, "password": PASSWORD, "transport": transport, **more},
    )
    assert answer.status_code == 201, answer.text
    return answer


@asynccontextmanager
async def signed_in(
    app: Application, username: str = "ada", *, base: str = ORIGIN
) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser with a session."""
    async with browser(app, base=base) as client:
        await sign_in(client, username)
        yield client


@asynccontextmanager
async def bearer(app: Application, username: str = "ada") -> AsyncIterator[httpx2.AsyncClient]:
    """A script with a session of its own."""
    async with visitor(app) as nobody:
        answer = await sign_in(nobody, username, "bearer")
    async with script(app, answer.json()["token"]) as client:
        yield client


async def cli_token(app: Application, username: str = "ada", **wanted: Any) -> str:
    """The secret of a new CLI token of a user."""
    async with bearer(app, username) as client:
        made = await client.post(f"{API}/auth/cli-token", json=wanted)
    assert made.status_code == 201, made.text
    return str(made.json()["token"])


async def add_people(authority: Authority) -> None:
    operator = Caller.operator("tests")
    for username, roles in (("ada", ["member"]), ("eve", ["member"]), ("root", ["admin", "member"])):
        await authority.accounts.add(username, PASSWORD, by=operator, roles=roles, email=f"{username}@example.org")


def held(client: httpx2.AsyncClient) -> str:
    """The token that a browser's cookie holds."""
    return str(client.cookies[COOKIE])
