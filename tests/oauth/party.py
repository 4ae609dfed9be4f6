"""A client, as its developer would write it with nothing but an HTTP library; and a browser that it sends people to."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from ostiary.core.caller import Caller
from ostiary.core.oauth.client import OAuthClient, Registration
from ostiary.http.app import Application
from tests.http.visitors import ORIGIN, browser, sign_in, visitor

CALLBACK = "https://app.example/callback"
GOODBYE = "https://app.example/bye"
SERVER = {"user-agent": "node"}  # how a client's own server calls
SERVER_IP = "198.51.100.9"


@dataclass
class Pkce:
    verifier: str
    challenge: str

    @classmethod
    def new(cls) -> Pkce:
        verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(verifier.encode()).digest()
        return cls(verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode())


@dataclass
class Tokens:
    """What a client holds after a sign-in."""

    access: str
    refresh: str
    id: str
    body: dict[str, Any]

    @property
    def sid(self) -> str:
        return str(claims_of(self.access)["sid"])


class Party:
    """One registered client."""

    def __init__(self, app: Application, client: OAuthClient, secret: str | None) -> None:
        self.app = app
        self.client = client
        self.secret = secret

    @property
    def id(self) -> str:
        return self.client.id

    @property
    def auth(self) -> tuple[str, str] | None:
        return (self.id, self.secret) if self.secret else None

    def server(self) -> httpx2.AsyncClient:
        """The client's own server: no browser, no cookie."""
        return visitor(self.app, ip=SERVER_IP, **SERVER)

    def query(self, pkce: Pkce, **more: str | None) -> dict[str, str]:
        """An authorization request; None takes a parameter out."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": self.client.redirect_uris[0] if self.client.redirect_uris else CALLBACK,
            "scope": "openid profile email sessions:read sessions:revoke gateway",
            "state": "st/ate \\ & more",
            "code_challenge": pkce.challenge,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (asked | more).items() if value is not None}

    async def call(self, path: str, **form: str | None) -> httpx2.Response:
        """A form to one of the endpoints, with the client's credentials."""
        fields = {name: value for name, value in form.items() if value is not None}
        if not self.secret:
            fields.setdefault("client_id", self.id)
        async with self.server() as server:
            return await server.post(path, data=fields, auth=self.auth or httpx2.USE_CLIENT_DEFAULT)

    async def exchange(self, code: str, pkce: Pkce, **more: str | None) -> httpx2.Response:
        given = {"code": code, "code_verifier": pkce.verifier, "redirect_uri": self.client.redirect_uris[0]}
        return await self.call("/oauth/token", grant_type="authorization_code", **(given | more))

    async def refresh(self, token: str, **more: str) -> httpx2.Response:
        return await self.call("/oauth/token", grant_type="refresh_token", refresh_token=token, **more)

    async def introspect(self, token: str) -> httpx2.Response:
        return await self.call("/oauth/introspect", token=token)

    async def code(self, person: httpx2.AsyncClient, pkce: Pkce, **more: str | None) -> str:
        """A code for somebody who is signed in."""
        answer = await person.get("/oauth/authorize", params=self.query(pkce, **more))
        assert answer.status_code == 303, answer.text
        return fields_of(answer)["code"]

    async def sign_in(self, person: httpx2.AsyncClient, **more: str | None) -> Tokens:
        """The whole flow, for somebody who is signed in."""
        pkce = Pkce.new()
        answer = await self.exchange(await self.code(person, pkce, **more), pkce)
        assert answer.status_code == 200, answer.text
        return tokens_of(answer)

    async def agree(self, person: httpx2.AsyncClient, **more: str | None) -> Tokens:
        """The same, where the person is asked first, and says yes."""
        pkce = Pkce.new()
        page = await person.get("/oauth/authorize", params=self.query(pkce, **more))
        assert page.status_code == 200, page.text
        answer = await person.post("/oauth/authorize/decision", data={**form_of(page), "decision": "yes"})
        exchanged = await self.exchange(fields_of(answer)["code"], pkce)
        assert exchanged.status_code == 200, exchanged.text
        return tokens_of(exchanged)


async def register(app: Application, **wanted: Any) -> Party:
    wanted.setdefault("name", "Shop")
    wanted.setdefault("redirect_uris", [CALLBACK])
    wanted.setdefault("post_logout_redirect_uris", [GOODBYE])
    added = await app.authority.oauth.clients.add(Registration(**wanted), by=Caller.operator("tests"))
    return Party(app, added.client, added.secret)


def tokens_of(answer: httpx2.Response) -> Tokens:
    body = answer.json()
    return Tokens(body["access_token"], body.get("refresh_token", ""), body.get("id_token", ""), body)


def fields_of(answer: httpx2.Response) -> dict[str, str]:
    """What a redirect carries."""
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def form_of(page: httpx2.Response) -> dict[str, str]:
    """The hidden fields of the form in a page's main part."""
    main = page.text[page.text.index("<main") :]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', main))


@asynccontextmanager
async def person(app: Application, username: str = "ada", **more: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser in which somebody is signed in."""
    async with browser(app, **more) as client:
        await sign_in(client, username)
        yield client


async def with_access(app: Application, token: str, method: str, path: str, **more: Any) -> httpx2.Response:
    """One call with an access token, from the client's server."""
    async with visitor(app, ip=SERVER_IP, authorization=f"Bearer {token}", **SERVER) as client:
        return await client.request(method, path, **more)


__all__ = ["CALLBACK", "GOODBYE", "ORIGIN", "Party", "Pkce", "Tokens", "register"]
