"""Ostiary on one database: what is asked of it, with sessions and tokens that came about as users' do."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.contender import CONNECTIONS, HERE, Contender, Race, Work
from bench.running import SERVER_CORE, Running, running
from bench.wire import Answer, Client, Script, basic, drive, each_once, request
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import seen
from ostiary.core.oauth.client import Registration
from ostiary.settings import Settings
from ostiary.storage import migrate

# Who is asked about, and as many guests, who sign in during the run: so every round lists the same sessions.
USERS, SESSIONS_EACH = 64, 8
TO_REVOKE = 3000  # sessions made for one round of revocations
PASSWORD = "correct horse battery"
CALLBACK = "https://app.example/callback"
FORM = "application/x-www-form-urlencoded"
API = "/api/v1"
KEY = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
OPERATOR = Caller.operator("bench")


@contextlib.contextmanager
def hello(directory: Path) -> Iterator[Contender]:
    """The ceiling: the least that an ASGI application can do on the same server."""
    command = [sys.executable, "-m", "uvicorn", "bench.hello:app", "--port", "0", "--loop", "uvloop"]
    command += ["--http", "httptools", "--ws", "none", "--no-access-log", "--no-server-header", "--interface", "asgi3"]
    cookie = f"__Host-session=sess_{'a' * 26}.{'b' * 43}"
    work = Work("hello", [request("GET", "/", Cookie=cookie)] * USERS, [b"world"] * USERS)
    with running(command, os.environ, HERE.parent, directory / "hello.log") as server:
        yield Contender("raw ASGI hello", "", "the ceiling", server, [work])


@contextlib.contextmanager
def ostiary(store: str, database_url: str, directory: Path) -> Iterator[Contender]:
    """A server, its users and its works."""
    people = asyncio.run(_populate(database_url))
    with served(database_url, directory, store) as server:
        yield Contender("Ostiary", store, "always from the row", server, *_works(server, people))


@contextlib.contextmanager
def served(database_url: str, directory: Path, name: str, workers: int = 1) -> Iterator[Running]:
    """The server alone, on as many cores as it has processes."""
    environment = {**os.environ, "OSTIARY_DATABASE_URL": database_url, "BENCH_SERVER_CORES": str(workers)}
    environment["OSTIARY_KEY"] = KEY
    environment["OSTIARY_ACCESS_TOKEN_LIFETIME"] = "1h"
    environment["OSTIARY_LOG_LEVEL"] = "warning"  # as the peers, none of which writes a line for a request
    command = [sys.executable, "-m", "ostiary", "serve", "--port", "0", "--workers", str(workers)]
    with running(command, environment, directory, directory / f"ostiary-{name}-{workers}.log") as server:
        # Several processes say where they listen before any of them does; each takes its time to come up.
        for _ in range(8 * workers):
            client = Client(server.address)
            client.ask(request("GET", "/healthz"))
            client.close()
        yield server


class People:
    """Who is there: tokens by user, an administrator's, a client's credentials."""

    def __init__(self) -> None:
        self.tokens: list[list[str]] = []
        self.victims: list[str] = []
        self.admin = ""
        self.client = ("", "")


async def _populate(database_url: str) -> People:
    people = People()
    settings = Settings(database_url=database_url, key=KEY)
    async with Authority(settings) as authority:
        await migrate.upgrade(authority.database)
        await authority.oauth.ensure_ready()
        start, there = authority.sessions.start, seen("203.0.113.7", "wrk")
        for number in range(USERS):
            user = await authority.accounts.add(f"user{number}", PASSWORD, by=OPERATOR)
            made = [(await start(user.id, client=there, amr=("pwd",))).token for _ in range(SESSIONS_EACH)]
            people.tokens.append(made)
            await authority.accounts.add(f"guest{number}", PASSWORD, by=OPERATOR)
        admin = await authority.accounts.add("root", PASSWORD, roles=("admin", "member"), by=OPERATOR)
        people.admin = (await start(admin.id, client=there, amr=("pwd",))).token
        for _ in range(64):
            people.victims.append((await start("victim", client=there)).token)
        added = await authority.oauth.clients.add(
            Registration("bench", redirect_uris=[CALLBACK], grants=["authorization_code", "refresh_token"]),
            by=OPERATOR,
        )
        people.client = (added.client.id, added.secret or "")
    return people


def session_id(token: str) -> bytes:
    return token.partition(".")[0].encode()


def _cookie(token: str) -> str:
    return f"__Host-session={token}"


def token_in(sent: bytes) -> str:
    """The token of a request that carries one in its cookie."""
    return sent.partition(b"__Host-session=")[2].split(b"\r\n")[0].decode()


def _works(server: Running, people: People) -> tuple[list[Work], list[Race]]:
    every = [token for tokens in people.tokens for token in tokens]
    works = [verify(every)]
    races = [
        Race(
            request("GET", "/verify", Cookie=_cookie(token)),
            request("POST", f"{API}/auth/logout", Authorization=f"Bearer {token}"),
        )
        for token in people.victims
    ]
    chains = _chains(server, people)
    access = [chain["access_token"] for chain in chains]
    by_client = basic(*people.client)
    works += [
        Work(
            "introspect",
            [
                request("POST", "/oauth/introspect", body=f"token={token}".encode(), Authorization=by_client,
                        Content_Type=FORM)
                for token in access
            ],
            [b'"active":true'] * len(access),
        ),
        Work(
            "list mine",
            [request("GET", f"{API}/auth/sessions", Authorization=f"Bearer {tokens[0]}") for tokens in people.tokens],
            [session_id(tokens[-1]) for tokens in people.tokens],
        ),
        Work("refresh", scripts=lambda: [_refreshing(chain, by_client) for chain in chains]),
        Work("sign-in", scripts=lambda: _signing_in(16), bare=bare_argon2),
        Work("sign-in, no password", scripts=lambda: _minting(people.admin)),
        Work("revoke", scripts=lambda: _revoking(server, people.admin)),
    ]  # fmt: skip
    return works, races


def verify(tokens: list[str]) -> Work:
    """The check before every request."""
    requests = [request("GET", "/verify", Cookie=_cookie(token)) for token in tokens]
    return Work("verify", requests, [session_id(token) for token in tokens])


def _chains(server: Running, people: People) -> list[dict[str, str]]:
    """A sign-in of an OAuth client by each user: its access token and its first refresh token."""
    client = Client(server.address)
    client_id, secret = people.client
    found = []
    for tokens in people.tokens:
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": client_id, "redirect_uri": CALLBACK, "scope": "openid",
            "state": "s", "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        answer = client.ask(request("GET", f"/oauth/authorize?{urlencode(asked)}", Cookie=_cookie(tokens[0])))
        code = parse_qs(urlsplit(answer.header("location")).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": CALLBACK}
        answer = client.ask(_token_request(form, basic(client_id, secret)))
        found.append(json.loads(answer.body))
    client.close()
    return found


def _token_request(form: dict[str, str], by_client: str) -> bytes:
    return request("POST", "/oauth/token", body=urlencode(form).encode(), Authorization=by_client, Content_Type=FORM)


def _refreshing(chain: dict[str, str], by_client: str) -> Script:
    """Each refresh with the token of the last one; the next round goes on where this one ends."""

    def script(answer: Answer | None) -> bytes:
        if answer is not None and answer.status == 200:
            chain["refresh_token"] = json.loads(answer.body)["refresh_token"]
        return _token_request({"grant_type": "refresh_token", "refresh_token": chain["refresh_token"]}, by_client)

    return script


def _signing_in(connections: int) -> list[Script]:
    users = itertools.cycle(range(USERS))

    def script(_: Answer | None) -> bytes:
        body = {"username": f"guest{next(users)}", "password": PASSWORD, "transport": "bearer"}
        return request("POST", f"{API}/auth/sessions", body=json.dumps(body).encode(), Content_Type="application/json")

    return [script] * connections


def _minting(admin: str) -> list[Script]:
    users = itertools.cycle(range(USERS))

    def script(_: Answer | None) -> bytes:
        path = f"{API}/admin/users/guest{next(users)}/sessions"
        return request("POST", path, body=b'{"expire_after":"1h"}', Authorization=f"Bearer {admin}",
                       Content_Type="application/json")  # fmt: skip

    return [script] * CONNECTIONS


def _revoking(server: Running, admin: str) -> list[Script]:
    """The user's own sessions, one after the other; made for the round by an administrator."""
    made: list[bytes] = []

    def keep(answer: Answer) -> bool:
        found = re.search(rb"__Host-session=([\w.-]+)", answer.body)
        if found:
            made.append(found[1])
        return found is not None

    supply = itertools.islice(_endless(_minting(admin)[0]), TO_REVOKE)
    drive(server.address, [each_once(supply)] * CONNECTIONS, 60, keep)
    requests = (request("POST", f"{API}/auth/logout", Authorization=f"Bearer {token.decode()}") for token in made)
    return [each_once(requests)] * CONNECTIONS


def _endless(script: Script) -> Iterator[bytes]:
    while (sent := script(None)) is not None:
        yield sent


def bare_argon2(seconds: float) -> float:
    """Verifications of a password a second by argon2 itself, on the server's core, with the server's parameters."""
    script = (
        "import sys, time; from argon2 import PasswordHasher; from ostiary.settings import Settings;"
        "s = Settings(); h = PasswordHasher(time_cost=s.password_time_cost, memory_cost=s.password_memory_kib);"
        "d = h.hash('x'); n = 0; b = time.perf_counter(); e = b + float(sys.argv[1])\n"
        "while time.perf_counter() < e: h.verify(d, 'x'); n += 1\n"
        "print(n / (time.perf_counter() - b))"
    )
    command = ["taskset", "-c", str(SERVER_CORE), sys.executable, "-c", script, str(seconds)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
