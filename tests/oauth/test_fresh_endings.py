"""Where the policy has a `step_up_age`, it holds at every door and extent by which more than one's own can end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ostiary.core.caller import Caller
from tests.http.visitors import API, add_people, browser, sign_in
from tests.oauth.conftest import lend_keys
from tests.oauth.party import form_of, person, register
from tests.support.people import PASSWORD

OPERATOR = Caller.operator("tests")
AGE = timedelta(minutes=1)


@pytest.fixture
async def app(make_app):
    async with make_app(step_up_age=AGE) as app:
        await add_people(app.authority)
        await lend_keys(app)
        yield app


async def is_signed_in(visitor) -> bool:
    return bool((await visitor.get(f"{API}/auth/whoami")).status_code == 200)


def namespace(device):
    async def revoke(server, tokens, target):
        headers = {"authorization": f"Bearer {tokens.access}", "content-type": "application/json"}
        body = {"device": True} if device else {}
        return await server.post(f"/oauth/sessions/{target}/revoke", headers=headers, json=body)

    return revoke


def api(**asked):
    async def revoke(ada, target):
        return await ada.post(f"{API}/auth/sessions/{target}/revoke", json=asked)

    return revoke


OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "own, what hangs below": ("own", {"extent": "below"}),
    "own, with what stands": ("own", {"standing": True}),
    "own, the device with what stands": ("own", {"extent": "device", "standing": True}),
    "own, below with what stands": ("own", {"extent": "below", "standing": True}),
    "what stands": ("standing", {}),
    "the device, by what stands": ("standing", {"extent": "device"}),
    "what is bound": ("bound", {}),
    "another device": ("phone", {"extent": "device"}),
}


@pytest.mark.parametrize("how", OTHERS)
async def test_the_api_asks_for_a_fresh_proof_before_others_end(app, party, clock, how):
    which, asked = OTHERS[how]
    agent = await register(app, name="Agent", standing=True)
    async with person(app) as ada, browser(app) as phone:
        there = (await sign_in(phone)).json()["session"]["id"]
        bound, standing = await party.sign_in(ada), await agent.sign_in(ada)
        own = (await ada.get(f"{API}/auth/sessions/current")).json()["id"]
        target = {"own": own, "standing": standing.sid, "bound": bound.sid, "phone": there}[which]
        clock.advance(seconds=AGE.total_seconds() + 6)
        answer = await api(**asked)(ada, target)
        assert (answer.status_code, answer.json()["code"]) == (401, "reauthentication_required")
        assert await is_signed_in(ada) and await is_signed_in(phone)
        for client, tokens in ((agent, standing), (party, bound)):
            assert (await client.refresh(tokens.refresh)).status_code == 200


@pytest.mark.parametrize("asked", [{}, {"extent": "session"}, {"extent": "device"}])
async def test_a_sign_out_of_the_device_alone_asks_nothing(app, party, clock, asked):
    agent = await register(app, name="Agent", standing=True)
    async with person(app) as ada:
        bound, standing = await party.sign_in(ada), await agent.sign_in(ada)
        own = (await ada.get(f"{API}/auth/sessions/current")).json()["id"]
        clock.advance(seconds=AGE.total_seconds() + 6)
        assert (await api(**asked)(ada, own)).status_code == 200
        assert not await is_signed_in(ada)
    assert (await party.refresh(bound.refresh)).status_code == 400
    assert (await agent.refresh(standing.refresh)).status_code == 200


async def test_an_applications_own_grant_is_its_to_end_and_the_device_is_not(app, party, clock):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
        clock.advance(seconds=AGE.total_seconds() + 6)
        async with party.server() as server:
            answer = await namespace(device=True)(server, tokens, tokens.sid)
            assert (answer.status_code, answer.json()["code"]) == (401, "reauthentication_required")
            assert await is_signed_in(ada)
            assert (await namespace(device=False)(server, tokens, tokens.sid)).json()["success"] is True
        assert await is_signed_in(ada)


@pytest.mark.parametrize("hinted", [False, True])
async def test_an_application_that_signs_out_cannot_have_more_ended_than_the_device_unasked(app, party, clock, hinted):
    agent = await register(app, name="Agent", standing=True)
    async with person(app) as ada, browser(app) as phone:
        await sign_in(phone)
        standing, elsewhere = await agent.sign_in(ada), await party.sign_in(phone)
        clock.advance(seconds=AGE.total_seconds() + 6)
        asked = {"id_token_hint": elsewhere.id} if hinted else {"client_id": party.id}
        back = {"post_logout_redirect_uri": "https://app.example/bye"}
        page = await ada.get("/oauth/end-session", params=asked | back)
        ticked = {**form_of(page), "standing": "yes"}
        unproved: tuple[dict[str, str], ...] = ({}, {"confirm_password": "wrong"})
        for more in unproved:
            page = await ada.post("/oauth/end-session", data=ticked | more)
            assert page.status_code == 401 and "Confirm your password" in page.text
            assert "form-action 'self' https://app.example" in page.headers["content-security-policy"]
            assert await is_signed_in(ada)
        refreshed = await agent.refresh(standing.refresh)
        assert refreshed.status_code == 200
        right = {**form_of(page), "confirm_password": PASSWORD}
        done = await ada.post("/oauth/end-session", data=right)
        assert (done.status_code, done.headers["location"]) == (303, back["post_logout_redirect_uri"])
        assert not await is_signed_in(ada)
        assert (await agent.refresh(refreshed.json()["refresh_token"])).status_code == 400
