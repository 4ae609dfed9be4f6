"""What another site can make a browser do here: nothing."""

from __future__ import annotations

import pytest

from tests.http.visitors import API, COOKIE, ORIGIN, add_people, held, script, signed_in, visitor
from tests.support.people import PASSWORD

# Which database makes no difference here.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FETCH, FROM = "sec-fetch-site", "origin"
OWN = [
    {FETCH: "same-origin"},
    {FETCH: "none"},
    {FROM: ORIGIN},
    {FETCH: "same-origin", FROM: ORIGIN},
    {FROM: ORIGIN.upper()},
]
FOREIGN = [
    {},
    {FETCH: "cross-site"},
    {FETCH: "same-site"},
    {FETCH: ""},
    {FETCH: "cross-site", FROM: ORIGIN},
    {FETCH: "same-site", FROM: "https://evil.auth.test"},
    {FROM: "https://evil.test"},
    {FROM: "http://auth.test"},
    {FROM: "https://auth.test:444"},
    {FROM: "https://auth.test.evil.test"},
    {FROM: "null"},
    {FROM: ""},
    {"referer": f"{ORIGIN}/"},
    {"x-requested-with": "XMLHttpRequest"},
]
ACTS = [
    ("POST", "/auth/logout"),
    ("POST", "/auth/sessions/revoke-others"),
    ("POST", "/auth/sessions/revoke-all"),
    ("POST", "/auth/sessions/{id}/revoke"),
    ("DELETE", "/auth/sessions/{id}"),
    ("POST", "/auth/cli-token"),
]


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_foreign_request_with_the_cookie_changes_nothing(app, headers):
    async with signed_in(app) as client:
        token = held(client)
        session_id = (await client.get(f"{API}/auth/sessions/current")).json()["id"]
    async with visitor(app, cookie=f"{COOKIE}={token}", **headers) as forged:
        for method, path in ACTS:
            answer = await forged.request(method, API + path.format(id=session_id), json={})
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), (method, path)
            assert "set-cookie" not in answer.headers
        assert (await forged.get(f"{API}/auth/whoami")).status_code == 200
        assert (await forged.get(f"{API}/auth/cli-tokens")).json() == []


@pytest.mark.parametrize("headers", OWN)
async def test_an_own_request_does(app, headers):
    async with signed_in(app) as client:
        token = held(client)
    async with visitor(app, cookie=f"{COOKIE}={token}", **headers) as own:
        assert (await own.post(f"{API}/auth/sessions/revoke-others")).status_code == 200
        assert (await own.post(f"{API}/auth/logout")).status_code == 200


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_bearer_needs_none_of_it(app, headers):
    async with signed_in(app) as client:
        token = held(client)
    async with script(app, token) as own:
        assert (await own.post(f"{API}/auth/sessions/revoke-others", headers=headers)).status_code == 200


@pytest.mark.parametrize("headers", [one for one in FOREIGN if FETCH in one or FROM in one])
async def test_nobody_is_signed_in_from_elsewhere(app, headers):
    body = {"username": "ada", "password": PASSWORD, "transport": "cookie"}
    async with visitor(app, **headers) as forged:
        for path in ("/auth/sessions", "/setup"):
            answer = await forged.post(API + path, json={**body, "code": "x"} if path == "/setup" else body)
            assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/json"],
)
async def test_a_form_cannot_sign_in(app, content_type):
    body = f'{{"username": "ada", "password": "{PASSWORD}", "transport": "cookie"}}'
    async with visitor(app) as client:
        answer = await client.post(f"{API}/auth/sessions", content=body, headers={"content-type": content_type})
    assert (answer.status_code, "set-cookie" in answer.headers) == (415, False)


async def test_a_command_line_says_nothing_and_signs_in(app):
    async with visitor(app) as client:
        body = {"username": "ada", "password": PASSWORD, "transport": "bearer"}
        answer = await client.post(
            f"{API}/auth/sessions", json=body, headers={"content-type": "application/json; charset=utf-8"}
        )
    assert answer.status_code == 201


async def test_the_public_url_is_an_own_origin(make_app):
    async with make_app(public_url="https://login.example.org") as app:
        await add_people(app.authority)
        async with signed_in(app, base="http://internal:8420") as client:
            token = client.cookies.get(COOKIE) or held(client)
        async with visitor(app, base="http://internal:8420", cookie=f"{COOKIE}={token}") as own:
            answer = await own.post(f"{API}/auth/sessions/revoke-others", headers={FROM: "https://login.example.org"})
            assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST", "HEAD"])
async def test_no_answer_shares_anything_with_another_origin(app, method):
    async with signed_in(app) as client:
        for path in ("/auth/whoami", "/auth/sessions", "/nowhere"):
            answer = await client.request(
                method,
                API + path,
                headers={FROM: "https://evil.test", FETCH: "cross-site", "access-control-request-method": "POST"},
            )
            assert not [name for name in answer.headers if name.startswith("access-control-")]
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
