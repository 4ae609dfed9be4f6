"""`/verify` with a query: people led to the sign-in page and back, applications with rules."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from ostiary.core.client import seen
from ostiary.core.gateway import Rule
from tests.http.visitors import OPERATOR, add_people, cli_token, script, signed_in, visitor

HOME = "https://auth.test"
APP = "https://app.test"
PROXY = "203.0.113.7"  # where every visitor of these tests comes from
ASKED = {
    "x-forwarded-method": "GET", "x-forwarded-proto": "https", "x-forwarded-host": "app.test",
    "x-forwarded-uri": "/a/b?c=d&e=f%20g",
}  # fmt: skip
NAVIGATES = {"sec-fetch-mode": "navigate", "accept": "text/html"}
THERE = f"{HOME}/sign-in?{urlencode({'next': f'{APP}/a/b?c=d&e=f%20g'})}"
NOWHERE = f"{HOME}/sign-in"


@pytest.fixture
async def app(make_app):
    trusted = (ipaddress.ip_network(PROXY),)
    async with make_app(public_url=HOME, return_addresses=(APP, HOME), trusted_proxies=trusted) as app:
        await add_people(app.authority)
        yield app


async def ask(app, query="rd=", ip=PROXY, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {name: value for name, value in (ASKED | NAVIGATES | named).items() if value is not None}
    async with visitor(app, ip=ip) as nobody:
        return await nobody.get(f"/verify?{query}", headers=sent)


async def test_a_person_who_is_not_signed_in_is_led_to_sign_in_and_back(app):
    answer = await ask(app)
    assert (answer.status_code, answer.headers["location"]) == (302, THERE)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["code"] == "no_credentials"
    assert not [name for name in answer.headers if name.startswith(("ostiary-", "www-", "set-cookie"))]


async def test_nginx_is_told_in_a_header_beside_the_401(app):
    answer = await ask(app, "rd=&status=401")
    assert (answer.status_code, answer.headers["ostiary-sign-in"]) == (401, THERE)
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_mode": "cors"},
        {"sec_fetch_mode": "no-cors"},
        {"sec_fetch_mode": "websocket"},
        {"sec_fetch_mode": None, "accept": "application/json"},
        {"sec_fetch_mode": None, "accept": None},
        {"sec_fetch_mode": None, "authorization": "Bearer nothing"},
        {"x_forwarded_method": "POST"},
        {"x_forwarded_method": "get"},
        {"x_forwarded_method": "DELETE"},
    ],
)
@pytest.mark.parametrize("query", ["rd=", "rd=&status=401", f"rd={APP}"])
async def test_what_is_no_persons_navigation_is_told_401(app, query, headers):
    answer = await ask(app, query, **headers)
    assert answer.status_code == 401
    assert not {"location", "ostiary-sign-in"} & set(answer.headers)


async def test_without_sec_fetch_a_client_that_reads_html_is_a_person(app):
    assert (await ask(app, sec_fetch_mode=None, accept="application/xml,TEXT/HTML;q=0.9")).status_code == 302


async def test_without_rd_nobody_is_led_anywhere(app):
    assert (await ask(app, "")).status_code == 401


async def test_a_fixed_return_address_is_of_the_list_or_none(app):
    assert (await ask(app, f"rd={APP}/start")).headers[
        "location"
    ] == f"{HOME}/sign-in?next=https%3A%2F%2Fapp.test%2Fstart"
    for evil in ("https://evil.example", "//evil.example", "/\\evil.example", "https://app.test@evil.example", "/path"):
        assert (await ask(app, urlencode({"rd": evil}))).headers["location"] == NOWHERE


async def test_from_a_peer_that_is_no_proxy_of_ours_no_forwarded_header_counts(app):
    assert (await ask(app, ip="198.51.100.1")).headers["location"] == NOWHERE
    assert (await ask(app, ip="198.51.100.1", x_forwarded_method="POST")).status_code == 302


@pytest.mark.parametrize(
    "headers",
    [
        {"x_forwarded_host": "evil.example"},
        {"x_forwarded_host": "app.test@evil.example"},
        {"x_forwarded_host": "evil.example, app.test"},
        {"x_forwarded_host": "app.test, evil.example"},
        {"x_forwarded_host": "app.test/evil"},
        {"x_forwarded_host": "app.test:8443"},
        {"x_forwarded_host": "app.test."},
        {"x_forwarded_host": None},
        {"x_forwarded_proto": "http"},
        {"x_forwarded_proto": "javascript"},
        {"x_forwarded_proto": "https://evil.example/?"},
        {"x_forwarded_proto": None},
        {"x_forwarded_uri": "@evil.example"},
        {"x_forwarded_uri": ".evil.example"},
        {"x_forwarded_uri": ":80@evil.example"},
        {"x_forwarded_uri": "https://evil.example/"},
        {"x_forwarded_uri": None},
        {"x_forwarded_uri": "/" + "a" * 2100},
        {"x_forwarded_host": "b\xfccher.test".encode("latin-1")},
    ],
)
async def test_a_forged_origin_leads_nowhere(app, headers):
    assert (await ask(app, **headers)).headers["location"] == NOWHERE


async def test_a_header_that_was_sent_twice_is_not_believed(app):
    async with visitor(app) as nobody:
        pairs = [*ASKED.items(), *NAVIGATES.items(), ("x-forwarded-host", "app.test")]
        answer = await nobody.get("/verify?rd=", headers=pairs)
    assert answer.headers["location"] == NOWHERE


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("//evil.example", "//evil.example"),
        ("/\\evil.example", "/%5Cevil.example"),
        ("/a#@evil.example", "/a"),
        ("/%0d%0aSet-Cookie:x=y", "/%0d%0aSet-Cookie:x=y"),
        (b"/b\xc3\xbccher?q=\xfc", "/b%C3%BCcher?q=%FC"),
        ('/"<>', '/"<>'),
        ("/?next=https://evil.example&again=true", "/?next=https://evil.example&again=true"),
        ("/a b", "/a%20b"),
    ],
)
async def test_any_path_stays_at_the_listed_origin(app, path, kept):
    location = (await ask(app, x_forwarded_uri=path)).headers["location"]
    parts = urlsplit(location)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == NOWHERE
    assert parse_qs(parts.query) == {"next": [f"{APP}{kept}"]}


@pytest.mark.parametrize(
    "query", ["rd=&rd=", "app=a&app=b", "ap=wiki", "status=200", "rd=&status=302", "app=%ff", "&".join(["x=1"] * 20)]
)
async def test_a_query_that_cannot_be_is_named_and_not_guessed_at(app, query):
    async with signed_in(app) as client:
        answer = await client.get(f"/verify?{query}")
    assert answer.status_code in {400, 422}
    assert answer.json()["code"] == "invalid_request"
    assert "ostiary-user" not in answer.headers


async def test_who_is_signed_in_is_told_as_without_a_query(app):
    async with signed_in(app) as client:
        plain, asked = await client.get("/verify"), await client.get("/verify?rd=", headers=ASKED | NAVIGATES)
    assert (asked.status_code, asked.json()) == (200, plain.json())


# Rules.

RULES = (
    Rule("wiki", hosts=("wiki.test",)),
    Rule("console", roles=("admin",), credentials=("browser",)),
    Rule("bank", max_sign_in_age=timedelta(minutes=5)),
    Rule("acme", tenant="acme"),
)


@pytest.fixture
async def ruled(make_app):
    trusted = (ipaddress.ip_network(PROXY),)
    async with make_app(public_url=HOME, return_addresses=(APP,), trusted_proxies=trusted, gateway_rules=RULES) as app:
        await add_people(app.authority)
        yield app


@pytest.mark.parametrize(
    ("username", "application", "status"),
    [
        ("ada", "wiki", 200),
        ("ada", "console", 403),
        ("root", "console", 200),
        ("root", "acme", 403),
        ("ada", "none", 403),
    ],
)
async def test_an_application_decides_who_uses_it(ruled, username, application, status):
    async with signed_in(ruled, username) as client:
        answer = await client.get(f"/verify?app={application}&rd=", headers=ASKED | NAVIGATES)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "not_allowed"
        assert not [name for name in answer.headers if name.startswith(("ostiary-", "location"))]


async def test_a_session_of_the_tenant_uses_what_is_the_tenants(ruled):
    ada = (await ruled.authority.accounts.find("ada", by=OPERATOR)).user
    started = await ruled.authority.sessions.start(ada.id, client=seen(PROXY, "app"), tenant="acme")
    async with script(ruled, started.token) as client:
        assert (await client.get("/verify?app=acme")).headers["ostiary-tenant"] == "acme"


async def test_without_an_application_the_host_decides_and_only_a_proxy_says_it(ruled):
    async with signed_in(ruled) as client:
        assert (await client.get("/verify", headers={"x-forwarded-host": "WIKI.test:8443"})).status_code == 200
        for headers in ({}, {"x-forwarded-host": "other.test"}, {"x-forwarded-host": "wiki.test, other.test"}):
            assert (await client.get("/verify", headers=headers)).status_code == 403
        token = client.cookies["__Host-session"]
    async with visitor(ruled, ip="198.51.100.1", authorization=f"Bearer {token}") as client:
        assert (await client.get("/verify", headers={"x-forwarded-host": "wiki.test"})).status_code == 403


async def test_nobody_learns_of_rules_before_they_are_signed_in(ruled):
    async with visitor(ruled) as nobody:
        answers = [await nobody.get(f"/verify?app={name}", headers={"x-request-id": "a"}) for name in ("console", "no")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].content == answers[1].content


async def test_a_sign_in_that_is_too_old_leads_to_a_fresh_one(ruled, clock):
    async with signed_in(ruled) as client:
        clock.advance(minutes=6)
        answer = await client.get("/verify?app=bank&rd=", headers=ASKED | NAVIGATES)
        assert answer.status_code == 302
        asked = parse_qs(urlsplit(answer.headers["location"]).query)
        assert asked == {"again": ["true"], "next": [f"{APP}/a/b?c=d&e=f%20g"]}
        answer = await client.get("/verify?app=bank")
    assert (answer.status_code, answer.json()["max_age"]) == (401, 300)
    assert 'error="insufficient_user_authentication"' in answer.headers["www-authenticate"]


async def test_an_administrators_token_without_the_scope_is_no_administrator(ruled):
    async with script(ruled, await cli_token(ruled, "root", scopes=["gateway"])) as client:
        assert (await client.get("/verify?app=wiki")).headers["ostiary-roles"] == "member"
        assert (await client.get("/verify?app=wiki")).json()["user"]["roles"] == ["member"]
