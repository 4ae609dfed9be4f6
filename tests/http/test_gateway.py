"""`/verify`: what a proxy is told."""

from __future__ import annotations

import ipaddress

import pytest

from ostiary.core.client import seen
from ostiary.core.gateway import Rule
from ostiary.http.gateway import header_value
from tests.http.visitors import (
    API,
    COOKIE,
    NOBODYS_TOKEN,
    OPERATOR,
    bearer,
    cli_token,
    held,
    script,
    signed_in,
    visitor,
)
from tests.support.people import PASSWORD

HEADERS = ("ostiary-user", "ostiary-session", "ostiary-roles", "ostiary-tenant")


async def test_a_session_is_told_in_headers_and_body(app):
    async with signed_in(app, "root") as client:
        answer = await client.get("/verify")
        session = (await client.get(f"{API}/auth/sessions/current")).json()
        user = (await client.get(f"{API}/auth/whoami")).json()["user"]
    assert answer.status_code == 200
    assert [answer.headers[name] for name in HEADERS] == ["root", session["id"], "admin,member", "default"]
    assert answer.json() == {
        "user": {"id": user["id"], "username": "root", "roles": ["admin", "member"]},
        "session": {
            "id": session["id"],
            "expires_at": session["expires_at"],
            "auth_time": session["created_at"],
            "kind": "browser",
            "tenant": "default",
            "application_id": None,
            "amr": ["pwd"],
        },
        "token": None,
    }
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert answer.headers["content-type"] == "application/json"


async def test_a_cli_token_is_told_with_empty_headers_for_what_it_lacks(app):
    secret = await cli_token(app, scopes=["gateway"])
    async with script(app, secret) as client:
        answer = await client.get("/verify")
    assert [answer.headers[name] for name in HEADERS] == ["ada", "", "member", ""]
    assert answer.json()["session"] is None
    assert answer.json()["token"] == {"id": secret.partition(".")[0], "scopes": ["gateway"]}


async def test_what_the_client_sends_under_our_names_is_not_believed(app):
    async with signed_in(app) as client:
        answer = await client.get("/verify", headers=dict.fromkeys(HEADERS, "root"))
    assert answer.headers.get_list("ostiary-user") == ["ada"]
    async with visitor(app, **{"ostiary-user": "root"}) as nobody:
        answer = await nobody.get("/verify")
    assert answer.status_code == 401
    assert not [name for name in answer.headers if name.startswith("ostiary-")]


async def test_a_revocation_is_seen_by_the_next_question(app):
    async with signed_in(app) as client:
        token = held(client)
        assert (await client.get("/verify")).status_code == 200
        await client.post(f"{API}/auth/logout")
    async with script(app, token) as client:
        answer = await client.get("/verify")
    assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (401, "session_revoked", "logout")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "set-cookie" not in answer.headers


async def test_use_behind_the_proxy_is_recorded(app, clock):
    async with signed_in(app) as client:
        clock.advance(minutes=5)
        await client.get("/verify", headers={"user-agent": "another"})
        await app.authority.presence.flush()
        (session,) = (await client.get(f"{API}/auth/sessions")).json()
    assert (session["last_used_at"], session["user_agent"]) == ("2026-01-15T12:05:00Z", "another")


METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "TRACE")
BELOW = ("", "/", "/a/b", "//a", "/%2e%2e/api/v1/auth/logout", "/a%2Fb", "/%00%ff", "/a?app=x&rd=&b", "?")


@pytest.mark.parametrize("below", BELOW)
async def test_any_method_and_any_path_below_is_answered_as_a_get(app, below):
    """As Envoy and HAProxy ask: with the method, the path, the query and the body of what they were asked."""
    async with signed_in(app) as client, visitor(app) as nobody:
        plain = (await client.get("/verify")).content
        for method in METHODS:
            answer = await client.request(method, f"/verify{below}", content=b"\xff" * 1_000_000)
            assert (answer.status_code, answer.headers["ostiary-user"], answer.content) == (200, "ada", plain), method
            assert (await nobody.request(method, f"/verify{below}", content=b"{}")).status_code == 401
        assert (await client.get(f"{API}/auth/whoami")).status_code == 200  # it only asked


async def test_below_the_path_only_the_host_says_which_application_it_is_about(make_app, app):
    """Whatever stands in the path or the query there, the person wrote it."""
    rules = tuple(Rule(name, (f"{name}.test",), (role,)) for name, role in (("wiki", "member"), ("vault", "admin")))
    trusted = (ipaddress.ip_network("203.0.113.7"),)
    async with make_app(gateway_rules=rules, trusted_proxies=trusted) as ruled, signed_in(app) as ada:
        token = held(ada)
        for headers, status in (
            ({"host": "wiki.test"}, 200), ({"host": "vault.test"}, 403), ({"host": "else.test"}, 403),
            ({"host": "wiki.test", "x-forwarded-host": "vault.test"}, 403),
            ({"host": "vault.test", "x-forwarded-host": "wiki.test"}, 200),
            ({"host": "wiki.test", "x-forwarded-host": "wiki.test, vault.test"}, 403),
            ({"host": "wiki.test", "forwarded": "host=vault.test"}, 200),
        ):  # fmt: skip
            async with script(ruled, token) as client:
                for query in ("", "?app=wiki", "?app=wiki&app=vault", "?nonsense"):
                    assert (await client.post(f"/verify/x{query}", headers=headers)).status_code == status, headers
        async with visitor(ruled, ip="198.51.100.1", authorization=f"Bearer {token}", host="wiki.test") as stranger:
            assert (await stranger.get("/verify/x")).status_code == 403


@pytest.mark.parametrize(
    "bearer",
    ["abc", "x" * 300, "sess_short.x", "a.b.c", "key", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln", "ä", "a b"],
)
async def test_a_bearer_that_cannot_be_ours_does_not_mask_the_cookie(app, bearer):
    sent = {"authorization": b"Bearer " + bearer.encode()}
    async with signed_in(app) as client, visitor(app) as nobody:
        for path in ("/verify", "/verify/a"):
            answer = await client.get(path, headers=sent)
            assert (answer.status_code, answer.headers.get("ostiary-user")) == (200, "ada")
        assert (await nobody.get("/verify", headers=sent)).json()["code"] == "session_invalid"
        assert (await client.get(f"{API}/auth/whoami", headers=sent)).status_code == 401  # there, and only there
        dead = {"cookie": f"{COOKIE}={NOBODYS_TOKEN}"} | sent
        assert (await nobody.get("/verify", headers=dead)).json()["code"] == "session_invalid"


async def test_a_bearer_that_could_be_ours_decides_before_the_cookie(app):
    """Also one that does not work: it was sent on purpose."""
    async with signed_in(app) as client, signed_in(app, "eve") as eve:
        for ours in (NOBODYS_TOKEN, NOBODYS_TOKEN.replace("sess", "ost"), NOBODYS_TOKEN.replace("sess", "ort")):
            assert (await client.get("/verify", headers={"authorization": f"Bearer {ours}"})).status_code == 401
        answer = await client.get("/verify", headers={"authorization": f"Bearer {held(eve)}"})
        assert answer.status_code == 401  # two that work, of two users


async def test_head_is_answered_as_get(app):
    async with signed_in(app) as client:
        assert (await client.head("/verify")).headers["ostiary-user"] == "ada"


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("ada", b"ada"),
        ("ada.l+x@y-z_", b"ada.l+x@y-z_"),
        ("ädä", b"%C3%A4d%C3%A4"),
        ("李", b"%E6%9D%8E"),
        ("a\r\nSet-Cookie: x=y", b"a%0D%0ASet-Cookie: x=y"),
        ("a\x00b\x7f", b"a%00b%7F"),
        ("ä%41", b"%C3%A4%2541"),
    ],
)
def test_a_header_holds_any_name_and_no_second_line(text, header):
    assert header_value(text) == header


async def test_a_name_beyond_ascii_is_percent_encoded(app):
    await app.authority.accounts.add("Jürgen", PASSWORD, by=OPERATOR)
    async with signed_in(app, "Jürgen") as client:
        answer = await client.get("/verify")
    assert answer.headers["ostiary-user"] == "J%C3%BCrgen"
    assert answer.json()["user"]["username"] == "Jürgen"


async def test_a_user_who_lives_elsewhere_is_told_by_id(app):
    started = await app.authority.sessions.start("their-user-7", client=seen("203.0.113.7", "app"), tenant="acme")
    async with script(app, started.token) as client:
        answer = await client.get("/verify")
    assert [answer.headers[name] for name in HEADERS] == ["their-user-7", started.session.id, "", "acme"]
    assert answer.json()["user"] == {"id": "their-user-7", "username": None, "roles": []}


@pytest.mark.parametrize(
    ("sent", "kept"), [("abc-1.2_3", True), ("a" * 65, False), ("a b", False), ("a\tb", False), ("", False)]
)
async def test_the_request_id_is_echoed_if_it_is_harmless(app, sent, kept):
    async with bearer(app) as client:
        for path in ("/verify", f"{API}/auth/whoami", "/nowhere"):
            answer = await client.get(path, headers={"x-request-id": sent})
            assert (answer.headers["x-request-id"] == sent) is kept
            assert answer.headers.get_list("x-request-id") == [answer.headers["x-request-id"]]


async def test_mounted_below_a_path_it_still_answers(app):
    async with signed_in(app) as client:
        token = held(client)

    async def mounted(scope, receive, send):
        await app({**scope, "root_path": "/auth"}, receive, send)

    async with script(mounted, token) as client:  # type: ignore[arg-type]
        assert (await client.get("/auth/verify")).json()["user"]["username"] == "ada"
        assert (await client.get("/auth/api/v1/auth/whoami")).json()["user"]["username"] == "ada"
        assert (await client.get("/auth/nowhere")).status_code == 404
