"""The sessions namespace, exactly as existing clients call it: header by header, body by body."""

from __future__ import annotations

import json

import httpx2
import pytest

from ostiary.core.caller import Caller
from tests.http.visitors import COOKIE, NOBODYS_SESSION, browser, held, sign_in, visitor
from tests.oauth.party import SERVER_IP, Pkce, fields_of, form_of, person, register, tokens_of, with_access
from tests.support.people import FIREFOX, IPHONE

# What a client built on the platform's own fetch sends, in this order, with nothing in the body.
RECORDED = [
    ("content-type", "application/json"),
    ("accept", "*/*"),
    ("accept-language", "*"),
    ("sec-fetch-mode", "cors"),
    ("user-agent", "node"),
    ("accept-encoding", "gzip, deflate"),
    ("content-length", "0"),
]


async def recorded(app, method: str, path: str, token: str | None, body: bytes = b"") -> httpx2.Response:
    headers = [("authorization", f"Bearer {token}")] if token else []
    headers += [(name, str(len(body)) if name == "content-length" else value) for name, value in RECORDED]
    if method == "GET":
        headers = [pair for pair in headers if pair[0] != "content-length"]
    transport = httpx2.ASGITransport(app=app, client=(SERVER_IP, 1))
    async with httpx2.AsyncClient(transport=transport, base_url="https://auth.test", headers={}) as client:
        for name in list(client.headers):
            del client.headers[name]
        return await client.send(client.build_request(method, path, headers=headers, content=body or None))


async def test_list_is_newest_first_and_says_where_each_one_is(app, party, clock):
    async with person(app) as ada:
        first = await party.sign_in(ada)
        clock.advance(seconds=1)
    async with browser(app, **{"user-agent": IPHONE}) as phone:
        await sign_in(phone)
        clock.advance(seconds=1)
        second = await party.sign_in(phone)
        answer = await recorded(app, "GET", "/oauth/sessions", second.access)
        mine = held(phone)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert list(body) == ["sessions", "count", "devices"]
    assert body["count"] == body["devices"] == len(body["sessions"]) == 2
    assert [row["id"] for row in body["sessions"]] == [second.sid, first.sid]
    assert body["sessions"][0]["deviceId"] == mine.partition(".")[0]
    row = body["sessions"][0]
    assert list(row)[:6] == ["id", "createdAt", "expiresAt", "userAgent", "ipAddress", "tenant"]
    assert (row["userAgent"], row["ipAddress"], row["tenant"]) == (IPHONE, "203.0.113.7", "default")
    assert row["createdAt"] == "2026-01-15T12:00:02Z"
    assert row["expiresAt"] == "2026-04-15T12:00:01Z"  # with its browser, which had signed in a second before
    created = [row["createdAt"] for row in body["sessions"]]
    assert created == sorted(created, reverse=True)
    assert FIREFOX in {row["userAgent"] for row in body["sessions"]}


async def test_list_of_one_application(app, party):
    other = await register(app, name="Other", application_id="app-123", tenant="acme")
    async with person(app) as ada:
        mine, theirs = await party.sign_in(ada), await other.sign_in(ada)
        both = await recorded(app, "GET", "/oauth/sessions", mine.access)
        one = await recorded(app, "GET", "/oauth/sessions?application_id=app-123", mine.access)
        none = await recorded(app, "GET", "/oauth/sessions?application_id=nothing", mine.access)
    assert both.json()["count"] == 1
    assert [(row["id"], row["tenant"]) for row in one.json()["sessions"]] == [(theirs.sid, "acme")]
    assert none.json() == {"sessions": [], "count": 0, "devices": 0}


async def test_revoke_ends_it_once_and_says_so(app, party):
    async with person(app) as ada, person(app) as phone:
        first, second = await party.sign_in(ada), await party.sign_in(phone)
    path = f"/oauth/sessions/{second.sid}/revoke"
    done = await recorded(app, "POST", path, first.access)
    assert (done.status_code, done.text) == (200, '{"success":true,"message":"Session revoked successfully"}')
    again = await recorded(app, "POST", path, first.access)
    assert (again.status_code, again.text) == (
        200,
        '{"success":false,"message":"Session not found or already revoked"}',
    )
    assert (await party.refresh(second.refresh)).status_code == 400
    assert (await party.refresh(first.refresh)).status_code == 200


async def test_unknown_and_foreign_are_one_answer(app, party):
    async with person(app) as ada, person(app, "eve") as eve:
        mine, theirs = await party.sign_in(ada), await party.sign_in(eve)
    answers = [
        await recorded(app, "POST", f"/oauth/sessions/{session_id}/revoke", mine.access)
        for session_id in (theirs.sid, NOBODYS_SESSION, "nonsense", theirs.sid.upper())
    ]
    for answer in answers:
        assert (answer.status_code, answer.text) == (404, '{"message":"Session not found"}')
    assert (await party.refresh(theirs.refresh)).status_code == 200


async def test_logout_all_ends_everything_and_nothing_captured_before_works(app, party, public_party):
    """Acceptance: cookie, access token, refresh token, a code under way, a refresh in flight."""
    pkce = Pkce.new()
    async with person(app) as ada:
        cookie = held(ada)
        first, phone = await party.sign_in(ada), await public_party.sign_in(ada)
        previous = phone.refresh
        phone = tokens_of(await public_party.refresh(previous))
        code = await party.code(ada, pkce)
        answer = await recorded(app, "POST", "/oauth/logout-all", first.access, b'{"application_id":null}')
        assert (answer.status_code, answer.text) == (
            200,
            '{"success":true,"message":"Revoked 3 session(s)","count":3,"devices":1}',
        )
        assert f"{COOKIE}=;" in answer.headers["set-cookie"]
        assert "Max-Age=0" in answer.headers["set-cookie"]
        # The browser's own jar still holds the cookie: it is the row that says no.
        assert (await ada.get("/api/v1/auth/sessions")).status_code == 401
        silent = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), prompt="none"))
        assert fields_of(silent)["error"] == "login_required"
    async with visitor(app, cookie=f"{COOKIE}={cookie}") as thief:
        assert (await thief.get("/verify")).status_code == 401
    assert (await party.exchange(code, pkce)).json()["error"] == "invalid_grant"
    for token in (first.access, phone.access):
        assert (await recorded(app, "GET", "/oauth/sessions", token)).status_code == 401
        assert (await with_access(app, token, "GET", "/api/v1/auth/whoami")).status_code == 401
        assert (await with_access(app, token, "GET", "/verify")).status_code == 401
        assert (await with_access(app, token, "GET", "/oauth/userinfo")).status_code == 401
    assert (await party.refresh(first.refresh)).status_code == 400
    for token in (phone.refresh, previous):
        assert (await public_party.refresh(token)).status_code == 400
    for token in (first.access, first.refresh):
        assert (await party.introspect(token)).text == '{"active":false}'


async def test_logout_all_with_an_empty_body(app, party):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
    answer = await recorded(app, "POST", "/oauth/logout-all", tokens.access)
    assert answer.json() == {"success": True, "message": "Revoked 2 session(s)", "count": 2, "devices": 1}
    assert (await recorded(app, "POST", "/oauth/logout-all", tokens.access)).status_code == 401


async def test_logout_all_of_one_application_leaves_the_others(app, party):
    other = await register(app, name="Other", application_id="app-123")
    async with person(app) as ada:
        mine, theirs = await party.sign_in(ada), await other.sign_in(ada)
        pkce = Pkce.new()
        code = await other.code(ada, pkce)
        body = json.dumps({"application_id": "app-123"}).encode()
        answer = await recorded(app, "POST", "/oauth/logout-all", mine.access, body)
        assert answer.json()["count"] == 1
        assert (await other.refresh(theirs.refresh)).status_code == 400
        assert (await other.exchange(code, pkce)).status_code == 400  # under way, so it does not survive
        assert (await party.refresh(mine.refresh)).status_code == 200
        assert (await ada.get("/api/v1/auth/sessions")).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{}", b'{"refresh_token":""}', b'{"refresh_token":"garbage"}', b'{"more":1}'])
async def test_logout_always_succeeds(app, body):
    answer = await recorded(app, "POST", "/oauth/logout", None, body)
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert isinstance(answer.json()["message"], str)
    assert f"{COOKIE}=;" in answer.headers["set-cookie"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"x"', b'{"refresh_token":1}', b"\xff"])
async def test_logout_refuses_only_what_is_no_json_object(app, body):
    answer = await recorded(app, "POST", "/oauth/logout", None, body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["message"]


async def test_logout_by_refresh_token_ends_that_session(app, party):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
        older = tokens.refresh
        newest = tokens_of(await party.refresh(older))
        for _ in range(2):
            body = json.dumps({"refresh_token": older}).encode()
            assert (await recorded(app, "POST", "/oauth/logout", None, body)).json()["success"] is True
        assert (await party.refresh(newest.refresh)).status_code == 400
        assert (await recorded(app, "GET", "/oauth/sessions", newest.access)).status_code == 401
        assert (await ada.get("/api/v1/auth/sessions")).status_code == 200  # the browser's own is another session
    events = await app.authority.audit.list(by=Caller.operator("tests"))
    assert [event.reason for event in events.events if event.kind == "session.revoked"] == ["logout"]


async def test_logout_by_cookie_ends_the_browsers_session(app):
    async with person(app) as ada:
        token = held(ada)
        assert (await ada.post("/oauth/logout")).json()["success"] is True
    async with visitor(app, cookie=f"{COOKIE}={token}") as replay:
        assert (await replay.get("/api/v1/auth/sessions")).status_code == 401


async def test_another_site_signs_nobody_out(app):
    async with person(app) as ada:
        for foreign in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "", "origin": "https://evil.test"}):
            answer = await ada.post("/oauth/logout", headers=foreign)
            assert answer.status_code == 200
            assert "set-cookie" not in answer.headers
        assert (await ada.get("/api/v1/auth/sessions")).status_code == 200


async def test_without_a_token_it_is_401_in_message(app, party):
    for method, path in (
        ("GET", "/oauth/sessions"),
        ("POST", f"/oauth/sessions/{NOBODYS_SESSION}/revoke"),
        ("POST", "/oauth/logout-all"),
    ):
        for token in (None, "garbage", "a.b.c"):
            answer = await recorded(app, method, path, token)
            assert answer.status_code == 401
            assert list(answer.json()) == ["message"]
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_the_cookie_is_no_credential_here(app):
    async with person(app) as ada:
        assert (await ada.get("/oauth/sessions")).status_code == 401
        assert (await ada.post("/oauth/logout-all")).status_code == 401


async def test_a_client_that_was_not_given_the_scope_is_refused(app):
    reader = await register(app, third_party=True, scopes=["openid", "sessions:read"])
    async with person(app) as ada:
        page = await ada.get("/oauth/authorize", params=reader.query(pkce := Pkce.new(), scope="openid sessions:read"))
        agreed = await ada.post("/oauth/authorize/decision", data={**form_of(page), "decision": "yes"})
        tokens = tokens_of(await reader.exchange(fields_of(agreed)["code"], pkce))
    assert (await recorded(app, "GET", "/oauth/sessions", tokens.access)).status_code == 200
    answer = await recorded(app, "POST", "/oauth/logout-all", tokens.access)
    assert answer.status_code == 403
    assert list(answer.json()) == ["message"]
