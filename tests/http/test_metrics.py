"""What is counted."""

from __future__ import annotations

import pytest

from ostiary.http.metrics_door import MetricsDoor
from tests.http.connections import plainly, send, serving
from tests.http.visitors import API, COOKIE, bearer, browser, cli_token, held, script, sign_in, signed_in, visitor


async def counted(app) -> dict[str, float]:
    async with script(app, await cli_token(app, "root", scopes=["metrics:read"])) as prometheus:
        answer = await prometheus.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


async def test_sessions_sign_ins_and_questions_are_counted(app):
    async with browser(app) as client:
        wrong = {"username": "ada", "password": "wrong password", "transport": "cookie"}
        await client.post(f"{API}/auth/sessions", json=wrong)
        await sign_in(client)
        await client.get("/verify")
        await client.post(f"{API}/auth/logout")
        await client.get("/verify")
    async with bearer(app):
        pass
    found = await counted(app)
    assert found['ostiary_sessions_started_total{kind="browser"}'] == 1
    assert found['ostiary_sessions_started_total{kind="cli"}'] == 2  # one of them made the token that asks
    assert found['ostiary_sessions_ended_total{reason="logout"}'] == 1
    assert found["ostiary_sign_ins_refused_total"] == 1
    assert found['ostiary_verifications_total{outcome="accepted"}'] == 1
    assert found['ostiary_verifications_total{outcome="refused"}'] == 1
    assert found["ostiary_store_unavailable_total"] == 0


async def test_an_ending_that_was_rolled_back_or_had_ended_before_is_not_counted(app):
    async with signed_in(app) as one, signed_in(app) as other:
        session_id = (await other.get(f"{API}/auth/sessions/current")).json()["id"]
        for _ in range(3):
            await one.post(f"{API}/auth/sessions/{session_id}/revoke")
    found = await counted(app)
    assert found['ostiary_sessions_ended_total{reason="user"}'] == 1


async def test_requests_are_counted_by_route_and_never_by_path(app):
    async with signed_in(app) as client:
        await client.get(f"{API}/auth/sessions/current")
        await client.delete(f"{API}/auth/sessions/sess_{'a' * 26}")
        await client.get("/secret-path/of-somebody")
        await client.request("BREW", "/coffee")
    text = "\n".join(await counted(app))
    assert 'method="DELETE",route="/api/v1/auth/sessions/{session_id}",status="404"' in text
    assert 'method="GET",route="-",status="404"' in text
    assert 'method="other",route="-",status="404"' in text
    for path in ("secret-path", "coffee", "aaaa", "BREW"):
        assert path not in text


async def test_only_a_token_for_it_reads_them(app):
    """In every spelling, as a proxy's rule about `/metrics` may know the one only."""
    async with visitor(app) as nobody, signed_in(app, "root") as root, bearer(app, "root") as person:
        for client, status in ((nobody, 401), (root, 403), (person, 403)):
            answer = await client.get("/metrics")
            assert (answer.status_code, b"ostiary_" in answer.content) == (status, False)
            for spelled in ("/metrics/", "/metrics%2f", "//metrics", "/%6detrics"):
                assert (await client.get(f"https://auth.test{spelled}")).status_code == 404
    for username, scopes, status in (
        ("root", ["metrics:read"], 200), ("root", ["admin"], 200), ("root", ["feed:read", "sessions:read"], 403),
        ("ada", ["sessions:read"], 403),
    ):  # fmt: skip
        async with script(app, await cli_token(app, username, scopes=scopes)) as client:
            assert (await client.get("/metrics")).status_code == status, scopes
    async with bearer(app) as ada:
        assert (await ada.post(f"{API}/auth/cli-token", json={"scopes": ["metrics:read"]})).status_code == 403


@pytest.mark.parametrize("way", [lambda app: app, plainly])
async def test_an_address_of_their_own_answers_them_and_nothing_else(make_app, app, way):
    async with make_app(metrics_address="127.0.0.1:9464", port=8420) as other:
        async with signed_in(app) as ada:
            cookie = f"Cookie: {COOKIE}={held(ada)}\r\n".encode()
        other.metrics_door = None
        async with serving(way(other)) as server:  # the address that people use
            assert await status_of(server, b"/metrics", cookie) == 403
            assert await status_of(server, b"/verify", cookie) == 200
            other.metrics_door = MetricsDoor(other.context.metrics, server.servers[0].sockets[0].getsockname()[1])
            for path in (b"/metrics", b"/metrics?x=y"):
                assert await status_of(server, path) == 200
            for path in (
                b"/verify",
                b"/verify/x",
                b"/api/v1/auth/sessions",
                b"/",
                b"/metrics/",
                b"//metrics",
                b"/healthz",
            ):
                assert await status_of(server, path, cookie) == 404, path
            assert await status_of(server, b"/metrics", method=b"POST") == 405


async def status_of(server, path: bytes, more: bytes = b"", method: bytes = b"GET") -> int:
    request = b"%b %b HTTP/1.1\r\nHost: a\r\n%bContent-Length: 0\r\n\r\n" % (method, path, more)
    return int((await send(server, request)).split(b" ", 2)[1])
