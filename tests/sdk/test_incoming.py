"""Whose request it is: the same answer in every framework, and never somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from ostiary import errors
from ostiary.core.token import mint
from ostiary.sdk import AsyncOstiary, Ostiary
from ostiary.sdk.incoming import Holder, holder_of
from tests.support.people import PASSWORD

# Fixed, as some are parameters of tests: each process of a run has to collect the same.
TOKEN = f"sess_{'a' * 26}.{'A' * 43}"
OTHER = f"sess_{'b' * 26}.{'B' * 43}"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"
AGENT = "Telephone/1"
IP = "203.0.113.9"


@contextmanager
def starlette_request(headers: dict[str, str]) -> Iterator[Any]:
    from starlette.requests import Request

    yield Request(scope(headers))


@contextmanager
def fastapi_request(headers: dict[str, str]) -> Iterator[Any]:
    from fastapi import Request

    yield Request(scope(headers))


@contextmanager
def litestar_request(headers: dict[str, str]) -> Iterator[Any]:
    from litestar.connection import Request

    yield Request(scope(headers))  # type: ignore[arg-type]


@contextmanager
def django_request(headers: dict[str, str]) -> Iterator[Any]:
    from django.conf import settings

    if not settings.configured:
        settings.configure()
    from django.test import RequestFactory

    yield RequestFactory().get("/", headers=headers, REMOTE_ADDR=IP)


@contextmanager
def flask_request(headers: dict[str, str]) -> Iterator[Any]:
    from flask import Flask, request

    with Flask(__name__).test_request_context("/", headers=headers, environ_base={"REMOTE_ADDR": IP}):
        yield request


@contextmanager
def wsgi_environ(headers: dict[str, str]) -> Iterator[Any]:
    named = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    yield {"REQUEST_METHOD": "GET", "REMOTE_ADDR": IP, **named}


@contextmanager
def asgi_scope(headers: dict[str, str]) -> Iterator[Any]:
    yield scope(headers)


def scope(headers: dict[str, str]) -> dict[str, Any]:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    usual = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "client": (IP, 4711)}
    return {**usual, "headers": raw, "app": None, "state": {}}


REQUESTS = [
    starlette_request, fastapi_request, litestar_request, django_request, flask_request, wsgi_environ, asgi_scope,
]  # fmt: skip


@pytest.mark.parametrize("make", REQUESTS, ids=lambda make: make.__name__)
def test_every_framework_says_who_it_is(make):
    for headers, bearer in (
        ({"Authorization": f"Bearer {TOKEN}"}, TOKEN),
        ({"Authorization": f"bearer  {TOKEN} "}, TOKEN),
        ({"Cookie": f"theme=dark; __Host-session={TOKEN}; a=b"}, TOKEN),
        ({"Cookie": f'session="{TOKEN}"'}, TOKEN),
        ({"Cookie": f"access_token={JWT}"}, JWT),
        ({"Authorization": f"Bearer {OTHER}", "Cookie": f"__Host-session={TOKEN}"}, OTHER),
        ({"Authorization": "Basic dTpw", "Cookie": f"__Host-session={TOKEN}"}, TOKEN),
        ({"Cookie": f"__Host-session={TOKEN}; access_token={JWT}"}, TOKEN),
        ({"Cookie": "session=eyJfZmxhc2giOltdfQ.ZQ.x"}, None),  # Flask's own, not ours
        ({"Cookie": f"__Host-session={mint('ost').text}"}, None),  # a cookie holds sessions only
        ({}, None),
    ):
        with make({**headers, "User-Agent": AGENT}) as request:
            assert holder_of(request) == Holder(bearer, (), AGENT, IP), headers


def test_mappings_and_objects_with_headers_will_do():
    assert holder_of({"AUTHORIZATION": f"Bearer {TOKEN}"}).bearer == TOKEN
    assert holder_of({"cookie": f"__Host-session={TOKEN}"}).bearer == TOKEN
    assert holder_of(httpx2.Request("GET", "http://x", headers={"Authorization": f"Bearer {TOKEN}"})).bearer == TOKEN
    with pytest.raises(TypeError, match="not int"):
        holder_of(5)


@pytest.mark.parametrize("make", [starlette_request, litestar_request, asgi_scope], ids=lambda make: make.__name__)
def test_two_authorizations_are_none(make):
    with make({}) as request:
        found = request if isinstance(request, dict) else request.scope
        found["headers"] += [(b"authorization", f"Bearer {one}".encode()) for one in (TOKEN, OTHER)]
        with pytest.raises(errors.SessionInvalid):
            holder_of(request)


@pytest.mark.parametrize("value", ["Bearer a b", "Bearer ", f"Bearer {TOKEN}, Bearer {OTHER}", "Bearer x\r\nCookie: a"])
def test_a_bearer_that_is_none_is_refused_without_repeating_it(value):
    with pytest.raises(errors.SessionInvalid) as why:
        holder_of({"authorization": value})
    assert TOKEN not in str(why.value)


def test_several_session_cookies_are_all_shown_to_the_server():
    many = "; ".join(f"__Host-session={mint('sess').text}" for _ in range(50))
    found = holder_of({"cookie": f"__Host-session={OTHER}; session={TOKEN}; session=garbage; {many}"})
    assert found.bearer is None
    assert found.cookies[:2] == (OTHER, TOKEN)
    assert len(found.cookies) == 4


def test_what_is_passed_on_breaks_no_header():
    found = holder_of({**asgi({"user-agent": "a\r\nX: y" + "é" * 9 + "b" * 9999}), "client": ("bad\r\nhost", 1)})
    assert found.user_agent == ("aX: y" + "b" * 9999)[:512]
    assert found.ip is None
    assert holder_of({**asgi({}), "client": ("testclient", 1)}).ip is None
    assert holder_of({**asgi({}), "client": None}).ip is None
    assert holder_of({**asgi({}), "client": ("2001:db8::7", 1)}).ip == "2001:db8::7"


def asgi(headers: dict[str, str]) -> dict[str, Any]:
    return {**scope({}), "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]}


# Against the real server.


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client() as client:
        yield client


def test_a_request_acts_for_its_sender_and_never_for_the_application(ostiary, server, new_user, http):
    name = new_user()
    ada = ostiary.auth.sign_in(name, PASSWORD)
    service = Ostiary(server.url, token=ostiary.auth.sign_in("root", PASSWORD).token, http_client=http)
    for headers in ({"authorization": f"Bearer {ada.token}"}, {"cookie": f"__Host-session={ada.token}"}):
        assert service.auth.whoami(headers).user.username == name
        assert service.for_request(headers).auth.whoami().user.username == name
    with pytest.raises(errors.NoCredentials):
        service.auth.whoami({})
    with pytest.raises(errors.NoCredentials):
        service.for_request({"cookie": "session=their-own"}).admin.users.list()
    assert service.auth.whoami().user.username == "root"


def test_a_planted_cookie_neither_hides_the_good_one_nor_acts(ostiary, new_user):
    name, eve = new_user(), new_user()
    good, evil = (ostiary.auth.sign_in(one, PASSWORD).token for one in (name, eve))
    planted = {"cookie": f"__Host-session={TOKEN}; __Host-session={good}"}
    assert ostiary.auth.whoami(planted).user.username == name
    ostiary.sessions.label(planted, str(good).partition(".")[0], "mine")
    with pytest.raises(errors.SessionInvalid):
        ostiary.auth.whoami({"cookie": f"__Host-session={evil}; __Host-session={good}"})


def test_no_cookie_of_one_user_goes_with_anothers_request(ostiary, server, new_user):
    """The HTTP client would keep what an answer sets; nothing of it may ever be sent."""
    ada, eve = (ostiary.auth.sign_in(new_user(), PASSWORD).token for _ in range(2))
    with httpx2.Client(cookies={"__Host-session": ada or ""}) as http:
        shared = Ostiary(server.url, http_client=http)
        with pytest.raises(errors.NoCredentials):
            shared.auth.whoami()
        shared.auth.logout({"cookie": f"__Host-session={eve}; __Host-session={TOKEN}"})
        assert shared.for_token(ada or "").auth.whoami().session is not None


async def test_inside_a_real_application(server, new_user, ostiary):
    """A FastAPI application that asks for its visitor, with the visitor's own device on the session."""
    from fastapi import FastAPI, Request

    app = FastAPI()
    asking = AsyncOstiary(server.url)

    async def me(request: Request) -> dict[str, object]:
        found = await asking.sessions.list(request)
        return {"count": found.count, "agent": found.sessions[0].user_agent}

    me.__annotations__["request"] = Request
    app.get("/me")(me)
    token = ostiary.auth.sign_in({"user-agent": AGENT}, new_user(), PASSWORD).token
    async with asking:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="https://app.test") as visitor:
            answer = await visitor.get("/me", headers={"cookie": f"__Host-session={token}"})
    assert answer.json() == {"count": 1, "agent": AGENT}
