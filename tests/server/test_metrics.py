"""What is counted."""

from __future__ import annotations

from tests.server.visitors import API, bearer, browser, sign_in, signed_in, visitor


async def counted(app) -> dict[str, float]:
    async with visitor(app) as client:
        answer = await client.get("/metrics")
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
    assert found['ostiary_sessions_started_total{kind="cli"}'] == 1
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
