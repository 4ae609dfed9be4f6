"""A user's own sessions."""

from __future__ import annotations

import pytest

from ostiary.core.token import new_id
from tests.http.visitors import (
    API,
    COOKIE,
    bearer,
    browser,
    cli_token,
    held,
    script,
    sign_in,
    signed_in,
)
from tests.support.people import CHROME, FIREFOX, IPHONE

LISTED = [
    *("id", "created_at", "last_used_at", "expires_at", "user_agent", "ip", "is_current", "status"),
    *("client", "place", "label", "application_id", "tenant", "amr", "issued_by"),
    *("kind", "via", "device_id", "parent_id", "hold"),
]


async def ids(client) -> list[str]:
    return [one["id"] for one in (await client.get(f"{API}/auth/sessions")).json()]


async def current_id(client) -> str:
    return str((await client.get(f"{API}/auth/sessions/current")).json()["id"])


async def test_the_list_is_an_array_with_the_documented_keys_in_order(app, clock):
    async with browser(app, **{"user-agent": IPHONE}) as client:
        await sign_in(client)
        answer = await client.get(f"{API}/auth/sessions")
    (session,) = answer.json()
    assert list(session) == LISTED
    assert session["created_at"] == session["last_used_at"] == "2026-01-15T12:00:00Z"
    assert session["expires_at"] == "2026-04-15T12:00:00Z"  # ninety days, the default policy's lifetime
    assert (session["ip"], session["user_agent"]) == ("203.0.113.7", IPHONE)
    assert session["client"] == {"browser": "Mobile Safari", "os": "iOS", "device": "iPhone", "kind": "phone"}
    assert (session["place"], session["label"], session["application_id"]) == (None, None, None)
    assert (session["tenant"], session["amr"], session["status"]) == ("default", ["pwd"], "active")
    assert answer.headers["cache-control"] == "no-store"


async def test_the_list_is_most_recently_used_first_and_marks_the_current_one(app, clock):
    async with signed_in(app) as first, signed_in(app) as second:
        newest_first = [await current_id(second), await current_id(first)]
        clock.advance(minutes=5)
        await first.get(f"{API}/auth/whoami")
        await app.authority.presence.flush()
        answer = (await first.get(f"{API}/auth/sessions")).json()
    assert [one["id"] for one in answer] == newest_first[::-1]
    assert [one["is_current"] for one in answer] == [True, False]


async def test_only_sessions_that_would_be_accepted_now_are_listed(app, clock):
    async with signed_in(app) as client, signed_in(app) as other, signed_in(app, "eve"):
        await other.post(f"{API}/auth/logout")
        assert await ids(client) == [await current_id(client)]


@pytest.mark.parametrize(
    ("days", "query", "status"),
    [
        (30, "", "active"),
        (31, "", "stale"),
        (6, "?stale_after_days=5", "stale"),
        (5, "?stale_after_days=5", "active"),
        (59, "?stale_after_days=0", "active"),
        (59, "?stale_after_days=-3", "active"),
    ],
)
async def test_stale_is_strictly_older_and_never_the_current_one(app, clock, days, query, status):
    async with signed_in(app) as client, signed_in(app):
        clock.advance(days=days)
        answer = (await client.get(f"{API}/auth/sessions{query}")).json()
    assert {one["is_current"]: one["status"] for one in answer} == {True: "active", False: status}


async def test_ended_ones_come_when_asked_for_with_when_and_why(app, clock):
    async with signed_in(app) as client, signed_in(app) as other:
        ended_id = await current_id(other)
        clock.advance(minutes=1)
        await client.post(f"{API}/auth/sessions/{ended_id}/revoke")
        answer = {one["id"]: one for one in (await client.get(f"{API}/auth/sessions?include=ended")).json()}
    ended, live = answer.pop(ended_id), *answer.values()
    assert list(ended) == [*LISTED, "ended_at", "reason"]
    assert (ended["status"], ended["ended_at"], ended["reason"]) == ("revoked", "2026-01-15T12:01:00Z", "user")
    assert (live["status"], live["ended_at"], live["reason"]) == ("active", None, None)


async def test_an_expired_one_says_by_which_limit(app, clock):
    async with signed_in(app):
        pass
    clock.advance(days=61)
    async with signed_in(app) as client:
        answer = (await client.get(f"{API}/auth/sessions?include=ended")).json()
    assert [(one["status"], one["reason"], one["ended_at"]) for one in answer if not one["is_current"]] == [
        ("expired", "idle", "2026-03-16T12:00:00Z")
    ]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("stale_after_days=soon", "stale_after_days"),
        ("stale_after_days=36501", "stale_after_days"),
        ("stale_after_days=1&stale_after_days=2", "stale_after_days"),
        ("include=all", "include"),
        ("workspace_id=1", "workspace_id"),
    ],
)
async def test_a_parameter_that_cannot_be_is_refused(app, query, named):
    async with signed_in(app) as client:
        answer = await client.get(f"{API}/auth/sessions?{query}")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "invalid_request", named)


@pytest.mark.parametrize(("method", "suffix"), [("POST", "/revoke"), ("DELETE", "")])
async def test_revoking_another_one_is_at_once_and_again_is_no_error(app, clock, method, suffix):
    async with signed_in(app) as client, bearer(app) as other:
        session_id = await current_id(other)
        first = await client.request(method, f"{API}/auth/sessions/{session_id}{suffix}")
        refused = await other.get(f"{API}/auth/whoami")
        clock.advance(minutes=1)
        again = await client.request(method, f"{API}/auth/sessions/{session_id}{suffix}")
    assert (
        first.json()
        == again.json()
        == {"ok": True, "id": session_id, "is_current": False, "live_tokens": 0, "live_standing": 0}
    )
    assert (first.status_code, "set-cookie" in first.headers, "clear-site-data" in first.headers) == (200, False, False)
    assert refused.status_code == 401
    assert refused.json()["revoked_at"] == "2026-01-15T12:00:00Z"
    assert refused.json()["reason"] == "user"


@pytest.mark.parametrize(("method", "suffix"), [("POST", "/revoke"), ("DELETE", "")])
async def test_revoking_the_own_one_clears_the_browser(app, method, suffix):
    async with signed_in(app) as client:
        token, session_id = held(client), await current_id(client)
        answer = await client.request(method, f"{API}/auth/sessions/{session_id}{suffix}")
    assert (answer.status_code, answer.json()["is_current"]) == (200, True)
    assert answer.headers["set-cookie"] == f"{COOKIE}=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0"
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    async with script(app, token) as client:
        assert (await client.get(f"{API}/auth/whoami")).json()["code"] == "session_revoked"


async def test_revoking_the_own_one_by_bearer_touches_no_cookie(app):
    async with bearer(app) as client:
        answer = await client.post(f"{API}/auth/sessions/{await current_id(client)}/revoke")
    assert (answer.json()["is_current"], "set-cookie" in answer.headers) == (True, False)


async def test_revoking_leaves_cli_tokens_and_says_how_many(app):
    secret = await cli_token(app)
    async with signed_in(app) as client:
        answer = await client.post(f"{API}/auth/sessions/{await current_id(client)}/revoke")
    assert answer.json()["live_tokens"] == 1
    async with script(app, secret) as client:
        assert (await client.get(f"{API}/auth/whoami")).status_code == 200


@pytest.mark.parametrize(("method", "suffix"), [("POST", "/revoke"), ("DELETE", ""), ("POST", "/label")])
async def test_a_foreign_id_is_answered_byte_for_byte_as_a_missing_one(app, method, suffix):
    async with bearer(app, "eve") as eve, bearer(app) as client:
        foreign = await current_id(eve)
        body = {"label": "x"} if suffix == "/label" else None
        answers = [
            await client.request(
                method, f"{API}/auth/sessions/{asked}{suffix}", headers={"x-request-id": "same"}, json=body
            )
            for asked in (foreign, new_id("sess"), "sess_short", "a%20b", "ost_" + "a" * 26)
        ]
        assert (await eve.get(f"{API}/auth/whoami")).status_code == 200
    seen = {(answer.status_code, answer.content, _but_the_date(answer)) for answer in answers}
    assert len(seen) == 1
    assert (answers[0].status_code, answers[0].json()["code"]) == (404, "session_not_found")


def _but_the_date(answer) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in answer.headers.items() if name != "date")


async def test_revoking_the_others_leaves_the_one_that_asks(app):
    async with signed_in(app) as client, signed_in(app) as one, bearer(app) as two, signed_in(app, "eve") as eve:
        answer = await client.post(f"{API}/auth/sessions/revoke-others")
        assert answer.json() == {"ok": True, "count": 2, "devices": 2, "live_tokens": 0}
        statuses = [(await who.get(f"{API}/auth/whoami")).status_code for who in (client, one, two, eve)]
    assert statuses == [200, 401, 401, 200]


@pytest.mark.parametrize("body", [None, {}, {"tokens": False}])
async def test_revoking_all_ends_the_own_one_too(app, body):
    secret = await cli_token(app)
    async with signed_in(app) as client:
        answer = await client.post(f"{API}/auth/sessions/revoke-all", **({"json": body} if body is not None else {}))
        assert answer.json() == {"ok": True, "count": 2, "devices": 2, "tokens": 0, "live_tokens": 1}
        assert answer.headers["set-cookie"].startswith(f"{COOKIE}=;")
        assert answer.headers["clear-site-data"]
    async with script(app, secret) as client:
        assert (await client.get(f"{API}/auth/whoami")).status_code == 200


async def test_revoking_all_can_take_the_tokens_along(app):
    secret = await cli_token(app)
    async with signed_in(app) as client:
        answer = await client.post(f"{API}/auth/sessions/revoke-all", json={"tokens": True})
    assert (answer.json()["tokens"], answer.json()["live_tokens"]) == (1, 0)
    async with script(app, secret) as client:
        assert (await client.get(f"{API}/auth/whoami")).json()["code"] == "token_revoked"


@pytest.mark.parametrize("content", [b"[]", b'{"tokens": "yes"}', b'{"token": true}', b"{"])
async def test_a_body_that_is_not_understood_ends_nothing(app, content):
    async with signed_in(app) as client:
        answer = await client.post(
            f"{API}/auth/sessions/revoke-all", content=content, headers={"content-type": "application/json"}
        )
        assert answer.status_code in {400, 422}
        assert (await client.get(f"{API}/auth/whoami")).status_code == 200


async def test_a_device_gets_a_name_and_loses_it(app):
    async with signed_in(app) as client:
        path = f"{API}/auth/sessions/{await current_id(client)}/label"
        named = await client.post(path, json={"label": " my laptop "})
        assert (named.status_code, list(named.json()), named.json()["label"]) == (200, LISTED, "my laptop")
        assert (await client.post(path, json={"label": None})).json()["label"] is None
        for wrong in ({"label": "x" * 65}, {"label": "a\u001bb"}, {"label": 7}, {}):
            assert (await client.post(path, json=wrong)).json()["field"] == "label"


async def test_a_token_with_few_scopes_reads_but_does_not_end(app):
    async with script(app, await cli_token(app, scopes=["sessions:read"])) as client, signed_in(app) as other:
        listed = (await client.get(f"{API}/auth/sessions")).json()
        assert {one["is_current"] for one in listed} == {False}
        refused = await client.post(f"{API}/auth/sessions/{await current_id(other)}/revoke")
    assert (refused.status_code, refused.json()["code"], refused.json()["scope"]) == (
        403,
        "not_allowed",
        "sessions:revoke",
    )
    assert refused.headers["www-authenticate"].startswith('Bearer error="insufficient_scope"')


async def test_a_cli_token_has_no_session_of_its_own(app):
    async with script(app, await cli_token(app)) as client:
        answer = await client.get(f"{API}/auth/sessions/current")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


async def test_agents_are_told_apart(app):
    for agent in (FIREFOX, CHROME, "curl/7.88.1", ""):
        async with browser(app, **{"user-agent": agent}) as client:
            await sign_in(client)
    async with bearer(app) as client:
        listed = (await client.get(f"{API}/auth/sessions")).json()
    assert {(one["client"]["browser"], one["client"]["os"], one["client"]["kind"]) for one in listed} == {
        ("Firefox", "Linux", "desktop"),
        ("Chrome", "Windows", "desktop"),
        ("curl", None, "cli"),
        ("Ostiary command line", None, "cli"),
        (None, None, "unknown"),
    }
