"""Signing in and out, in a browser and on a command line."""

from __future__ import annotations

import re

import pytest

from tests.http.visitors import (
    API,
    COOKIE,
    NOBODYS_TOKEN,
    add_people,
    bearer,
    browser,
    cli_token,
    held,
    script,
    sign_in,
    signed_in,
    visitor,
)
from tests.support.people import PASSWORD

CLEARED = f"{COOKIE}=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0"
EVERYTHING = '"cache", "storage"'


async def test_a_browser_gets_the_token_in_the_cookie_only(app):
    async with browser(app) as client:
        answer = await sign_in(client, label="laptop")
    assert list(answer.json()) == ["user", "session"]
    assert answer.json()["user"]["username"] == "ada"
    assert answer.json()["session"]["is_current"] is True
    assert answer.json()["session"]["label"] == "laptop"
    assert answer.json()["session"]["amr"] == ["pwd"]
    set_cookie, _mark = answer.headers.get_list("set-cookie")
    token = re.fullmatch(
        rf"{COOKIE}=(sess_[a-z2-7]{{26}}\.[A-Za-z0-9_-]{{43}}); Path=/; HttpOnly; Secure; SameSite=Lax", set_cookie
    )
    assert token is not None, set_cookie
    assert token[1] not in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_a_command_line_gets_the_token_in_the_body_only(app):
    async with visitor(app) as client:
        answer = await sign_in(client, transport="bearer")
    assert list(answer.json()) == ["user", "session", "token"]
    assert "set-cookie" not in answer.headers
    async with script(app, answer.json()["token"]) as client:
        assert (await client.get(f"{API}/auth/whoami")).json()["session"]["id"] == answer.json()["session"]["id"]


@pytest.mark.parametrize(("transport", "kind"), [("cookie", "browser"), ("bearer", "cli")])
async def test_the_transport_decides_the_kind(app, transport, kind):
    async with browser(app) as client:
        answer = await sign_in(client, transport=transport)
    async with bearer(app, "root") as admin:
        found = (await admin.get(f"{API}/admin/sessions?user=ada")).json()["sessions"]
    assert [(one["id"], one["kind"]) for one in found] == [(answer.json()["session"]["id"], kind)]


@pytest.mark.parametrize("who", [("ada", "wrong password"), ("nobody", PASSWORD), ("eve", PASSWORD)])
async def test_a_refused_sign_in_says_the_same_for_everybody(app, operator, who):
    await app.authority.accounts.disable("eve", by=operator)
    async with browser(app, **{"x-request-id": "one"}) as client:
        answer = await client.post(
            f"{API}/auth/sessions", json={"username": who[0], "password": who[1], "transport": "cookie"}
        )
    assert answer.status_code == 401
    assert answer.json()["code"] == "wrong_credentials"
    assert answer.json()["message"] == "The username or the password is wrong"
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_grant"')
    assert "set-cookie" not in answer.headers


async def test_too_many_failures_are_429_and_the_right_password_still_works(make_app):
    async with make_app(sign_in_failures=2) as app, browser(app) as client:
        await add_people(app.authority)
        wrong = {"username": "ada", "password": "wrong password", "transport": "bearer"}
        answers = [await client.post(f"{API}/auth/sessions", json=wrong) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert int(answers[-1].headers["retry-after"]) == answers[-1].json()["retry_after"] > 0
        await sign_in(client)


async def test_signing_in_again_ends_the_session_that_the_browser_forgets(app):
    async with signed_in(app) as client:
        first = held(client)
        await sign_in(client, "eve")
        assert held(client) != first
    async with script(app, first) as old:
        refused = await old.get(f"{API}/auth/whoami")
    assert (refused.status_code, refused.json()["code"]) == (401, "session_revoked")


async def test_a_planted_token_is_never_adopted(app):
    async with browser(app) as client:
        client.cookies.set(COOKIE, NOBODYS_TOKEN, domain="auth.test")
        await client.post(
            f"{API}/auth/sessions",
            json={"username": "ada", "password": PASSWORD, "transport": "cookie"},
        )
    async with script(app, NOBODYS_TOKEN) as attacker:
        assert (await attacker.get(f"{API}/auth/whoami")).json()["code"] == "session_invalid"


async def test_whoami_of_a_session_and_of_a_token(app):
    async with signed_in(app) as client:
        answer = (await client.get(f"{API}/auth/whoami")).json()
    assert list(answer) == ["user", "session", "token"]
    assert list(answer["user"]) == ["id", "username", "email", "roles"]
    assert (answer["user"]["email"], answer["user"]["roles"], answer["token"]) == ("ada@example.org", ["member"], None)
    secret = await cli_token(app, name="ci")
    async with script(app, secret) as client:
        answer = (await client.get(f"{API}/auth/whoami")).json()
    assert answer["session"] is None
    assert (answer["token"]["id"], answer["token"]["name"]) == (secret.partition(".")[0], "ci")


async def test_signing_out_ends_the_session_and_leaves_nothing_in_the_browser(app):
    async with signed_in(app) as client:
        token = held(client)
        answer = await client.post(f"{API}/auth/logout")
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
        assert answer.headers["set-cookie"] == CLEARED
        assert answer.headers["clear-site-data"] == EVERYTHING
    async with script(app, token) as client:
        refused = (await client.get(f"{API}/auth/whoami")).json()
    assert (refused["code"], refused["reason"]) == ("session_revoked", "logout")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", refused["revoked_at"])


async def test_signing_out_always_works(app):
    async with browser(app) as nobody:
        assert (await nobody.post(f"{API}/auth/logout")).status_code == 200
    async with signed_in(app) as client:
        token = held(client)
        for _ in range(2):
            client.cookies.set(COOKIE, token, domain="auth.test")
            answer = await client.post(f"{API}/auth/logout")
            assert (answer.status_code, answer.headers["set-cookie"]) == (200, CLEARED)


async def test_signing_out_with_a_bearer_touches_no_cookie(app):
    async with bearer(app) as client:
        answer = await client.post(f"{API}/auth/logout")
        assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
        assert (await client.get(f"{API}/auth/whoami")).status_code == 401


async def test_signing_out_with_a_cli_token_does_not_end_it(app):
    async with script(app, await cli_token(app)) as client:
        assert (await client.post(f"{API}/auth/logout")).status_code == 200
        assert (await client.get(f"{API}/auth/whoami")).status_code == 200


async def test_reading_never_signs_out(app):
    async with signed_in(app) as client:
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
            assert (await client.request(method, f"{API}/auth/logout")).status_code == 405
        assert (await client.get(f"{API}/auth/whoami")).status_code == 200


async def test_reauthentication_keeps_the_session_and_replaces_its_secret(app, clock):
    async with signed_in(app) as client:
        before, session_id = held(client), (await client.get(f"{API}/auth/sessions/current")).json()["id"]
        clock.advance(minutes=30)
        answer = await client.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})
        assert (answer.status_code, answer.json()["session"]["id"]) == (200, session_id)
        assert "token" not in answer.json()
        assert held(client) != before
        assert (await client.get(f"{API}/auth/whoami")).status_code == 200
    async with script(app, before) as old:
        assert (await old.get(f"{API}/auth/whoami")).json()["code"] == "session_invalid"


async def test_reauthentication_of_a_bearer_answers_the_new_one(app):
    async with bearer(app) as client:
        answer = await client.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})
        assert "set-cookie" not in answer.headers
        assert (await client.get(f"{API}/auth/whoami")).status_code == 401
    async with script(app, answer.json()["token"]) as client:
        assert (await client.get(f"{API}/auth/whoami")).status_code == 200


async def test_reauthentication_wants_the_right_password_and_a_person(app):
    async with signed_in(app) as client:
        refused = await client.post(f"{API}/auth/reauthenticate", json={"password": "wrong password"})
        assert (refused.status_code, refused.json()["code"]) == (401, "wrong_credentials")
        assert "set-cookie" not in refused.headers
        assert (await client.get(f"{API}/auth/whoami")).status_code == 200
    async with script(app, await cli_token(app)) as client:
        refused = await client.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


async def test_an_old_sign_in_is_asked_to_prove_itself(make_app, clock):
    async with make_app(policy="nist-aal2") as app:
        await add_people(app.authority)
        async with signed_in(app) as client:
            clock.advance(minutes=16)
            refused = await client.post(f"{API}/auth/sessions/revoke-others")
            assert (refused.status_code, refused.json()["code"]) == (401, "reauthentication_required")
            assert refused.json()["max_age"] == 900
            challenge = refused.headers["www-authenticate"]
            assert 'error="insufficient_user_authentication"' in challenge
            assert 'max_age="900"' in challenge
            await client.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})
            assert (await client.post(f"{API}/auth/sessions/revoke-others")).status_code == 200


async def test_changing_the_password_ends_the_other_sessions(app):
    async with signed_in(app) as client, signed_in(app) as other:
        body = {"current": PASSWORD, "new": "another good password"}
        answer = await client.post(f"{API}/auth/password", json=body)
        assert answer.json() == {"ok": True, "count": 1, "devices": 1, "live_tokens": 0}
        refused = (await other.get(f"{API}/auth/whoami")).json()
        assert (refused["code"], refused["reason"]) == ("session_revoked", "password_change")
        assert (await client.get(f"{API}/auth/whoami")).status_code == 200


async def test_changing_the_password_can_leave_the_others(app):
    async with signed_in(app) as client, signed_in(app) as other:
        body = {"current": PASSWORD, "new": "another good password", "end_other_sessions": False}
        assert (await client.post(f"{API}/auth/password", json=body)).json()["count"] == 0
        assert (await other.get(f"{API}/auth/whoami")).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"current": "wrong password", "new": "another good password"}, 401, None),
        ({"current": PASSWORD, "new": "short"}, 422, "new"),
        ({"current": PASSWORD, "new": "x" * 1025}, 422, "new"),
        ({"current": PASSWORD}, 422, "new"),
        (
            {"current": PASSWORD, "new": "another good password", "end_other_sessions": "false"},
            422,
            "end_other_sessions",
        ),
    ],
)
async def test_a_password_change_that_cannot_be(app, body, status, named):
    async with signed_in(app) as client:
        answer = await client.post(f"{API}/auth/password", json=body)
    assert (answer.status_code, answer.json().get("field")) == (status, named)


# Plain http.


@pytest.mark.parametrize(
    "origin", ["http://localhost:8420", "http://127.0.0.1:8420", "http://[::1]:8420", "http://127.8.8.8"]
)
async def test_on_this_machine_the_cookie_is_secure_over_plain_http_too(app, origin):
    async with browser(app, base=origin) as client:
        assert (await sign_in(client)).headers["set-cookie"].startswith(f"{COOKIE}=sess_")


@pytest.mark.parametrize(
    "origin", ["http://auth.test", "http://10.0.0.5:8420", "http://localhost.evil.test", "http://127.0.0.1.evil.test"]
)
async def test_plain_http_from_elsewhere_is_refused_a_cookie(app, origin):
    async with browser(app, base=origin) as client:
        answer = await client.post(
            f"{API}/auth/sessions", json={"username": "ada", "password": PASSWORD, "transport": "cookie"}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert "https" in answer.json()["message"] and "--allow-plain-http" in answer.json()["message"]
        assert "set-cookie" not in answer.headers
        assert (await sign_in(client, transport="bearer")).status_code == 201


async def test_plain_http_where_the_operator_allows_it(make_app):
    async with make_app(allow_plain_http=True) as app:
        await add_people(app.authority)
        async with browser(app, base="http://auth.test") as client:
            answer = await sign_in(client)
            assert re.fullmatch(
                r"session=sess_[^;]+; Path=/; HttpOnly; SameSite=Lax", answer.headers.get_list("set-cookie")[0]
            )
            assert (await client.get(f"{API}/auth/whoami")).status_code == 200
            cleared = (await client.post(f"{API}/auth/logout")).headers["set-cookie"]
            assert cleared == "session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        async with browser(app) as client:
            assert (await sign_in(client)).headers["set-cookie"].startswith(f"{COOKIE}=")


async def test_an_https_public_url_makes_every_cookie_secure(make_app):
    async with make_app(public_url="https://auth.test") as app:
        await add_people(app.authority)
        async with browser(app, base="http://internal:8420") as client:
            assert "Secure" in (await sign_in(client)).headers["set-cookie"]


# The first administrator.


async def test_the_set_up_link_makes_the_first_administrator_once(make_app):
    async with make_app() as app, browser(app) as client:
        code = await app.authority.setup.make_code()
        body = {"code": code, "username": "root", "password": PASSWORD, "email": "root@example.org"}
        answer = await client.post(f"{API}/setup", json=body)
        assert (answer.status_code, answer.json()["user"]["roles"]) == (201, ["admin", "member"])
        assert (await client.get(f"{API}/admin/users")).status_code == 200
        again = await client.post(f"{API}/setup", json={**body, "username": "second"})
        assert (again.status_code, again.json()["code"]) == (404, "setup_code_not_found")


@pytest.mark.parametrize("code", ["", "x", f"setup_{'a' * 26}.{'b' * 43}", NOBODYS_TOKEN])
async def test_a_wrong_set_up_code_is_not_found(make_app, code):
    async with make_app() as app, browser(app) as client:
        await app.authority.setup.make_code()
        body = {"code": code, "username": "root", "password": PASSWORD, "transport": "bearer"}
        answer = await client.post(f"{API}/setup", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "setup_code_not_found")


async def test_a_set_up_that_cannot_be_leaves_the_link(make_app):
    async with make_app() as app, browser(app) as client:
        body = {"code": await app.authority.setup.make_code(), "username": "root", "password": "short"}
        assert (await client.post(f"{API}/setup", json=body)).json()["field"] == "password"
        answer = await client.post(f"{API}/setup", json={**body, "password": PASSWORD, "transport": "bearer"})
        assert (answer.status_code, "token" in answer.json()) == (201, True)
