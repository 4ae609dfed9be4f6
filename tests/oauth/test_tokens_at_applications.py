"""Which tokens an application takes: every way to ask, in every framework. None that nobody has meant for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import httpx2
import pytest
from fastapi import FastAPI
from flask import Flask

from ostiary.errors import ConfigurationError, OstiaryError
from ostiary.http.asgi import respond
from ostiary.integrations import fastapi, flask
from ostiary.integrations.asgi import OstiaryMiddleware, visit_of
from ostiary.integrations.embedded import Embedded
from ostiary.integrations.identity import Keeper
from ostiary.integrations.remote import Remote
from ostiary.sdk import AsyncOstiary
from ostiary.sdk.verifier import Verifier, feed
from tests.http.visitors import ORIGIN, cli_token, held
from tests.oauth.conftest import KEY
from tests.oauth.party import claims_of, person, register
from tests.support.clock import Clock

Answer: TypeAlias = tuple[int, str]
Ask: TypeAlias = Callable[[str], Awaitable[Answer]]
WAYS = ("fastapi", "asgi", "flask", "django", "remote", "remote with a verifier", "verifier")


@pytest.fixture
def clock() -> Clock:
    """The time that it is: a site of Django reads its settings, and none of them is a clock."""
    return Clock(datetime.now(UTC))


@pytest.fixture(params=WAYS)
def ask(request, app, settings, clock, monkeypatch) -> Callable[..., Awaitable[Answer]]:
    """`await ask(token, audience=…)`: what an application answers, and whom it takes the sender for."""
    monkeypatch.setattr(feed, "HOLD", 0.1)  # the transport within this process hands over whole answers only
    inside = replace(settings, public_url=ORIGIN, key=KEY)

    def http() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ORIGIN)

    async def service() -> str:
        return await cli_token(app, "root", scopes=["feed:read"])

    async def asked(token: str, **taken: Any) -> Answer:
        if request.param in ("fastapi", "asgi"):
            return await _asgi(Embedded(inside, clock=clock, **taken), request.param, token)
        if request.param == "remote":
            return await _asgi(Remote(AsyncOstiary(ORIGIN, http_client=http()), **taken), "fastapi", token)
        if request.param == "remote with a verifier":
            verifier = Verifier(ORIGIN, token=await service(), http_client=http(), **taken)
            keeper = Remote(AsyncOstiary(ORIGIN, http_client=http()), verifier=verifier)
            return await _asgi(keeper, "fastapi", token)
        if request.param == "verifier":
            verifier = Verifier(ORIGIN, token=await service(), http_client=http(), **taken)
            try:
                found = await verifier.verify(token)
            except OstiaryError as why:
                return why.status, ""
            return 200, f"{found.user.username} {','.join(found.user.roles)}"
        if request.param == "flask":
            return await asyncio.to_thread(_flask, lambda: Embedded(inside, clock=clock, **taken), token)
        return await asyncio.to_thread(_django, inside, taken, token)

    return asked


@pytest.fixture
async def access(app, party) -> Callable[[str], Awaitable[str]]:
    """`await access("openid")`: an access token of the party in the name of an administrator, with these scopes."""
    async with person(app, "root") as root:
        good = claims_of((await party.sign_in(root)).access)

    async def signed(scopes: str) -> str:
        return str(await app.authority.oauth.keys.sign_access_token({**good, "scope": scopes}))

    return signed


async def test_without_an_audience_or_scope_no_access_token_is_anything(ask, access):
    for scopes in ("openid", "openid profile email offline_access sessions:read sessions:revoke gateway feed:read"):
        assert await ask(await access(scopes)) == (401, "")


async def test_with_an_audience_the_tokens_for_it_are_taken_and_no_others(app, party, ask, access):
    other = await register(app, name="Other")
    token = await access("openid")
    assert await ask(token, audience=party.id) == (200, "None ")
    for audience in (other.id, ORIGIN, "", "https://app.example"):
        assert await ask(token, audience=audience) == (401, ""), audience


async def test_with_a_scope_the_tokens_that_have_it_are_taken_and_no_others(ask, access):
    assert (await ask(await access("openid profile email"), scope="gateway"))[0] == 403
    assert await ask(await access("openid gateway"), scope="gateway") == (200, "None ")


async def test_both_are_asked_for_where_both_are_configured(party, ask, access):
    token = await access("openid gateway")
    assert (await ask(token, audience=party.id, scope="gateway"))[0] == 200
    assert (await ask(token, audience=party.id, scope="profile"))[0] == 403
    assert (await ask(token, audience="other", scope="gateway"))[0] == 401


async def test_roles_are_given_as_far_as_granted_and_admin_never(party, ask, access):
    assert await ask(await access("openid profile gateway"), audience=party.id) == (200, "root member")


async def test_a_cli_token_needs_the_scope_gateway_or_the_one_that_is_configured(app, ask):
    for scope in ("feed:read", "sessions:read", "admin"):
        token = await cli_token(app, "root", scopes=[scope])
        assert (await ask(token))[0] == 403, scope
        assert (await ask(token, audience="https://app.example"))[0] == 403, scope
    assert await ask(await cli_token(app, "root", scopes=["gateway"])) == (200, "root member")
    assert await ask(await cli_token(app, "root", scopes=["gateway", "admin"])) == (200, "root admin,member")
    assert (await ask(await cli_token(app, "root", scopes=["feed:read"]), scope="feed:read"))[0] == 200


async def test_a_session_is_taken_as_ever(app, ask):
    async with person(app, "root") as root:
        assert await ask(held(root)) == (200, "root admin,member")


def test_what_is_taken_is_said_in_one_place():
    verifier = Verifier(ORIGIN, token="ost_x.y", audience="me")
    with pytest.raises(ConfigurationError):
        Remote(ORIGIN, verifier=verifier, audience="me")


def _fastapi(keeper: Keeper) -> FastAPI:
    app = FastAPI()
    fastapi.install(app, keeper)

    @app.get("/me")
    async def me(who: fastapi.CurrentSession) -> str:
        return f"{who.user.username} {','.join(who.user.roles)}"

    return app


async def _me(scope: Any, receive: Any, send: Any) -> None:
    user = (await visit_of(scope).current()).user
    await respond(send, 200, [], f'"{user.username} {",".join(user.roles)}"'.encode())


async def _asgi(keeper: Keeper, way: str, token: str) -> Answer:
    app: Any = OstiaryMiddleware(_me, keeper) if way == "asgi" else _fastapi(keeper)
    transport = httpx2.ASGITransport(app=app, client=("203.0.113.9", 4711))
    try:
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            answer = await client.get("/me", headers={"authorization": f"Bearer {token}"})
        return answer.status_code, answer.json() if answer.status_code == 200 else ""
    finally:
        await keeper.close()


def _flask(make_keeper: Any, token: str) -> Answer:
    app = Flask(__name__)
    extension = flask.Ostiary(app, make_keeper)

    @app.get("/me")
    def me() -> str:
        user = flask.current_session.user
        return f"{user.username} {','.join(user.roles)}"

    try:
        answer = app.test_client().get("/me", headers={"authorization": f"Bearer {token}"}, base_url=ORIGIN)
        return answer.status_code, answer.text if answer.status_code == 200 else ""
    finally:
        extension.close()


def _django(settings: Any, taken: dict[str, Any], token: str) -> Answer:
    import django
    from django.conf import settings as django_settings
    from django.http import HttpResponse

    if not django_settings.configured:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        django_settings.configure(SECRET_KEY="tests", ALLOWED_HOSTS=["*"])
        django.setup()
    from django.test import RequestFactory, override_settings

    from ostiary.integrations import django as integration

    def me(request: Any) -> HttpResponse:
        user = request.ostiary.current().user
        return HttpResponse(f"{user.username} {','.join(user.roles)}")

    given = {
        "DATABASE_URL": settings.database_url,
        "PUBLIC_URL": ORIGIN,
        "KEY": KEY,
        "TIED": False,
        **{name.upper(): value for name, value in taken.items()},
    }
    integration.portal.cache_clear()
    try:
        with override_settings(OSTIARY=given):
            middleware = integration.OstiaryMiddleware(me)
            answer = middleware(RequestFactory().get("/me", headers={"authorization": f"Bearer {token}"}, secure=True))
            return answer.status_code, answer.content.decode() if answer.status_code == 200 else ""
    finally:
        integration.portal().close()
        integration.portal.cache_clear()
