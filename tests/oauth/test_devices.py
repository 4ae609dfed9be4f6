"""One device, one grant: what a browser lets in hangs under it, goes on with it, and proves itself again."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.core.caller import Caller
from ostiary.storage import sessions
from tests.http.visitors import API, COOKIE, browser, sign_in
from tests.oauth.party import Pkce, claims_of, fields_of, form_of, person, register, tokens_of, with_access
from tests.support.people import PASSWORD

OPERATOR = Caller.operator("tests")


async def rows_of(app):
    async with app.authority.database.reading() as db:
        user = await app.authority.accounts.find("ada", by=OPERATOR)
        policy, now = app.authority.policy, app.authority.clock()
        found = await sessions.all_of_user(db, user.user.id, 100)
        return sorted((one for one in found if one.life(policy, now) == "live"), key=lambda one: one.parent_id or "")


async def silently(party, visitor, pkce=None):
    """What a client hears that asks without disturbing anybody."""
    answer = await visitor.get("/oauth/authorize", params=party.query(pkce or Pkce.new(), prompt="none"))
    assert answer.status_code == 303, answer.text
    return fields_of(answer)


async def test_thirty_silent_sign_ins_in_one_browser_are_one_live_grant(app, party, clock):
    """O4. The same session goes on; the tokens of before end nothing, and the newest refresh."""
    async with person(app) as ada:
        first = await party.sign_in(ada)
        tokens = first
        for _ in range(30):
            clock.advance(minutes=1)
            pkce = Pkce.new()
            tokens = tokens_of(await party.exchange((await silently(party, ada, pkce))["code"], pkce))
        assert tokens.sid == first.sid
        root, grant = await rows_of(app)
        assert (root.kind, grant.kind, grant.parent_id, grant.hold) == ("browser", "oauth", root.id, "bound")
        assert (await party.refresh(first.refresh)).json()["error"] == "invalid_grant"
        assert (await party.refresh(tokens.refresh)).status_code == 200
        assert len(await rows_of(app)) == 2


async def test_a_grant_that_goes_on_tells_the_newest_sign_in(app, party, clock):
    async with person(app) as ada:
        first = await party.sign_in(ada)
        clock.advance(minutes=10)
        answer = await ada.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})
        assert answer.status_code == 200
        second = await party.sign_in(ada)
    assert second.sid == first.sid
    assert claims_of(second.access)["auth_time"] - claims_of(first.access)["auth_time"] == 600


async def test_two_devices_are_two_grants_and_two_clients_two_on_one(app, party):
    other = await register(app, name="Other")
    async with person(app) as ada, browser(app) as phone:
        await sign_in(phone)
        sids = {(await one.sign_in(on)).sid for one in (party, other) for on in (ada, phone)}
    assert len(sids) == 4
    assert len({row.device_id for row in await rows_of(app)}) == 2


HOWS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a web client of the house": ({}, "openid offline_access", "bound"),
    "a public one": ({"is_public": True}, "openid offline_access", "bound"),
    "one that was registered to stand": ({"standing": True}, "openid", "standing"),
    "a program on a device": ({"is_public": True, "application_type": "native"}, "openid offline_access", "standing"),
    "the same, without asking to stay": ({"is_public": True, "application_type": "native"}, "openid", "bound"),
    "a stranger's": ({"third_party": True}, "openid offline_access", "standing"),
    "the same, without asking to": ({"third_party": True}, "openid", "bound"),
}


@pytest.mark.parametrize("how", HOWS)
async def test_how_a_grant_hangs_is_decided_by_who_asks_and_for_what(app, how):
    wanted, scope, hold = HOWS[how]
    party = await register(app, **wanted)
    async with person(app) as ada:
        pkce = Pkce.new()
        answer = await ada.get("/oauth/authorize", params=party.query(pkce, scope=scope))
        if answer.status_code == 200:
            answer = await ada.post("/oauth/authorize/decision", data={**form_of(answer), "decision": "yes"})
        assert "code" in fields_of(answer), answer.headers
        tokens = tokens_of(await party.exchange(fields_of(answer)["code"], pkce))
        root, grant = await rows_of(app)
        assert (grant.id, grant.hold, grant.device_id) == (tokens.sid, hold, root.id)
        assert (await ada.post(f"{API}/auth/logout")).status_code == 200
    assert (await party.refresh(tokens.refresh)).status_code == (400 if hold == "bound" else 200)


ENDINGS = {
    "from the application's list": lambda app, other, tokens: with_access(
        app, other.access, "POST", f"/oauth/sessions/{tokens.sid}/revoke"
    ),
    "all of the application": lambda app, other, tokens: with_access(
        app, other.access, "POST", "/oauth/logout-all", json={"application_id": claims_of(tokens.access)["client_id"]}
    ),
    "by an administrator": lambda app, other, tokens: app.authority.administration.revoke(tokens.sid, by=OPERATOR),
}


@pytest.mark.parametrize("how", ENDINGS)
async def test_a_device_that_was_ended_from_a_list_proves_itself_before_the_client_gets_a_code(app, party, clock, how):
    """O3. Ended on the laptop; the phone's next click does not undo it, and its password does."""
    async with person(app) as laptop, browser(app) as phone:
        await sign_in(phone)
        other, tokens = await party.sign_in(laptop), await party.sign_in(phone)
        clock.advance(minutes=1)
        await ENDINGS[how](app, other, tokens)
        assert (await party.refresh(tokens.refresh)).status_code == 400
        assert (await silently(party, phone))["error"] == "login_required"
        pkce = Pkce.new()
        page = await phone.get("/oauth/authorize", params=party.query(pkce))
        assert page.status_code == 200 and 'name="confirm_password"' in page.text
        done = await phone.post("/oauth/authorize/decision", data={**form_of(page), "confirm_password": PASSWORD})
        assert "code" in fields_of(done), done.headers
        again = tokens_of(await party.exchange(fields_of(done)["code"], pkce))
        assert again.sid != tokens.sid
        assert claims_of(again.access)["auth_time"] == int(clock().timestamp())
        assert "code" in await silently(party, phone)


async def test_a_client_that_logged_out_by_itself_comes_back_without_a_word(app, party):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
        assert (await ada.post("/oauth/logout", json={"refresh_token": tokens.refresh}, headers={})).status_code == 200
        await sign_in(ada)
        assert "code" in await silently(party, ada)


async def test_a_refresh_in_flight_of_the_tokens_before_ends_nothing(app, party, clock):
    """Settled: of a family that went, a token is unknown; within the new family, a second use is one."""
    async with person(app) as ada:
        first = await party.sign_in(ada)
        second = tokens_of(await party.refresh(first.refresh))
        third = await party.sign_in(ada)
        for old in (first, second):
            assert (await party.refresh(old.refresh)).json()["error"] == "invalid_grant"
        newest = tokens_of(await party.refresh(third.refresh))
        clock.advance(minutes=1)
        assert (await party.refresh(third.refresh)).json()["error"] == "invalid_grant"
        assert (await party.refresh(newest.refresh)).json()["error"] == "invalid_grant"
        assert ada.cookies[COOKIE]
