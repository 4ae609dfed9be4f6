"""OWASP ASVS 5.0.0, V7 Session Management: each item by its number, attacked at the real doors where it can be.

What a browser shows of it (7.4.4, 7.5.2) is looked at in tests/web/test_asvs.py, too.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from ostiary.core.policy import PRESETS
from ostiary.core.token import mint
from ostiary.storage import schema
from tests.http.visitors import API, COOKIE, OPERATOR, bearer, browser, held, script, sign_in, visitor
from tests.oauth.party import Pkce, person, register, with_access
from tests.support.people import PASSWORD

DOCS = Path(__file__).parents[2] / "docs"
NEW = "another long password"
STATUS = f"{API}/auth/whoami"


def documented(page: str) -> str:
    return re.sub(r"\s+", " ", (DOCS / page).read_text())


async def status(app, token: str) -> int:
    """What the holder of a session's or CLI token is answered."""
    async with script(app, token) as client:
        return (await client.get(STATUS)).status_code


async def test_v7_1_1_lifetimes_are_documented_beside_nist_with_a_reason_where_they_exceed_it():
    page = documented("reference/policies.md")
    nist = {"default": 30, "nist-aal1": 30, "nist-aal2": 1, "nist-aal3": 0.5}  # days, SP 800-63B-4 2.1.3, 2.2.3, 2.3.3
    assert nist.keys() == PRESETS.keys()
    for name, policy in PRESETS.items():
        assert f"| `{name}` |" in page
        if policy.lifetime > timedelta(days=nist[name]):
            assert f"Why `{name}` exceeds NIST" in page


@pytest.mark.parametrize("at_limit", ["evict", "deny"])
async def test_v7_1_2_what_a_fourth_sign_in_does_is_documented_and_so(make_app, clock, at_limit):
    page = documented("reference/policies.md")
    assert "succeeds; the least recently used of the three ends with the reason `limit`" in page
    assert "is refused with 409 `limit_reached`; the three stay" in page
    async with make_app(max_sessions=3, at_limit=at_limit) as app:
        from tests.http.visitors import add_people

        await add_people(app.authority)
        tokens = []
        for _ in range(3):
            async with visitor(app) as client:
                tokens.append((await sign_in(client, transport="bearer")).json()["token"])
            clock.advance(minutes=5)
        async with visitor(app) as client:
            body = {"username": "ada", "password": PASSWORD, "transport": "bearer"}
            answer = await client.post(f"{API}/auth/sessions", json=body)
        after = [await status(app, token) for token in tokens]
        if at_limit == "evict":
            assert (answer.status_code, after) == (201, [401, 200, 200])
        else:
            assert (answer.status_code, answer.json()["code"], after) == (409, "limit_reached", [200, 200, 200])


async def test_v7_1_3_who_takes_part_and_when_each_refuses_is_documented_and_listed(app):
    page = documented("concepts/how-a-revocation-takes-effect.md")
    assert "max_staleness" in page and "/verify" in page
    await register(app)
    async with bearer(app, "root") as client:
        assert len((await client.get(f"{API}/admin/clients")).json()["clients"]) == 1
        assert (await client.get(f"{API}/admin/verifiers")).status_code == 200


async def test_v7_2_1_nothing_that_a_client_changes_in_its_token_is_accepted(app):
    async with browser(app) as client:
        await sign_in(client)
        token = held(client)
    session_id, _, secret = token.partition(".")
    other = "A" if secret[0] != "A" else "B"
    forged = [
        f"{session_id}.{other}{secret[1:]}",
        f"{session_id}.",
        session_id,
        f"{session_id}.{secret}x",
        token.upper(),
    ]
    forged += [f"{mint('sess').id}.{secret}", f"{session_id}.{secret[:-1]}", f"{token}.{secret}", f"ost_{token[5:]}"]
    for one in forged:
        assert await status(app, one) == 401, one
        async with browser(app, cookie=f"{COOKIE}={one}") as client:
            assert (await client.get(STATUS)).status_code == 401, one
    assert await status(app, token) == 200


async def test_v7_2_2_a_session_is_made_anew_each_time_and_no_key_of_the_configuration_is_one(app):
    tokens = set()
    for _ in range(3):
        async with visitor(app) as client:
            tokens.add((await sign_in(client, transport="bearer")).json()["token"])
    assert len(tokens) == 3
    for static in (app.authority.settings.key, PASSWORD, "ada", f"sess_{'a' * 26}.{app.authority.settings.key}"):
        assert await status(app, static) == 401


def test_v7_2_3_reference_tokens_are_unique_and_of_a_cryptographic_generator():
    secrets = [mint("sess").text.partition(".")[2] for _ in range(20_000)]
    assert len(set(secrets)) == len(secrets)
    assert min(map(len, secrets)) * 6 >= 128  # bits: six in each character
    # Chi-square of the first 40 characters of all, over the alphabet of 64: far from it is no chance.
    counted = Counter(character for secret in secrets for character in secret[:40])
    expected = sum(counted.values()) / 64
    chi = sum((count - expected) ** 2 / expected for count in counted.values())
    assert len(counted) == 64 and chi < 63 + 8 * math.sqrt(2 * 63)
    source = (Path(mint.__code__.co_filename)).read_text()
    assert "import secrets" in source and "import random" not in source
    assert schema.sessions.c.id.primary_key


async def test_v7_2_4_signing_in_gives_a_new_token_and_proving_the_password_again_replaces_it(app):
    # Fixation: a cookie that was planted before is not what the session becomes.
    planted = f"sess_{'a' * 26}.{'B' * 43}"
    async with browser(app, cookie=f"{COOKIE}={planted}") as client:
        answer = await client.post(
            f"{API}/auth/sessions", json={"username": "ada", "password": PASSWORD, "transport": "cookie"}
        )
    assert answer.status_code == 201 and planted not in answer.headers["set-cookie"]
    assert await status(app, planted) == 401
    async with browser(app) as client:
        await sign_in(client)
        stolen = held(client)
        assert (await client.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})).status_code == 200
        renewed = held(client)
    assert renewed != stolen and renewed.partition(".")[0] == stolen.partition(".")[0]
    assert (await status(app, stolen), await status(app, renewed)) == (401, 200)


@pytest.mark.parametrize("act", ["password", "sessions/revoke-others"])
async def test_v7_2_4_a_copy_of_ones_own_cookie_ends_with_the_others(app, act):
    async with browser(app) as client:
        await sign_in(client)
        stolen = held(client)
        body = {"current": PASSWORD, "new": NEW} if act == "password" else None
        assert (await client.post(f"{API}/auth/{act}", json=body)).status_code == 200
        assert (await client.get(STATUS)).status_code == 200
    assert await status(app, stolen) == 401


async def test_v7_3_1_a_session_that_is_not_used_ends_at_the_idle_timeout_and_not_before(make_app, clock):
    async with make_app(policy="nist-aal2") as app:  # one hour
        from tests.http.visitors import add_people

        await add_people(app.authority)
        async with visitor(app) as client:
            token = (await sign_in(client, transport="bearer")).json()["token"]
        for _ in range(3):  # use puts it off
            clock.advance(minutes=59)
            assert await status(app, token) == 200
            await app.authority.presence.flush()
        clock.advance(hours=1)
        async with script(app, token) as client:
            answer = await client.get(STATUS)
        assert (answer.status_code, answer.json()["limit"]) == (401, "idle")


async def test_v7_3_2_a_session_ends_at_its_lifetime_however_much_it_is_used(make_app, clock):
    async with make_app(policy="nist-aal2") as app:  # 24 hours
        from tests.http.visitors import add_people

        await add_people(app.authority)
        async with browser(app) as client:
            await sign_in(client)
            for _ in range(47):
                clock.advance(minutes=30)
                assert (await client.get(STATUS)).status_code == 200
                await app.authority.presence.flush()
            # Proving the password again is no new session: it does not put the end off.
            assert (await client.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})).status_code == 200
            clock.advance(minutes=30)
            answer = await client.get(STATUS)
        assert (answer.status_code, answer.json()["limit"]) == (401, "lifetime")


async def test_v7_4_1_after_signing_out_nothing_of_the_session_is_accepted_self_contained_tokens_too(app):
    party = await register(app)
    async with person(app) as client:
        tokens = await party.sign_in(client)
        cookie = held(client)
        assert (await client.post(f"{API}/auth/sessions/revoke-all")).status_code == 200
    assert await status(app, cookie) == 401
    assert (await with_access(app, tokens.access, "GET", "/oauth/userinfo")).status_code == 401
    assert (await party.introspect(tokens.access)).json() == {"active": False}
    assert (await party.refresh(tokens.refresh)).status_code == 400


@pytest.mark.parametrize("call", [("POST", "/disable"), ("DELETE", "")])
async def test_v7_4_2_a_disabled_or_deleted_account_has_no_session_left(app, make_app, call):
    tokens = []
    for _ in range(3):
        async with visitor(app) as client:
            tokens.append((await sign_in(client, transport="bearer")).json()["token"])
    async with bearer(app, "root") as client:
        answer = await client.request(call[0], f"{API}/admin/users/ada{call[1]}")
        assert answer.status_code == 200, answer.text
        found = (await client.get(f"{API}/admin/events?kind=session.revoked")).json()["events"]
    assert len([one for one in found if one["reason"] == "account_disabled"]) == 3
    async with make_app() as other_node:
        for node in (app, other_node):
            assert [await status(node, token) for token in tokens] == [401, 401, 401]


async def test_v7_4_3_a_new_password_offers_to_end_the_others_and_does_so_unless_told_not_to(app):
    for leaves in (False, True):
        async with visitor(app) as client:
            other = (await sign_in(client, "eve", "bearer", label=str(leaves))).json()["token"] if not leaves else ""
        if leaves:
            async with bearer(app, "eve") as client:
                other = client.headers["authorization"].removeprefix("Bearer ")
        async with bearer(app, "eve") as client:
            wanted = {"current": NEW if leaves else PASSWORD, "new": PASSWORD + "!" if leaves else NEW}
            more = {"end_other_sessions": False} if leaves else {}
            assert (await client.post(f"{API}/auth/password", json=wanted | more)).status_code == 200
        assert await status(app, other) == (200 if leaves else 401)


async def test_v7_4_4_every_page_of_somebody_signed_in_offers_to_sign_out(app):
    async with browser(app, accept="text/html") as client:
        await sign_in(client, "root")
        for path in ("/settings/sessions", "/settings/tokens", "/settings/password", "/admin", "/admin/users"):
            assert 'action="/sign-out"' in (await client.get(path)).text, path


async def test_v7_4_5_an_administrator_ends_the_sessions_of_one_and_of_all_and_nobody_else_does(app):
    tokens = {}
    for name in ("ada", "eve"):
        async with visitor(app) as client:
            tokens[name] = (await sign_in(client, name, "bearer")).json()["token"]
    async with script(app, tokens["eve"]) as client:
        assert (await client.post(f"{API}/admin/users/ada/logout")).status_code == 403
        assert (await client.post(f"{API}/admin/sessions/plan", json={})).status_code == 403
    async with bearer(app, "root") as client:
        assert (await client.post(f"{API}/admin/users/ada/logout")).status_code == 200
        assert [await status(app, tokens[name]) for name in ("ada", "eve")] == [401, 200]
        plan_id = (await client.post(f"{API}/admin/sessions/plan", json={})).json()["plan_id"]
        assert (await client.post(f"{API}/admin/sessions/plan/{plan_id}/apply")).status_code == 200
    assert await status(app, tokens["eve"]) == 401


async def test_v7_5_1_what_proves_who_one_is_is_changed_only_with_a_full_proof_again(app, clock):
    async with bearer(app) as client:
        clock.advance(hours=1)
        answer = await client.post(f"{API}/auth/password", json={"current": "wrong", "new": NEW})
        assert answer.status_code == 401
        # A long-lived credential of one's own is one, too.
        assert _asks_again(await client.post(f"{API}/auth/cli-token", json={}))
        assert (await client.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})).status_code == 200


async def test_v7_5_2_a_user_sees_every_session_and_ends_any_after_proving_who_they_are_again(make_app, clock):
    async with make_app(step_up_age=timedelta(minutes=15)) as app:
        from tests.http.visitors import add_people

        await add_people(app.authority)
        started = {}
        for _ in range(3):
            async with visitor(app) as client:
                answer = (await sign_in(client, transport="bearer")).json()
                started[answer["session"]["id"]] = answer["token"]
        async with browser(app) as client:
            mine = (await sign_in(client)).json()["session"]["id"]
            shown = {one["id"] for one in (await client.get(f"{API}/auth/sessions")).json()}
            assert shown == started.keys() | {mine}
            clock.advance(minutes=16)
            target, token = next(iter(started.items()))
            for call in (f"sessions/{target}/revoke", "sessions/revoke-others", "sessions/revoke-all"):
                assert _asks_again(await client.post(f"{API}/auth/{call}")), call
            assert await status(app, token) == 200
            assert (await client.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})).status_code == 200
            assert (await client.post(f"{API}/auth/sessions/{target}/revoke")).status_code == 200
            assert await status(app, token) == 401
            assert (await client.post(f"{API}/auth/sessions/revoke-all")).status_code == 200
        assert {await status(app, token) for token in started.values()} == {401}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/admin/users", {"username": "new", "password": PASSWORD}),
        ("POST", "/admin/users/ada/password", {"new": NEW}),
        ("POST", "/admin/users/ada/roles", {"roles": ["admin"]}),
        ("POST", "/admin/users/ada/sessions", {"expire_after": "1h"}),
        ("POST", "/admin/users/ada/disable", None),
        ("POST", "/admin/users/ada/erase", None),
        ("DELETE", "/admin/users/ada", None),
        ("POST", "/admin/clients", {"name": "Shop"}),
        ("POST", "/admin/keys/rotate", None),
        ("POST", "/auth/cli-token", {"scopes": ["admin"]}),
    ],
)
async def test_v7_5_3_what_gives_or_takes_power_asks_for_a_fresh_sign_in(app, clock, method, path, body):
    async with bearer(app, "root") as client:
        clock.advance(minutes=16)
        assert _asks_again(await client.request(method, f"{API}{path}", json=body))


def _asks_again(answer: httpx2.Response) -> bool:
    return (answer.status_code, answer.json()["code"]) == (401, "reauthentication_required")


async def test_v7_6_1_a_client_that_says_max_age_gets_no_code_for_an_older_sign_in(app, clock):
    party = await register(app)
    async with person(app) as client:
        clock.advance(minutes=10)
        answer = await client.get("/oauth/authorize", params=party.query(Pkce.new(), max_age="300"))
        assert "code=" not in answer.headers.get("location", "")
        answer = await client.get("/oauth/authorize", params=party.query(Pkce.new(), max_age="3600"))
        assert "code=" in answer.headers["location"]


async def test_v7_6_2_no_session_begins_without_somebody_who_asked_for_it(app):
    party = await register(app)
    async with visitor(app, accept="text/html") as nobody:
        for path in ("/sign-in", "/", "/oauth/authorize", "/settings/sessions"):
            answer = await nobody.get(path, params=party.query(Pkce.new()) if "oauth" in path else None)
            assert COOKIE not in answer.headers.get("set-cookie", ""), path
        # Signing somebody in from another site's page, as an account of the attacker's.
        fields = {"username": "eve", "password": PASSWORD}
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
            answer = await nobody.post("/sign-in", data=fields, headers=headers)
            assert answer.status_code == 403 and COOKIE not in answer.headers.get("set-cookie", "")
            body = fields | {"transport": "cookie"}
            answer = await nobody.post(f"{API}/auth/sessions", json=body, headers=headers)
            assert answer.status_code == 403 and COOKIE not in answer.headers.get("set-cookie", "")
    found = await app.authority.administration.search(by=OPERATOR)
    assert found.count == 0
