"""Redirects that anybody could ask for, ports that are none, credentials twice, and signing out from elsewhere."""

from __future__ import annotations

import base64
import itertools
from typing import Any
from urllib.parse import urlsplit

import pytest

from ostiary.core.oauth.redirect_uri import check_redirect_uri, matches
from ostiary.errors import InvalidRequest
from tests.http.visitors import COOKIE, browser, cli_token, held, visitor
from tests.oauth.party import CALLBACK, Pkce, fields_of, person, register
from tests.oauth.test_code_flow import REFUSED


@pytest.mark.parametrize("third_party", [True, False])
async def test_rfc9700_4_11_2_nobody_unknown_is_led_to_a_strangers_address_by_an_error(app, third_party):
    """Whatever is wrong with the request: a page for who is not signed in, and the client's address for who is."""
    party = await register(app, third_party=third_party)
    for changes, error in REFUSED:
        query = party.query(Pkce.new(), **changes)
        async with browser(app) as nobody:
            answer = await nobody.get("/oauth/authorize", params=query)
            if third_party:
                assert answer.status_code == 400, changes
                assert "location" not in answer.headers and "refresh" not in answer.headers
                assert CALLBACK not in answer.text
        async with person(app) as ada:
            assert fields_of(await ada.get("/oauth/authorize", params=query))["error"] == error, changes


async def test_who_is_not_signed_in_is_asked_to_before_a_third_party_hears_anything(app):
    party = await register(app, third_party=True)
    async with browser(app) as nobody:
        answer = await nobody.get("/oauth/authorize", params=party.query(Pkce.new()))
        assert urlsplit(answer.headers["location"]).path == "/sign-in"
        silent = await nobody.get("/oauth/authorize", params=party.query(Pkce.new(), prompt="none"))
    assert fields_of(silent)["error"] == "login_required"  # OIDC Core 3.1.2.6: no person sees it


PORTS = ("0", "00", "65536", "99999", "080", "123456", "-1", "+1", " 1", "1_0", "", "x", "٣")


@pytest.mark.parametrize("port", PORTS)
def test_a_port_that_is_none_matches_nothing(port):
    for host in ("127.0.0.1", "[::1]"):
        registered = [f"http://{host}/cb", f"http://{host}:8080/cb"]
        assert not matches(f"http://{host}:{port}/cb", registered, any_loopback_port=True)
        assert matches(f"http://{host}:65535/cb", registered, any_loopback_port=True)
        assert matches(f"http://{host}:1/cb", registered, any_loopback_port=True)


@pytest.mark.parametrize("port", ["0", "65536", "99999", "-1", "x"])
def test_a_port_that_is_none_is_not_registered(port):
    for start in ("http://127.0.0.1", "http://[::1]", "http://localhost", "https://app.example"):
        with pytest.raises(InvalidRequest):
            check_redirect_uri(f"{start}:{port}/cb", native=True)


async def test_more_than_one_authorization_is_refused_in_every_order_and_at_every_door(app, party):
    async with person(app, "root") as root:
        session, access = held(root), (await party.sign_in(root)).access
        cookie = {"cookie": f"{COOKIE}={session}"}
    service = await register(
        app, name="Service", scopes=["feed:read"], redirect_uris=[], grants=("client_credentials",)
    )
    basic = base64.b64encode(f"{service.id}:{service.secret}".encode()).decode()
    cli = await cli_token(app, "root", scopes=["gateway", "feed:read", "sessions:read"])
    kinds = [f"Bearer {session}", f"Bearer {cli}", f"Bearer {access}", f"Basic {basic}", "Digest x", ""]
    doors = (
        ("GET", "/verify"),
        ("GET", "/api/v1/auth/whoami"),
        ("GET", "/api/v1/auth/sessions"),
        ("POST", "/api/v1/verifications"),
        ("GET", "/api/v1/feed"),
        ("GET", "/oauth/sessions"),
        ("GET", "/oauth/userinfo"),
        ("POST", "/oauth/token"),
        ("POST", "/oauth/introspect"),
        ("POST", "/oauth/revoke"),
    )
    form = {"grant_type": "client_credentials", "token": access}
    for (method, path), pair in itertools.product(doors, itertools.product(kinds, repeat=2)):
        async with visitor(app) as client:
            more: dict[str, Any] = {"data": form} if path.startswith("/oauth/") and method == "POST" else {}
            if path.endswith("verifications"):
                more = {"json": {"credentials": [{"token": session}]}}
            headers = [("authorization", one) for one in pair] + list(cookie.items())
            answer = await client.request(method, path, headers=headers, **more)
            assert answer.status_code in {400, 401}, (path, pair)
            assert "ostiary-user" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "origin": "https://auth.test"},
    ],
)
async def test_the_cookie_signs_out_only_from_pages_of_this_server(app, headers):
    async with person(app) as ada:
        token = held(ada)
    async with visitor(app, cookie=f"{COOKIE}={token}", **headers) as client:
        answer = await client.post("/oauth/logout")
        assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
        assert "clear-site-data" not in answer.headers
        assert (await client.get("/api/v1/auth/sessions")).status_code == 200
    for own in ({"sec-fetch-site": "same-origin"}, {"origin": "https://auth.test"}):
        async with visitor(app, cookie=f"{COOKIE}={token}", **own) as client:
            assert (await client.post("/oauth/logout")).status_code == 200
            assert (await client.get("/api/v1/auth/sessions")).status_code == 401
