"""A user's own CLI tokens."""

from __future__ import annotations

import pytest

from tests.http.visitors import API, NOBODYS_SESSION, bearer, cli_token, script, signed_in

MADE = ["id", "name", "token", "created_at", "expires_at", "scopes"]
LISTED = [
    *("id", "name", "created_at", "last_used_at", "expires_at", "revoked_at", "scopes", "status"),
    *("made_by", "made_in"),
]


async def make(client, **wanted):
    return await client.post(f"{API}/auth/cli-token", json=wanted)


async def test_a_token_is_made_and_shown_once(app):
    async with signed_in(app) as client:
        answer = await make(client, name="ci", expires_in="720h", scopes=["sessions:read"])
        assert (answer.status_code, list(answer.json())) == (201, MADE)
        made = answer.json()
        assert (made["name"], made["expires_at"]) == ("ci", "2026-02-14T12:00:00Z")
        assert made["scopes"] == ["sessions:read"]
        assert made["token"].startswith(made["id"] + ".")
        assert answer.headers["cache-control"] == "no-store"
        (listed,) = (await client.get(f"{API}/auth/cli-tokens")).json()
    assert list(listed) == LISTED
    assert (listed["id"], listed["status"], listed["last_used_at"], listed["revoked_at"]) == (
        made["id"],
        "active",
        None,
        None,
    )
    assert made["token"].partition(".")[2] not in str(listed)


async def test_without_wishes_it_has_a_name_no_expiry_and_the_ordinary_scopes(app):
    async with signed_in(app, "root") as client:
        made = (await make(client)).json()
    assert (made["name"], made["expires_at"]) == ("cli-token", None)
    assert made["scopes"] == ["sessions:read", "sessions:revoke", "tokens:manage"]


async def test_expires_in_may_be_seconds(app):
    async with signed_in(app) as client:
        assert (await make(client, expires_in=3600)).json()["expires_at"] == "2026-01-15T13:00:00Z"


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": -5}, "expires_in"),
        ({"expires_in": "0h"}, "expires_in"),
        ({"expires_in": "-1h"}, "expires_in"),
        ({"expires_in": "never"}, "expires_in"),
        ({"expires_in": 1.5}, "expires_in"),
        ({"expires_in": True}, "expires_in"),
        ({"expires_in": 10**30}, "expires_in"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": ["sessions:read"] * 100}, "scopes"),
        ({"scopes": "admin"}, "scopes"),
        ({"name": "x" * 65}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"expire_in": "1h"}, "expire_in"),
    ],
)
async def test_what_cannot_be_is_refused_and_makes_nothing(app, wanted, named):
    async with signed_in(app) as client:
        answer = await make(client, **wanted)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert answer.json()["field"].partition("[")[0].partition(".")[0] == named
        assert (await client.get(f"{API}/auth/cli-tokens")).json() == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"name": "\xff"}', b"[" * 30_000])
async def test_a_body_that_does_not_parse_never_means_no_limits(app, content):
    async with signed_in(app) as client:
        answer = await client.post(
            f"{API}/auth/cli-token", content=content, headers={"content-type": "application/json"}
        )
        assert answer.status_code in {400, 422}, answer.text
        assert answer.json()["code"] == "invalid_request"
        assert (await client.get(f"{API}/auth/cli-tokens")).json() == []


async def test_a_token_never_makes_one_that_outlives_it_or_can_do_more(app):
    secret = await cli_token(app, expires_in="1h", scopes=["sessions:read", "tokens:manage"])
    async with script(app, secret) as client:
        for wanted in ({"expires_in": "2h"}, {"scopes": ["sessions:revoke"]}, {"scopes": ["admin"]}):
            refused = await make(client, **wanted)
            assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        made = (await make(client)).json()
    assert (made["expires_at"], made["scopes"]) == ("2026-01-15T13:00:00Z", ["sessions:read", "tokens:manage"])


async def test_a_member_cannot_give_the_scope_admin(app):
    async with signed_in(app) as client:
        assert (await make(client, scopes=["admin"])).status_code == 403


async def test_a_token_is_validated_with_itself(app):
    secret = await cli_token(app, expires_in="1h")
    async with script(app, secret) as client:
        answer = await client.get(f"{API}/auth/cli-token/validate")
    assert answer.json() == {
        "valid": True,
        "user_email": "ada@example.org",
        "username": "ada",
        "token_id": secret.partition(".")[0],
        "expires_at": "2026-01-15T13:00:00Z",
        "scopes": ["sessions:read", "sessions:revoke", "tokens:manage"],
    }
    async with signed_in(app) as client:
        assert (await client.get(f"{API}/auth/cli-token/validate")).json()["code"] == "not_allowed"


async def test_an_expired_token_says_since_when(app, clock):
    secret = await cli_token(app, expires_in="1h")
    clock.advance(hours=1)
    async with script(app, secret) as client:
        answer = await client.get(f"{API}/auth/cli-token/validate")
    assert (answer.status_code, answer.json()["code"], answer.json()["expired_at"]) == (
        401,
        "token_expired",
        "2026-01-15T13:00:00Z",
    )


async def test_revoking_is_at_once_and_again_is_no_error(app):
    secret = await cli_token(app)
    token_id = secret.partition(".")[0]
    async with signed_in(app) as client, script(app, secret) as holder:
        for _ in range(2):
            answer = await client.delete(f"{API}/auth/cli-tokens/{token_id}")
            assert (answer.status_code, answer.json()) == (200, {"ok": True, "id": token_id})
        assert (await holder.get(f"{API}/auth/whoami")).json()["code"] == "token_revoked"
        assert [one["status"] for one in (await client.get(f"{API}/auth/cli-tokens")).json()] == ["revoked"]


async def test_rotating_replaces_the_secret_and_nothing_else(app):
    secret = await cli_token(app, name="ci", expires_in="1h")
    token_id = secret.partition(".")[0]
    async with signed_in(app) as client:
        answer = await client.post(f"{API}/auth/cli-tokens/{token_id}/rotate")
    assert (answer.status_code, list(answer.json())) == (201, MADE)
    assert (answer.json()["id"], answer.json()["name"], answer.json()["expires_at"]) == (
        token_id,
        "ci",
        "2026-01-15T13:00:00Z",
    )
    async with script(app, secret) as old, script(app, answer.json()["token"]) as new:
        assert (await old.get(f"{API}/auth/whoami")).json()["code"] == "session_invalid"
        assert (await new.get(f"{API}/auth/whoami")).status_code == 200


@pytest.mark.parametrize(("method", "suffix"), [("DELETE", ""), ("POST", "/rotate")])
async def test_a_foreign_token_is_answered_as_a_missing_one(app, method, suffix):
    foreign = (await cli_token(app, "eve")).partition(".")[0]
    async with bearer(app) as client:
        answers = [
            await client.request(method, f"{API}/auth/cli-tokens/{asked}{suffix}", headers={"x-request-id": "same"})
            for asked in (foreign, f"ost_{'a' * 26}", "ost_x", NOBODYS_SESSION)
        ]
    assert {(answer.status_code, answer.content, tuple(answer.headers.items())) for answer in answers} == {
        (404, answers[0].content, tuple(answers[0].headers.items()))
    }
    assert answers[0].json()["code"] == "token_not_found"
