"""The headers of every answer."""

from __future__ import annotations

import re

import pytest

from tests.http.visitors import API, NOBODYS_SESSION, bearer, signed_in, visitor

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which makes no difference here

PATHS = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/nowhere",
    "/api/openapi.json",
    "/api/docs",
    f"{API}/auth/whoami",
    f"{API}/auth/sessions",
    f"{API}/auth/cli-tokens",
    f"{API}/auth/logout",
    f"{API}/admin/sessions",
    f"{API}/auth/sessions?nonsense=1",
    f"/{'a' * 2000}",
]


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_is_hardened(app, path):
    async with visitor(app) as nobody, bearer(app) as client:
        for who in (nobody, client):
            headers = (await who.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cache-control"] == "no-store"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert headers["permissions-policy"]
            assert headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
            policy = headers["content-security-policy"]
            for directive in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
                assert directive in policy
            assert "unsafe" not in policy
            assert not [name for name in headers if name.startswith("access-control-")]
            assert "server" not in headers
            for name in set(headers) - {"set-cookie"}:
                assert len(headers.get_list(name)) == 1, name


async def test_plain_http_promises_no_https(app):
    async with visitor(app, base="http://localhost") as client:
        assert "strict-transport-security" not in (await client.get("/healthz")).headers


async def test_an_https_public_url_promises_it(make_app):
    async with make_app(public_url="https://auth.test") as app, visitor(app, base="http://internal") as client:
        assert "strict-transport-security" in (await client.get("/healthz")).headers


@pytest.mark.parametrize(
    "path", ["/auth/whoami", "/auth/sessions", "/nowhere", f"/auth/sessions/{NOBODYS_SESSION}/revoke"]
)
async def test_a_cookie_that_does_not_work_is_left_alone(app, path):
    """Only signing out and ending the own session take it away: a wrong answer of ours must not."""
    async with visitor(app, cookie="__Host-session=junk", **{"sec-fetch-site": "same-origin"}) as client:
        for method in ("GET", "POST"):
            assert "set-cookie" not in (await client.request(method, API + path)).headers


async def test_the_documentation_loads_nothing_from_anywhere(app):
    async with signed_in(app) as client:
        answer = await client.get("/api/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"<(script|link|img|iframe|object|base)\b", answer.text)
    assert set(re.findall(r'(?:src|href)="([^"#]*)"', answer.text)) <= {"openapi.json", ""}
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]
    for expected in ("POST /api/v1/auth/sessions", "GET /verify", "Problem"):
        assert expected in answer.text
