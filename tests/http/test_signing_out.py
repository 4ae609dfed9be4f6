"""Signing out of a browser: every session whose cookie came ends, and no neighbour loses anything."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ostiary.application import create_app
from ostiary.core.caller import Caller
from ostiary.http.cookies import CLEAR_SITE_DATA
from ostiary.web import form_tokens
from tests.http.test_heads import STREAMS, every_path
from tests.http.visitors import API, COOKIE, OPERATOR, add_people, browser, held, signed_in, visitor
from tests.support.people import PASSWORD, at

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SHARED = "__Secure-session"


@pytest.fixture
async def pages(settings, clock):
    async with create_app(settings, clock=clock) as app:
        await add_people(app.authority)
        yield app


@pytest.fixture
async def shared(settings, clock):
    """A server whose cookie other hosts get, and could set."""
    wanted = replace(settings, public_url="https://auth.shared.test", cookie_domain="shared.test")
    async with create_app(wanted, clock=clock) as app:
        await add_people(app.authority)
        yield app


async def tokens_of(app, *usernames: str) -> list[str]:
    found = []
    for username in usernames:
        user = (await app.authority.accounts.find(username, by=OPERATOR)).user
        found.append((await app.authority.sessions.start(user.id, client=at(), kind="browser", amr=("pwd",))).token)
    return found


async def live(app, tokens: list[str]) -> list[bool]:
    found = []
    for token in tokens:
        session = await app.authority.sessions.find(token.partition(".")[0], by=Caller.operator("tests"))
        found.append(session.revoked is None)
    return found


def cookies(name: str, tokens: list[str]) -> dict[str, str]:
    return {"cookie": "; ".join(f"{name}={token}" for token in tokens)}


SIGN_OUTS = ["api", "page", "oauth", "own session by api", "own session by page", "end-session"]


ONE, TWO, THREE = ("ada", "ada"), ("ada", "eve"), ("ada", "eve", "root")


# Who holds the sessions of two people is nobody, and has none of their own.
@pytest.mark.parametrize(
    ("people", "door"),
    [(people, door) for people in (ONE, TWO, THREE) for door in SIGN_OUTS if people is ONE or door[:3] != "own"],
)
async def test_every_session_whose_cookie_came_ends(shared, people, door):
    tokens = await tokens_of(shared, *people)
    own = tokens[0].partition(".")[0]
    async with browser(shared, base="https://auth.shared.test", **cookies(SHARED, tokens)) as client:
        if door == "api":
            answer = await client.post(f"{API}/auth/logout")
        elif door == "oauth":
            answer = await client.post("/oauth/logout", json={})
        elif door == "own session by api":
            answer = await client.post(f"{API}/auth/sessions/{own}/revoke")
        else:
            path = {"page": "/sign-out", "end-session": "/oauth/end-session"}.get(door, f"/settings/sessions/{own}/end")
            fields = {form_tokens.FIELD: form_tokens.write(tokens[0])}
            answer = await client.post(path, data=fields)
            assert answer.status_code == 303, answer.text
    assert answer.status_code in {200, 303}
    assert answer.headers["clear-site-data"] == CLEAR_SITE_DATA == '"cache", "storage"'
    assert await live(shared, tokens) == [False] * len(tokens)


async def test_two_people_in_one_browser_are_led_to_the_form_and_out_of_it(shared):
    """A cookie that another host left is not overwritten by a sign-in: so its session has to end."""
    tokens = await tokens_of(shared, "ada", "eve")
    async with browser(shared, base="https://auth.shared.test", **cookies(SHARED, tokens)) as client:
        answer = await client.get("/settings/sessions")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        form = await client.get("/sign-in")
        assert form.status_code == 200 and "sign-ins of two people" in form.text
        (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', form.text)
        fields = {"csrf_token": token, "username": "ada", "password": PASSWORD, "next": ""}
        answer = await client.post("/sign-in", data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/settings/sessions")
    new = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
    assert await live(shared, tokens) == [False, False]
    sent = cookies(SHARED, [tokens[1], new, tokens[0]])  # as the browser goes on sending them
    async with browser(shared, base="https://auth.shared.test", **sent) as client:
        assert (await client.get("/settings/sessions")).status_code == 200
        assert (await client.get("/verify")).headers["ostiary-user"] == "ada"


async def test_an_api_sign_in_ends_all_that_the_browser_held(shared):
    tokens = await tokens_of(shared, "ada", "eve")
    async with browser(shared, base="https://auth.shared.test", **cookies(SHARED, tokens)) as client:
        asked = {"username": "eve", "password": PASSWORD, "transport": "cookie"}
        assert (await client.post(f"{API}/auth/sessions", json=asked)).status_code == 201
    assert await live(shared, tokens) == [False, False]


async def test_only_an_answer_to_signing_out_has_the_browser_clear_anything(pages):
    """A link, an image or a redirect to any address of ours clears nothing of anybody."""
    async with visitor(pages) as nobody, signed_in(pages) as ada:
        for path in every_path():
            if path in STREAMS:
                continue
            for client in (nobody, ada):
                answer = await client.get(path)
                assert "clear-site-data" not in answer.headers, path
        assert "clear-site-data" not in (await nobody.get("/signed-out")).headers
        assert (await ada.get(f"{API}/auth/whoami")).status_code == 200


async def test_other_origins_are_told_from_ours_without_the_port_that_goes_without_saying(make_app):
    async with make_app() as app:
        await add_people(app.authority)
        for host, origin, status in (
            ("name.test:443", "https://name.test", 200), ("name.test", "https://name.test:443", 200),
            ("NAME.test:443", "https://name.test", 200), ("name.test:443", "http://name.test", 403),
            ("name.test:8443", "https://name.test", 403), ("name.test", "https://name.test:8443", 403),
            ("name.test:443", "https://name.test.evil.test", 403), ("name.test:80", "https://name.test", 403),
            ("[2001:db8::1]:443", "https://[2001:db8::1]", 200), ("name.test:443", "null", 403),
            ("name.test:443", "https://name.test:443:443", 403),
        ):  # fmt: skip
            async with signed_in(app) as ada:
                sent = {"host": host, "origin": origin, "cookie": f"{COOKIE}={held(ada)}"}
                async with visitor(app, **sent) as client:
                    assert (await client.post(f"{API}/auth/logout")).status_code == status, (host, origin)
    async with make_app(public_url="https://name.test:443") as app, signed_in(app) as ada:
        sent = {"host": "internal:8420", "origin": "https://name.test", "cookie": f"{COOKIE}={held(ada)}"}
        async with visitor(app, **sent) as client:
            assert (await client.post(f"{API}/auth/logout")).status_code == 200


async def test_who_was_signed_out_in_another_tab_is_told_so(pages):
    """The cookie is gone, and with it what the form was written under."""
    (token,) = await tokens_of(pages, "ada")
    session = token.partition(".")[0]
    fields = {form_tokens.FIELD: form_tokens.write(token)}
    async with browser(pages) as client:
        for path in ("/settings/sessions/end-others", f"/settings/sessions/{session}/end", "/settings/password"):
            answer = await client.post(path, data=fields)
            assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
            shown = await client.get("/sign-in")
            assert "You were signed out meanwhile" in shown.text and "open for too long" not in shown.text
        answer = await client.post("/settings/sessions/end-others", data=fields, headers={"hx-request": "true"})
        assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")
        answer = await client.post("/sign-out", data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/signed-out")
    assert await live(pages, [token]) == [True]


async def test_a_form_without_its_cookie_says_what_to_do(pages):
    """As Safari sends it from http://localhost, where it keeps no secure cookie."""
    async with browser(pages, base="http://localhost") as client:
        form = await client.get("/sign-in")
        (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', form.text)
        client.cookies.clear()
        fields = {"csrf_token": token, "username": "ada", "password": PASSWORD}
        answer = await client.post("/sign-in", data=fields)
        assert answer.status_code == 403 and "open for too long" not in answer.text
        assert "your browser keeps no cookies here" in answer.text and "http://localhost" in answer.text
