"""A leaked credential of each kind: all that hangs on it is shown, and refused at the next request at every door.

Nothing else of the same user is touched, and nothing of another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from ostiary.core.reach import ORDINARY_SCOPES
from ostiary.core.token import mint
from ostiary.sdk import AsyncOstiary
from tests.http.visitors import API, COOKIE, held, script, signed_in, visitor
from tests.oauth.party import SERVER_IP, Party, Pkce, Tokens, with_access

UNKNOWN = "a" * 26  # the random part of an id that nobody has


@dataclass
class Belongings:
    """What somebody holds who signed in once, made CLI tokens, and let a client act for them."""

    session: str
    session_id: str
    made: str
    made_by_that: str
    code: str
    oauth: Tokens
    old_refresh: str
    names: dict[str, str] = field(default_factory=dict)


async def settle(app: Any, party: Party, username: str) -> Belongings:
    async with signed_in(app, username) as person:
        token = held(person)
        pkce = Pkce.new()
        code = await party.code(person, pkce)
        first = (await party.exchange(code, pkce)).json()
    refreshed = (await party.refresh(first["refresh_token"])).json()
    oauth = Tokens(refreshed["access_token"], refreshed["refresh_token"], refreshed.get("id_token", ""), refreshed)
    made = await make_token(app, token)
    again = await make_token(app, made)
    found = Belongings(token, token.split(".")[0], made, again, code, oauth, first["refresh_token"])
    found.names = {
        found.session_id: "session",
        oauth.sid: "grant",
        made.split(".")[0]: "token",
        again.split(".")[0]: "token of token",
        code.split(".")[0]: "code",
        oauth.refresh.split(".")[0]: "family",
    }
    return found


async def make_token(app: Any, bearer: str) -> str:
    async with script(app, bearer) as holder:
        answer = await holder.post(
            f"{API}/auth/cli-token", json={"name": "made", "scopes": [*ORDINARY_SCOPES, "gateway"]}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])


async def works(app: Any, party: Party, mine: Belongings) -> set[str]:
    """What of somebody's belongings is still accepted; each is asked at every door that takes its kind."""
    doors = [f"{API}/auth/whoami", "/verify", f"{API}/auth/sessions"]
    answers: dict[str, list[int]] = {}
    async with visitor(app, cookie=f"{COOKIE}={mine.session}") as held:
        answers["session"] = [(await held.get(door)).status_code for door in doors]
    for name, bearer in (("session", mine.session), ("token", mine.made), ("token of token", mine.made_by_that)):
        async with script(app, bearer) as holder:
            answers.setdefault(name, []).extend([(await holder.get(door)).status_code for door in doors])
    for door in ("/oauth/sessions", "/oauth/userinfo", "/verify"):
        answer = await with_access(app, mine.oauth.access, "GET", door)
        answers.setdefault("grant", []).append(answer.status_code)
    inside = [(await party.introspect(token)).json()["active"] for token in (mine.oauth.access, mine.oauth.refresh)]
    answers["grant"] += [200 if active else 401 for active in inside]
    assert all(set(statuses) in ({200}, {401}) for statuses in answers.values()), answers
    return {name for name, statuses in answers.items() if set(statuses) == {200}}


async def administrator(app: Any) -> httpx2.AsyncClient:
    async with signed_in(app, "root") as browsing:
        return script(app, held(browsing))


ALL = {"session", "grant", "token", "token of token"}

LEAKS = {
    "session token": (lambda it: it.session, ALL),
    "cookie line": (lambda it: f"Cookie: a=b; {COOKIE}={it.session}; c=d", ALL),
    "set-cookie line": (lambda it: f"Set-Cookie: {COOKIE}={it.session}; Path=/; HttpOnly; Secure; SameSite=Lax", ALL),
    "session id": (lambda it: it.session_id, ALL),
    "access token": (lambda it: it.oauth.access, {"grant"}),
    "refresh token": (lambda it: it.oauth.refresh, {"grant"}),
    "old refresh token": (lambda it: it.old_refresh, {"grant"}),
    "refresh token id": (lambda it: it.oauth.refresh.split(".")[0], {"grant"}),
    "used code": (lambda it: it.code, {"grant"}),
    "CLI token": (lambda it: f"Authorization: Bearer {it.made}", {"token", "token of token"}),
    "CLI token id": (lambda it: it.made_by_that.split(".")[0], {"token of token"}),
}


@pytest.mark.parametrize("name", LEAKS)
async def test_what_hangs_on_a_credential_ends_and_nothing_else(app, party, name):
    read, expected = LEAKS[name]
    ada, other, eve = [await settle(app, party, who) for who in ("ada", "ada", "eve")]
    leaked = read(ada)
    async with await administrator(app) as root:
        before = (await root.post(f"{API}/admin/neutralise", json={"credential": leaked})).json()
        assert await works(app, party, ada) == ALL  # a preview ends nothing
        listed = {ada.names[thing["id"]] for thing in before["things"] if thing["works"]}
        assert listed - {"family"} == expected
        assert before["matches"] is (None if name.endswith(" id") else True)
        assert (before["username"], before["applied"]) == ("ada", False)
        answer = await root.post(f"{API}/admin/neutralise/apply", json={"credential": leaked})
        assert answer.status_code == 200, answer.text
        done = answer.json()
        assert done["applied"] is True
        assert (done["sessions"], done["tokens"]) == (before["sessions"], before["tokens"])
        assert done["sessions"] == len(expected & {"session", "grant"})
        assert await works(app, party, ada) == ALL - expected
        assert await works(app, party, other) == ALL
        assert await works(app, party, eve) == ALL
        if "grant" in expected:
            refused = await party.refresh(ada.oauth.refresh)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        again = (await root.post(f"{API}/admin/neutralise/apply", json={"credential": leaked})).json()
        assert (again["sessions"], again["tokens"]) == (0, 0)
        trail = (await root.get(f"{API}/admin/events?user=ada&limit=50")).json()["events"]
    acts = [event for event in trail if event["kind"] == "credential.neutralised"]
    assert [act["detail"]["sessions"] for act in acts] == [0, done["sessions"]]
    assert {event["reason"] for event in trail if event["kind"] == "session.revoked"} <= {"admin"}
    for secret in (ada.session, ada.made, ada.oauth.access, ada.oauth.refresh, ada.code):
        assert secret.rpartition(".")[2] not in str([before, done, trail])


async def test_an_access_token_that_has_expired_still_leads_to_its_session(app, party, clock):
    ada = await settle(app, party, "ada")
    clock.advance(minutes=30)
    async with await administrator(app) as root:
        found = (await root.post(f"{API}/admin/neutralise", json={"credential": ada.oauth.access})).json()
    assert (found["kind"], found["matches"], found["id"]) == ("access_token", True, ada.oauth.sid)
    alive = {thing["what"]: thing["works"] for thing in found["things"]}
    assert alive == {"session": True, "refresh_token": True, "access_tokens": False}


async def test_a_code_under_way_is_used_up(app, party):
    async with signed_in(app) as person:
        pkce = Pkce.new()
        code = await party.code(person, pkce)
        async with await administrator(app) as root:
            found = (await root.post(f"{API}/admin/neutralise", json={"credential": code})).json()
            assert [(thing["what"], thing["works"]) for thing in found["things"]] == [("code", True)]
            await root.post(f"{API}/admin/neutralise/apply", json={"credential": code})
        refused = await party.exchange(code, pkce)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert (await person.get(f"{API}/auth/whoami")).status_code == 200  # the code hangs on it, not it on the code


async def test_what_a_thief_made_survives_no_earlier_ending(app, party):
    """The session was ended already, but not the CLI token that was made in it, nor one that was rotated in it."""
    ada, other = await settle(app, party, "ada"), await settle(app, party, "ada")
    rotated = other.made.split(".")[0]
    async with script(app, ada.session) as thief:
        taken = (await thief.post(f"{API}/auth/cli-tokens/{rotated}/rotate")).json()["token"]
        await thief.post(f"{API}/auth/logout")
    async with await administrator(app) as root:
        done = (await root.post(f"{API}/admin/neutralise/apply", json={"credential": ada.session})).json()
    assert done["tokens"] == 4  # made, made by that, rotated, made by the rotated one
    async with script(app, taken) as thief:
        assert (await thief.get(f"{API}/auth/whoami")).status_code == 401
    assert await works(app, party, other) == {"session", "grant"}


async def test_a_wrong_secret_is_said_and_ends_nothing_until_the_id_is_given(app, party):
    ada = await settle(app, party, "ada")
    wrong = {
        "session": f"{ada.session_id}.{mint('sess').secret}",
        "cut off": ada.session[:-5],
        "CLI token": f"{ada.made.split('.')[0]}.{mint('ost').secret}",
        "refresh token": f"{ada.oauth.refresh.split('.')[0]}.{mint('ort').secret}",
        "code": f"{ada.code.split('.')[0]}.{mint('code').secret}",
        "access token": ada.oauth.access[:-8] + "AAAAAAAA",
    }
    async with await administrator(app) as root:
        for name, text in wrong.items():
            found = (await root.post(f"{API}/admin/neutralise", json={"credential": text})).json()
            assert found["matches"] is False, name
            refused = await root.post(f"{API}/admin/neutralise/apply", json={"credential": text})
            assert (refused.status_code, refused.json()["code"]) == (409, "conflict"), name
            assert text not in refused.text
            assert text.rpartition(".")[2] not in refused.text
        assert await works(app, party, ada) == ALL
        by_id = await root.post(f"{API}/admin/neutralise/apply", json={"credential": ada.session_id})
        assert by_id.json()["sessions"] == 2
    assert await works(app, party, ada) == set()


async def test_sessions_that_a_token_made_for_others_are_told_and_not_ended(app):
    async with await administrator(app) as root:
        made = (await root.post(f"{API}/auth/cli-token", json={"scopes": ["admin"]})).json()
        async with script(app, made["token"]) as thief:
            ways = {"expire_after": "1h"}
            minted = (await thief.post(f"{API}/admin/users/ada/sessions", json=ways)).json()
            own = (await thief.post(f"{API}/admin/users/root/sessions", json=ways)).json()
        done = (await root.post(f"{API}/admin/neutralise/apply", json={"credential": made["token"]})).json()
        told = {thing["id"]: (thing["what"], thing["works"]) for thing in done["things"]}
        assert told[minted["session"]["id"]] == ("session_of_another", True)
        assert told[own["session"]["id"]] == ("session", True)
        assert (done["sessions"], done["tokens"]) == (1, 1)
        async with visitor(app, cookie=minted["cookie"].split(";")[0]) as ada:
            assert (await ada.get(f"{API}/auth/whoami")).status_code == 200


async def test_only_administrators_and_only_with_a_fresh_sign_in(app, party, make_app, clock):
    ada = await settle(app, party, "ada")
    for bearer in (ada.session, ada.made, ada.oauth.access):
        async with script(app, bearer) as holder:
            for path in ("neutralise", "neutralise/apply"):
                answer = await holder.post(f"{API}/admin/{path}", json={"credential": ada.session})
                assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    async with visitor(app) as nobody:
        answer = await nobody.post(f"{API}/admin/neutralise", json={"credential": ada.session})
        assert answer.status_code == 401
    async with make_app(step_up_age=timedelta(minutes=15)) as strict, await administrator(strict) as root:
        clock.advance(minutes=16)
        assert (await root.post(f"{API}/admin/neutralise", json={"credential": ada.session})).status_code == 200
        answer = await root.post(f"{API}/admin/neutralise/apply", json={"credential": ada.session})
        assert answer.json()["code"] == "reauthentication_required"
    async with script(app, ada.session) as holder:
        assert (await holder.get(f"{API}/auth/whoami")).status_code == 200


@pytest.mark.parametrize(
    ("credential", "status", "code"),
    [
        (f"sess_{UNKNOWN}", 404, "session_not_found"),
        (f"sess_{UNKNOWN}.{'A' * 43}", 404, "session_not_found"),
        (f"ort_{UNKNOWN}.{'A' * 43}", 404, "session_not_found"),
        (f"code_{UNKNOWN}.{'A' * 43}", 404, "session_not_found"),
        (f"ost_{UNKNOWN}", 404, "token_not_found"),
        ("garbage", 422, "invalid_request"),
        ("", 422, "invalid_request"),
        (5, 422, "invalid_request"),
        (None, 422, "invalid_request"),
        ("\x00" * 99, 422, "invalid_request"),
        ("é" * 20_000, 422, "invalid_request"),
        ("eyJ" * 350_000, 413, "invalid_request"),
    ],
)
async def test_garbage_of_any_size_is_one_clear_refusal(app, credential, status, code):
    async with await administrator(app) as root:
        for path in ("neutralise", "neutralise/apply"):
            answer = await root.post(f"{API}/admin/{path}", json={"credential": credential})
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert len(answer.text) < 1500


async def test_through_the_sdk(app, party):
    ada = await settle(app, party, "ada")
    async with await administrator(app) as root:
        sdk = AsyncOstiary("https://auth.test", http_client=root)
        admin = sdk.for_request(root.headers).admin
        found = await admin.leaks.preview(ada.session)
        assert (found.matches, found.sessions, found.applied) == (True, 2, False)
        done = await admin.leaks.neutralise(ada.session)
        assert (done.sessions, done.tokens, done.applied) == (2, 2, True)
    async with visitor(app, ip=SERVER_IP) as server:
        client = AsyncOstiary("https://auth.test", http_client=server, client_id=party.id, client_secret=party.secret)
        assert not (await client.oauth.introspect(ada.oauth.refresh)).active
