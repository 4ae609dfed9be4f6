"""Who comes to the server in these tests: browsers that hold a cookie, scripts that hold a bearer."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from argon2 import PasswordHasher

from ostiary.authority import Authority, Started
from ostiary.authority.passwords import PARALLELISM
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.session import Kind
from ostiary.core.token import new_id
from ostiary.http.app import Application
from tests.support.people import CHEAP_PASSWORDS, FIREFOX, PASSWORD, at

ORIGIN = "https://auth.test"
COOKIE = "__Host-session"
AGENT = "ostiary/0.1.0 (Linux)"
OPERATOR = Caller.operator("tests")
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
    return visitor(app, base=base, authorization=f"Bearer {token}", **{"user-agent": AGENT})


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
    """A browser with a session, which it was given without the price of a password."""
    async with browser(app, base=base) as client:
        started = await _start(app, username, "browser", FIREFOX)
        client.cookies.set(COOKIE, started.token, domain=client.base_url.host)
        yield client


@asynccontextmanager
async def bearer(app: Application, username: str = "ada") -> AsyncIterator[httpx2.AsyncClient]:
    """A script with a session of its own."""
    started = await _start(app, username, "cli", AGENT)
    async with script(app, started.token) as client:
        yield client


async def _start(app: Application, username: str, kind: Kind, agent: str) -> Started:
    found = await app.authority.accounts.find(username, by=OPERATOR)
    return await app.authority.sessions.start(found.user.id, client=at("203.0.113.7", agent), kind=kind, amr=("pwd",))


async def cli_token(app: Application, username: str = "ada", **wanted: Any) -> str:
    """The secret of a new CLI token of a user."""
    async with bearer(app, username) as client:
        made = await client.post(f"{API}/auth/cli-token", json=wanted)
    assert made.status_code == 201, made.text
    return str(made.json()["token"])


def exposition(app: Application) -> str:
    """The counters, as `/metrics` tells them to whoever may ask."""
    return app.context.metrics.exposition().decode()


async def add_people(authority: Authority) -> None:
    for username, roles in (("ada", ("member",)), ("eve", ("member",)), ("root", ("admin", "member"))):
        user = User(new_id("user"), username, f"{username}@example.org", roles, authority.clock())
        async with authority.database.transaction() as db:
            await authority.accounts.add_within(db, user, hashed(), OPERATOR)


@functools.cache
def hashed() -> str:
    """The password of everybody, hashed once."""
    memory, passes = CHEAP_PASSWORDS["password_memory_kib"], CHEAP_PASSWORDS["password_time_cost"]
    return PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=PARALLELISM).hash(PASSWORD)


def held(client: httpx2.AsyncClient) -> str:
    """The token that a browser's cookie holds."""
    return str(client.cookies[COOKIE])
