"""What administrators do, and that nobody else can."""

from __future__ import annotations

import pytest

from ostiary.core.token import new_id
from tests.http.visitors import (
    API,
    COOKIE,
    ORIGIN,
    add_people,
    bearer,
    browser,
    cli_token,
    script,
    sign_in,
    signed_in,
    visitor,
)
from tests.support.people import PASSWORD

ADMIN = f"{API}/admin"
EVERY_CALL = [
    ("GET", "/sessions", None),
    ("GET", "/users", None),
    ("GET", "/users/ada", None),
    ("POST", "/users/ada/export", None),
    ("POST", "/users/ada/erase", None),
    ("GET", "/events", None),
    ("GET", "/events/1/receipt", None),
    ("POST", f"/sessions/sess_{'a' * 26}/revoke", None),
    ("POST", "/sessions/plan", {}),
    ("GET", f"/sessions/plan/plan_{'a' * 26}", None),
    ("POST", f"/sessions/plan/plan_{'a' * 26}/apply", {}),
    ("POST", f"/sessions/plan/plan_{'a' * 26}/undo", None),
    ("POST", "/users", {"username": "new", "password": PASSWORD}),
    ("POST", "/users/ada/sessions", {"expire_after": "1h"}),
    ("POST", "/users/ada/logout", None),
    ("POST", "/users/ada/disable", None),
    ("POST", "/users/ada/enable", None),
    ("POST", "/users/ada/password", {"new": "another good password"}),
    ("POST", "/users/ada/roles", {"roles": ["admin"]}),
    ("DELETE", "/users/ada", None),
]


@pytest.mark.parametrize(("method", "path", "body"), EVERY_CALL)
async def test_nobody_but_an_administrator(app, method, path, body):
    async with visitor(app) as nobody, bearer(app) as member:
        token = await cli_token(app, "root")
        async with script(app, token) as narrow:
            answers = [await who.request(method, ADMIN + path, json=body) for who in (nobody, member, narrow)]
        assert (await member.get(f"{API}/auth/whoami")).status_code == 200
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (401, "no_credentials"),
        (403, "not_allowed"),
        (403, "not_allowed"),
    ]


async def test_a_token_with_the_scope_admin_may(app):
    async with script(app, await cli_token(app, "root", scopes=["admin"])) as client:
        assert (await client.get(f"{ADMIN}/users")).status_code == 200


# Sessions.


async def test_sessions_are_searched_page_by_page(app, clock):
    for username in ("ada", "eve", "ada"):
        async with signed_in(app, username):
            clock.advance(minutes=1)
    async with bearer(app, "root") as admin:
        newest = (await admin.get(f"{ADMIN}/sessions")).json()
        assert list(newest) == ["sessions", "next_cursor", "count"]
        assert [one["username"] for one in newest["sessions"]] == ["root", "ada", "eve", "ada"]
        first = (await admin.get(f"{ADMIN}/sessions?sort=created_at&limit=3")).json()
        rest = (await admin.get(f"{ADMIN}/sessions?sort=created_at&limit=3&cursor={first['next_cursor']}")).json()
        assert (first["count"], rest["count"], rest["next_cursor"]) == (4, 4, None)
        seen = [one["id"] for page in (first, rest) for one in page["sessions"]]
        assert seen == [one["id"] for one in newest["sessions"]][::-1]


async def test_a_found_session_has_the_documented_keys(app):
    async with signed_in(app, "root") as admin:
        (found,) = (await admin.get(f"{ADMIN}/sessions")).json()["sessions"]
    assert set(found) >= {
        *("id", "created_at", "last_used_at", "expires_at", "user_agent", "ip", "is_current", "status", "client"),
        *("place", "label", "application_id", "tenant", "amr", "username", "user_id", "kind", "auth_time"),
        *("issued_by", "revoked_at", "ended_at", "reason"),
    }
    assert (found["is_current"], found["kind"]) == (True, "browser")


async def test_sessions_are_filtered_by_user_and_status(app):
    async with signed_in(app) as ada, signed_in(app, "eve"), bearer(app, "root") as admin:
        await ada.post(f"{API}/auth/logout")
        revoked = (await admin.get(f"{ADMIN}/sessions?user=ADA&status=revoked")).json()
        active = (await admin.get(f"{ADMIN}/sessions?user=ada&status=active")).json()
        unknown = await admin.get(f"{ADMIN}/sessions?user=nobody")
    assert [(one["username"], one["reason"]) for one in revoked["sessions"]] == [("ada", "logout")]
    assert revoked["sessions"][0]["revoked_at"] == revoked["sessions"][0]["ended_at"]
    assert active == {"sessions": [], "next_cursor": None, "count": 0}
    assert (unknown.status_code, unknown.json()["message"]) == (404, 'user "nobody" does not exist')


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("sort=username", "sort"),
        ("status=gone", "status"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("cursor=zzz", "cursor"),
        ("cursor=bnVsbA", "cursor"),
        ("cursor=W10", "cursor"),
        (f"cursor={'a' * 600}", "cursor"),
        ("user=a%00b", "user"),
        ("user=", "user"),
        ("ip=10.0.0.0/33", "ip"),
        ("ip=localhost", "ip"),
        (f"ip={'1' * 65}", "ip"),
        ("created_after=2026-01-15", "created_after"),
        ("created_before=2026-01-15T12:00:00", "created_before"),
        ("last_used_before=0001-01-01T00:00:00%2B23:59", "last_used_before"),
        ("reason=because", "reason"),
        ("reason=user&status=active", "reason"),
        ("q=sess_", "q"),
        ("q=sess_ab%25", "q"),
        ("q=%20", "q"),
        ("q=a%1b[31m", "q"),
        (f"user_agent={'a' * 513}", "user_agent"),
        ("device=", "device"),
        ("tenant=a%00b", "tenant"),
        ("nonsense=1", "nonsense"),
        ("user=ada&user=eve", "user"),
    ],
)
async def test_a_search_that_cannot_be_is_refused(app, query, named):
    async with bearer(app, "root") as admin:
        answer = await admin.get(f"{ADMIN}/sessions?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, named), answer.text


async def test_any_session_is_ended_with_the_reason_admin(app):
    async with signed_in(app) as ada, bearer(app, "root") as admin:
        session_id = (await ada.get(f"{API}/auth/sessions/current")).json()["id"]
        for _ in range(2):
            answer = await admin.post(f"{ADMIN}/sessions/{session_id}/revoke")
            assert answer.json() == {
                "ok": True,
                "id": session_id,
                "is_current": False,
                "live_tokens": 0,
                "live_standing": 0,
            }
        assert (await ada.get(f"{API}/auth/whoami")).json()["reason"] == "admin"
        assert (await admin.post(f"{ADMIN}/sessions/{new_id('sess')}/revoke")).json()["code"] == "session_not_found"


async def test_a_session_is_minted_and_its_cookie_works(app):
    async with bearer(app, "root") as admin:
        root = (await admin.get(f"{API}/auth/whoami")).json()["user"]["id"]
        answer = await admin.post(
            f"{ADMIN}/users/ada/sessions", json={"expire_after": "4h30m", "label": "cron", "application_id": "app-1"}
        )
        assert (answer.status_code, list(answer.json())) == (201, ["username", "session", "cookie"])
        made = answer.json()
        pair, *attributes = made["cookie"].split("; ")
        assert attributes == ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"]
        assert "set-cookie" not in answer.headers
        assert (made["session"]["expires_at"], made["session"]["label"]) == ("2026-01-15T16:30:00Z", "cron")
        assert made["session"]["is_current"] is False
        found = (await admin.get(f"{ADMIN}/sessions?user=ada")).json()["sessions"]
    assert [(one["issued_by"], one["kind"], one["application_id"]) for one in found] == [(root, "service", "app-1")]
    async with visitor(app, cookie=pair) as curl:
        assert (await curl.get(f"{API}/auth/whoami")).json()["user"]["username"] == "ada"
    assert pair.startswith(f"{COOKIE}=")


@pytest.mark.parametrize("expire_after", ["0h", "-1h", "90d", "", "4h30", "2161h", "1h" * 17, "٣h"])
async def test_a_duration_that_cannot_be_mints_nothing(app, expire_after):
    async with bearer(app, "root") as admin:
        answer = await admin.post(f"{ADMIN}/users/ada/sessions", json={"expire_after": expire_after})
        assert (answer.status_code, answer.json()["field"]) == (422, "expire_after")
        assert (await admin.get(f"{ADMIN}/sessions?user=ada")).json()["count"] == 0


async def test_nothing_is_minted_for_nobody(app):
    async with bearer(app, "root") as admin:
        await admin.post(f"{ADMIN}/users/eve/disable")
        for username in ("nobody", "eve"):
            answer = await admin.post(f"{ADMIN}/users/{username}/sessions", json={"expire_after": "1h"})
            assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")


async def test_a_user_is_signed_out_everywhere_and_nobody_else(app, clock):
    async with signed_in(app) as first, signed_in(app, "eve") as eve:
        await first.post(f"{API}/auth/logout")
        clock.advance(minutes=1)
        async with signed_in(app) as second, bearer(app, "root") as admin:
            answer = await admin.post(f"{ADMIN}/users/ada/logout")
            assert [(await who.get(f"{API}/auth/whoami")).status_code for who in (second, eve)] == [401, 200]
        assert list(answer.json()) == ["sessions"]
        assert [list(one) for one in answer.json()["sessions"]] == [["username", "session_id", "revoked"]] * 2
        assert [(one["username"], one["revoked"]) for one in answer.json()["sessions"]] == [
            ("ada", "2026-01-15T12:00:00Z"),
            ("ada", "2026-01-15T12:01:00Z"),
        ]


# Users.


async def test_users_are_listed_page_by_page(app):
    async with bearer(app, "root") as admin:
        first = (await admin.get(f"{ADMIN}/users?limit=2")).json()
        assert [one["username"] for one in first["users"]] == ["ada", "eve"]
        assert list(first["users"][0]) == ["id", "username", "email", "roles", "created_at", "disabled_at"]
        rest = (await admin.get(f"{ADMIN}/users?limit=2&cursor={first['next_cursor']}")).json()
    assert ([one["username"] for one in rest["users"]], rest["next_cursor"]) == (["root"], None)


async def test_a_user_is_added_shown_and_signs_in(app):
    async with bearer(app, "root") as admin, browser(app) as client:
        body = {"username": "Grace", "password": PASSWORD, "email": None, "roles": ["member", "admin"]}
        answer = await admin.post(f"{ADMIN}/users", json=body)
        assert (answer.status_code, answer.json()["user"]["roles"]) == (201, ["admin", "member"])
        await sign_in(client, "grace")
        shown = (await admin.get(f"{ADMIN}/users/GRACE")).json()
        assert (list(shown), shown["sessions"], shown["tokens"]) == (["user", "sessions", "tokens"], 1, 0)
        taken = await admin.post(f"{ADMIN}/users", json={"username": "GRACE", "password": PASSWORD})
    assert (taken.status_code, taken.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"username": "x", "password": "short"}, "password"),
        ({"username": "x y", "password": PASSWORD}, "username"),
        ({"username": "x\u0000", "password": PASSWORD}, "username"),
        ({"username": "", "password": PASSWORD}, "username"),
        ({"username": "x" * 65, "password": PASSWORD}, "username"),
        ({"username": "x", "password": PASSWORD, "email": "nowhere"}, "email"),
        ({"username": "x", "password": PASSWORD, "roles": ["king"]}, "roles"),
        ({"username": "x", "password": PASSWORD, "admin": True}, "admin"),
        ({"username": "x"}, "password"),
    ],
)
async def test_a_user_that_cannot_be_is_not_added(app, body, named):
    async with bearer(app, "root") as admin:
        answer = await admin.post(f"{ADMIN}/users", json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, named)
        assert len((await admin.get(f"{ADMIN}/users")).json()["users"]) == 3


@pytest.mark.parametrize(("method", "suffix"), [("POST", "/disable"), ("DELETE", "")])
async def test_disabling_and_deleting_end_everything(app, method, suffix):
    secret = await cli_token(app)
    async with signed_in(app) as ada, script(app, secret) as holder, bearer(app, "root") as admin:
        answer = await admin.request(method, f"{ADMIN}/users/ada{suffix}")
        assert answer.json() == {"ok": True, "sessions": 2, "tokens": 1}
        assert (await ada.get(f"{API}/auth/whoami")).json()["reason"] == "account_disabled"
        assert (await holder.get(f"{API}/auth/whoami")).status_code == 401


async def test_a_disabled_user_comes_back(app):
    async with bearer(app, "root") as admin, browser(app) as client:
        await admin.post(f"{ADMIN}/users/ada/disable")
        assert (await admin.get(f"{ADMIN}/users/ada")).json()["user"]["disabled_at"] == "2026-01-15T12:00:00Z"
        assert (await admin.post(f"{ADMIN}/users/ada/enable")).json() == {"ok": True}
        await sign_in(client)


async def test_a_new_password_ends_the_users_sessions(app):
    async with signed_in(app) as ada, bearer(app, "root") as admin:
        answer = await admin.post(f"{ADMIN}/users/ada/password", json={"new": "another good password"})
        assert answer.json() == {"ok": True, "sessions": 1, "tokens": 0}
        assert (await ada.get(f"{API}/auth/whoami")).json()["reason"] == "password_change"


async def test_roles_hold_from_the_next_request(app):
    async with signed_in(app) as ada, bearer(app, "root") as admin:
        answer = await admin.post(f"{ADMIN}/users/ada/roles", json={"roles": ["admin"]})
        assert answer.json()["user"]["roles"] == ["admin"]
        assert (await ada.get(f"{ADMIN}/users")).status_code == 200
        await admin.post(f"{ADMIN}/users/ada/roles", json={"roles": []})
        assert (await ada.get(f"{ADMIN}/users")).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/disable", None), ("DELETE", "", None), ("POST", "/roles", {"roles": ["member"]})],
)
async def test_the_last_administrator_stays(app, method, path, body):
    async with bearer(app, "root") as admin:
        answer = await admin.request(method, f"{ADMIN}/users/root{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert (await admin.get(f"{ADMIN}/users")).status_code == 200


# The audit trail.


async def test_events_are_read_newest_first_and_page_by_page(app):
    async with signed_in(app) as ada:
        await ada.post(f"{API}/auth/logout", headers={"x-request-id": "the-logout"})
    async with bearer(app, "root") as admin:
        page = (await admin.get(f"{ADMIN}/events?user=ada&limit=2")).json()
        assert list(page) == ["events", "next_cursor", "settled"]
        assert [(one["kind"], one["reason"]) for one in page["events"]] == [
            ("session.revoked", "logout"),
            ("session.started", None),
        ]
        ended = page["events"][0]
        assert list(ended) == [
            *("position", "at", "kind", "user_id", "session_id", "by", "ip", "user_agent", "reason", "request_id"),
            "detail",
        ]
        assert (ended["ip"], ended["request_id"], ended["at"]) == ("203.0.113.7", "the-logout", "2026-01-15T12:00:00Z")
        rest = (await admin.get(f"{ADMIN}/events?user=ada&limit=2&cursor={page['next_cursor']}")).json()
        assert ([one["kind"] for one in rest["events"]], rest["next_cursor"]) == (["user.added"], None)
        assert (await admin.get(f"{ADMIN}/events?user=nobody")).status_code == 404
        assert (await admin.get(f"{ADMIN}/events?cursor=abc")).json()["field"] == "cursor"


async def test_a_refused_sign_in_is_in_the_trail_without_the_name(app):
    async with browser(app) as client, bearer(app, "root") as admin:
        await client.post(f"{API}/auth/sessions", json={"username": "hunter2", "password": "x", "transport": "cookie"})
        answer = await admin.get(f"{ADMIN}/events?limit=5")
    assert "sign_in.refused" in {one["kind"] for one in answer.json()["events"]}
    assert "hunter2" not in answer.text


async def test_an_administrator_over_a_step_up_age_is_asked_again(make_app, clock):
    async with make_app(policy="nist-aal2") as app:
        await add_people(app.authority)
        async with signed_in(app, "root", base=ORIGIN) as admin:
            clock.advance(minutes=16)
            answer = await admin.post(f"{ADMIN}/sessions/{new_id('sess')}/revoke")
    assert (answer.status_code, answer.json()["code"]) == (401, "reauthentication_required")
