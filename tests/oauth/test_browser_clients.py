"""Applications that run in a browser (CORS): which origins may read what, and that no cookie is read there."""

from __future__ import annotations

import itertools

import httpx2
import pytest

from ostiary.contract.api import operations
from ostiary.core.oauth.redirect_uri import origin_of
from tests.http.visitors import COOKIE, held, visitor
from tests.oauth.party import Pkce, person, register

# Which database makes no difference here.
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SPA = "https://spa.example"
SENT = "authorization, content-type, mcp-protocol-version"
OTHERS = ["https://spa.example:8443", "http://spa.example", "https://evil.test", "https://app.example", "null", ""]


@pytest.fixture
async def spa(app):
    """A public client whose code runs on a page."""
    return await register(app, name="Page", is_public=True, redirect_uris=[f"{SPA}/callback"])


def shared(answer: httpx2.Response) -> str | None:
    return answer.headers.get("access-control-allow-origin")


def test_what_is_shared_is_declared():
    assert {one.path for one in operations() if one.shared == "everybody"} == {
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/jwks.json",
    }
    assert {one.path for one in operations() if one.shared == "clients"} == {
        "/oauth/token",
        "/oauth/par",
        "/oauth/revoke",
        "/oauth/userinfo",
        "/oauth/sessions",
        "/oauth/sessions/{session_id}/revoke",
    }


@SQLITE
async def test_a_preflight_is_answered_for_what_is_shared_and_for_nothing_else(app, party, spa):
    async with visitor(app) as page:
        for operation, origin in itertools.product(operations(), (SPA, *OTHERS)):
            path = operation.path.replace("{", "").replace("}", "")
            if path == "/verify":
                continue  # it has no methods of its own: tests/http/test_gateway.py
            asks = {"origin": origin, "access-control-request-method": operation.method}
            answer = await page.options(path, headers={**asks, "access-control-request-headers": SENT})
            allowed = {"nobody": None, "everybody": "*", "clients": SPA if origin == SPA else None}[operation.shared]
            assert (answer.status_code, shared(answer)) == (204, allowed), (path, origin)
            if allowed is None:
                assert not [name for name in answer.headers if name.startswith("access-control-")]
                continue
            assert answer.headers["access-control-allow-methods"] == operation.method
            assert answer.headers["access-control-allow-headers"] == SENT
            assert "access-control-allow-credentials" not in answer.headers


@SQLITE
async def test_a_page_signs_in_renews_reads_and_revokes_by_script(app, spa):
    pkce = Pkce.new()
    async with person(app) as ada:
        code = await spa.code(ada, pkce)
    here = {"origin": SPA, "sec-fetch-site": "cross-site"}
    form = {"client_id": spa.id, "redirect_uri": f"{SPA}/callback"}
    async with visitor(app, **here) as page:
        exchanged = await page.post(
            "/oauth/token",
            data={**form, "grant_type": "authorization_code", "code": code, "code_verifier": pkce.verifier},
        )
        assert (exchanged.status_code, shared(exchanged)) == (200, SPA)
        refreshed = await page.post(
            "/oauth/token",
            data={**form, "grant_type": "refresh_token", "refresh_token": exchanged.json()["refresh_token"]},
        )
        assert (refreshed.status_code, shared(refreshed)) == (200, SPA)
        bearer = {"authorization": f"Bearer {refreshed.json()['access_token']}"}
        for path in ("/oauth/userinfo", "/oauth/sessions"):
            answer = await page.get(path, headers=bearer)
            assert (answer.status_code, shared(answer), answer.headers["vary"]) == (200, SPA, "Origin")
        wrong = await page.post("/oauth/token", data={**form, "grant_type": "refresh_token", "refresh_token": "x"})
        assert (wrong.status_code, shared(wrong)) == (400, SPA)  # or a script could not tell it from a lost network
        for origin in OTHERS:
            assert shared(await page.get("/oauth/userinfo", headers={**bearer, "origin": origin})) is None
        done = await page.post("/oauth/revoke", data={**form, "token": refreshed.json()["refresh_token"]})
        assert (done.status_code, shared(done)) == (200, SPA)


@SQLITE
async def test_no_cookie_is_read_where_origins_are_let_in(app, spa):
    async with person(app) as ada:
        cookie = held(ada)
    async with visitor(app, origin=SPA, cookie=f"{COOKIE}={cookie}") as page:
        for path in ("/oauth/userinfo", "/oauth/sessions"):
            assert (await page.get(path)).status_code == 401


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://spa.example/callback?x=1", "https://spa.example"),
        ("https://spa.example:443/", "https://spa.example"),
        ("http://localhost:5173/callback", "http://localhost:5173"),
        ("http://127.0.0.1:80/x", "http://127.0.0.1"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
        ("com.example.app:/callback", None),
    ],
)
def test_an_origin_is_said_as_a_browser_says_it(uri, origin):
    assert origin_of(uri) == origin
