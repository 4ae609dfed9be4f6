"""`POST /api/v1/verifications`: who may ask, what is answered, and what cannot be got out of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ostiary.core.oauth.client import Registration
from ostiary.core.token import mint
from tests.http.visitors import API, NOBODYS_TOKEN, OPERATOR, bearer, cli_token, held, script, signed_in, visitor

PATH = f"{API}/verifications"
FIREFOX_ELSEWHERE = {"ip": "198.51.100.20", "user_agent": "Mozilla/5.0 Elsewhere"}


@pytest.fixture
async def machine(app):
    """A program with an administrator's CLI token."""
    async with script(app, await cli_token(app, "root", scopes=["feed:read"])) as client:
        yield client


@pytest.fixture
def make_app(make_app):
    return lambda **changes: make_app(**{"key": "k" * 43, **changes})


async def ask(client, *tokens, **more):
    answer = await client.post(PATH, json={"credentials": [{"token": token, **more} for token in tokens]})
    assert answer.status_code == 200, answer.text
    return answer.json()


def without_request_id(problem):
    return {name: value for name, value in problem.items() if name != "request_id"}


async def test_each_credential_is_answered_in_order(app, machine, clock):
    cli = await cli_token(app, scopes=["sessions:read"])
    async with signed_in(app) as ada, signed_in(app, "root") as root:
        body = await ask(machine, held(root), NOBODYS_TOKEN, held(ada), cli)
        me = (await ada.get(f"{API}/auth/whoami")).json()
    assert body["now"] == "2026-01-15T12:00:00Z"
    one, two, three, four = body["answers"]
    assert (one["user"]["username"], one["user"]["roles"]) == ("root", ["admin", "member"])
    assert two["error"]["code"] == "session_invalid" and set(two) == {"error"}
    assert three == {
        "user": {"id": me["user"]["id"], "username": "ada", "roles": ["member"]},
        "session": {
            "id": me["session"]["id"],
            "created_at": me["session"]["created_at"],
            "expires_at": me["session"]["expires_at"],
            "auth_time": me["session"]["created_at"],
            "kind": "browser",
            "tenant": "default",
            "application_id": None,
            "amr": ["pwd"],
            "remaining_s": timedelta(days=60).total_seconds(),
            "limit": "idle",
        },
        "token": None,
        "client_id": None,
        "scopes": None,
    }
    assert four["session"] is None
    assert four["token"]["id"] == cli.partition(".")[0]
    assert (four["token"]["scopes"], four["scopes"]) == (["sessions:read"], None)


async def test_a_revocation_is_seen_by_the_next_question(app, machine):
    async with signed_in(app) as ada:
        token = held(ada)
        assert "user" in (await ask(machine, token))["answers"][0]
        await ada.post(f"{API}/auth/logout")
        (answer,) = (await ask(machine, token))["answers"]
    assert (answer["error"]["code"], answer["error"]["reason"]) == ("session_revoked", "logout")


async def test_who_only_looks_does_not_keep_a_session_alive(app, machine, clock):
    async with signed_in(app) as ada:
        token = held(ada)
    clock.advance(days=59)
    for _ in range(2):
        (answer,) = (await ask(machine, token, is_use=False, **FIREFOX_ELSEWHERE))["answers"]
        assert answer["session"]["remaining_s"] == timedelta(days=1).total_seconds()
    clock.advance(days=1)
    (answer,) = (await ask(machine, token, is_use=False))["answers"]
    assert (answer["error"]["code"], answer["error"]["limit"]) == ("session_expired", "idle")


async def test_it_says_what_the_holder_hears_and_nothing_else(app, machine, clock):
    """Wrong secret of a live or an ended session, unknown, malformed: one answer. The right secret hears why."""
    async with signed_in(app) as ada, signed_in(app) as other:
        live, ended = held(ada), held(other)
        await other.post(f"{API}/auth/logout")
        wrong = [mint("sess", token.partition(".")[0]).text for token in (live, ended)]
        strange = [*wrong, NOBODYS_TOKEN, "x", live + "A", mint("ort").text, mint("code").text, "a.b.c", "é" * 60]
        answers = (await ask(machine, *strange, ended))["answers"]
        async with script(app, ended) as holder:
            heard = (await holder.get(f"{API}/auth/whoami")).json()
    *refusals, right = [without_request_id(answer["error"]) for answer in answers]
    assert {tuple(refusal.items()) for refusal in refusals} == {tuple(refusals[0].items())}
    assert refusals[0]["code"] == "session_invalid"
    assert right == without_request_id(heard)


async def test_remaining_time_is_that_of_the_nearest_limit(make_app, clock):
    from tests.http.visitors import add_people

    async with make_app(policy="nist-aal2") as app:
        await add_people(app.authority)
        secret = await cli_token(app, "root", scopes=["feed:read"])
        async with script(app, secret) as machine, signed_in(app) as ada:
            clock.advance(minutes=50)
            first = (await ask(machine, held(ada)))["answers"][0]["session"]
            assert (first["remaining_s"], first["limit"]) == (600.0, "idle")
            await app.authority.presence.flush()
            again = (await ask(machine, held(ada)))["answers"][0]["session"]
            assert again["remaining_s"] == 3600.0  # the question itself was a use
            clock.advance(hours=1)
            refused = (await ask(machine, held(ada)))["answers"][0]["error"]
            assert (refused["code"], refused["limit"]) == ("session_expired", "idle")


async def test_use_is_recorded_where_the_program_says_it_was(app, machine, clock):
    async with signed_in(app) as ada:
        clock.advance(minutes=5)
        await ask(machine, held(ada), **FIREFOX_ELSEWHERE)
        await app.authority.presence.flush()
        async with bearer(app, "ada") as watcher:
            rows = (await watcher.get(f"{API}/auth/sessions")).json()
        row = next(row for row in rows if row["id"] == held(ada).partition(".")[0])
        assert (row["ip"], row["user_agent"], row["last_used_at"]) == (
            *FIREFOX_ELSEWHERE.values(),
            "2026-01-15T12:05:00Z",
        )
        clock.advance(minutes=5)
        await ask(machine, held(ada))  # it does not know where: the place stays, the time moves
        await app.authority.presence.flush()
        async with bearer(app, "ada") as watcher:
            rows = (await watcher.get(f"{API}/auth/sessions")).json()
        row = next(row for row in rows if row["id"] == held(ada).partition(".")[0])
        assert (row["ip"], row["last_used_at"]) == ("198.51.100.20", "2026-01-15T12:10:00Z")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"credentials": []}, "credentials"),
        ({"credentials": [{"token": "x"}] * 1001}, "credentials"),
        ({"credentials": [{"token": ""}]}, "credentials[0].token"),
        ({"credentials": [{"token": "x" * 4097}]}, "credentials[0].token"),
        ({"credentials": [{}]}, "credentials[0].token"),
        ({"credentials": [{"token": 7}]}, "credentials[0].token"),
        ({"credentials": [{"token": "x"}, {"token": "x", "ip": "nowhere"}]}, "credentials[1].ip"),
        ({"credentials": [{"token": "x", "ip": "1" * 65}]}, "credentials[0].ip"),
        ({"credentials": [{"token": "x", "user_agent": "x" * 8193}]}, "credentials[0].user_agent"),
        ({"credentials": [{"token": "x", "user_agent": "a\0b"}]}, "credentials[0].user_agent"),
        ({"credentials": [{"token": "x", "cookie": "y"}]}, "credentials[0].cookie"),
        ({"tokens": []}, "tokens"),
    ],
)
async def test_a_wrong_body_is_refused_and_the_field_named(app, machine, body, field):
    answer = await machine.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["field"].removesuffix("[]").startswith(field.removesuffix(".cookie")), answer.json()


async def test_a_body_is_read_up_to_its_bound(app, machine):
    tokens = ["x" * 900] * 1000
    assert len((await ask(machine, *tokens))["answers"]) == 1000
    too_much = await machine.post(PATH, content=b"x" * (1024 * 1024 + 1), headers={"content-type": "application/json"})
    assert too_much.status_code == 413


# Who may ask.


async def test_nobody_hears_anything(app):
    async with visitor(app) as nobody:
        answer = await nobody.post(PATH, json={"credentials": [{"token": "x"}]})
    assert (answer.status_code, answer.json()["code"]) == (401, "no_credentials")


async def test_a_session_is_refused_however_mighty(app):
    for username in ("ada", "root"):
        async with bearer(app, username) as person, signed_in(app, username) as page:
            for client in (person, page):
                answer = await client.post(PATH, json={"credentials": [{"token": "x"}]})
                assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


async def test_a_token_without_the_scope_is_refused(app):
    for username, scopes in (("ada", ["sessions:read", "sessions:revoke"]), ("root", ["sessions:read"])):
        async with script(app, await cli_token(app, username, scopes=scopes)) as client:
            answer = await client.post(PATH, json={"credentials": [{"token": "x"}]})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


async def test_a_token_of_somebody_who_is_no_administrator_any_more_is_refused(app, machine):
    await ask(machine, "x")
    await app.authority.accounts.add("second", "correct horse battery", by=OPERATOR, roles=("admin", "member"))
    await app.authority.accounts.set_roles("root", ("member",), by=OPERATOR)
    answer = await machine.post(PATH, json={"credentials": [{"token": "x"}]})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


async def registered(app, **wanted):
    return await app.authority.oauth.clients.add(Registration(name="Shop", **wanted), by=OPERATOR)


async def test_a_confidential_client_asks_with_its_own_secret(app):
    added = await registered(app, scopes=["feed:read"])
    async with visitor(app) as client, signed_in(app) as ada:
        right = await client.post(
            PATH, json={"credentials": [{"token": held(ada)}]}, auth=(added.client.id, added.secret)
        )
        assert right.json()["answers"][0]["user"]["username"] == "ada"
        other = await registered(app, scopes=["feed:read"])
        for auth in (
            (added.client.id, ""),
            (added.client.id, "A" * 43),
            (added.client.id, other.secret),
            (other.client.id, added.secret),
            ("client_" + "a" * 26, added.secret),
            ("root", "correct horse battery"),
            ("", ""),
        ):
            wrong = await client.post(PATH, json={"credentials": [{"token": held(ada)}]}, auth=auth)
            assert (wrong.status_code, wrong.json()["code"]) == (401, "session_invalid")
        broken = await client.post(PATH, json={"credentials": [{"token": "x"}]}, headers={"authorization": "Basic ???"})
        assert (broken.status_code, broken.json()["code"]) == (401, "session_invalid")


async def test_a_public_client_proves_nothing(app):
    public = await registered(app, is_public=True, redirect_uris=["https://app.example/callback"])
    async with visitor(app) as client:
        answer = await client.post(PATH, json={"credentials": [{"token": "x"}]}, auth=(public.client.id, ""))
    assert (answer.status_code, answer.json()["code"]) == (401, "session_invalid")


async def test_a_client_needs_the_scope(app):
    for wanted, status in (({}, 403), ({"scopes": ["gateway"]}, 403), ({"scopes": ["gateway", "feed:read"]}, 200)):
        added = await registered(app, **wanted)
        async with visitor(app) as client:
            auth = (added.client.id, added.secret)
            answer = await client.post(PATH, json={"credentials": [{"token": "x"}]}, auth=auth)
        assert answer.status_code == status


async def test_a_clients_own_access_token_needs_the_scope(app):
    for scopes, status in ((["gateway", "feed:read"], 200), (["gateway"], 403)):
        added = await registered(app, scopes=scopes)
        async with visitor(app) as client:
            form = {"grant_type": "client_credentials"}
            got = (await client.post("/oauth/token", data=form, auth=(added.client.id, added.secret))).json()
        async with script(app, got["access_token"]) as client:
            answer = await client.post(PATH, json={"credentials": [{"token": got["access_token"]}]})
        assert answer.status_code == status, answer.text
        if status == 200:
            found = answer.json()["answers"][0]
            assert found["user"] == {"id": added.client.id, "username": None, "roles": []}
            assert (found["client_id"], found["scopes"]) == (added.client.id, ["gateway", "feed:read"])


async def test_a_page_of_another_site_cannot_use_a_cookie_for_it(app):
    async with signed_in(app, "root") as page:
        answer = await page.post(
            PATH,
            json={"credentials": [{"token": "x"}]},
            headers={"sec-fetch-site": "cross-site", "origin": "https://evil"},
        )
    assert answer.status_code == 403
