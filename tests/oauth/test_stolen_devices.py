"""A laptop that was stolen: what it let in that acts while its person is away is said, and can be ended with it."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from tests.http.visitors import API, browser, sign_in
from tests.oauth.party import form_of, person, register


@asynccontextmanager
async def stolen(app):
    """What acts for ada by the laptop; what ends the laptop's id; and ada and root elsewhere."""
    agent, shop = await register(app, name="Agent", standing=True), await register(app)
    async with person(app) as laptop, browser(app) as phone, person(app, "root") as root:
        await sign_in(phone)
        standing, bound = await agent.sign_in(laptop), await shop.sign_in(laptop)
        current = (await laptop.get(f"{API}/auth/sessions/current")).json()["id"]

        async def works() -> bool:
            nonlocal standing
            answer = await agent.refresh(standing.refresh)
            if answer.status_code == 200:
                standing.refresh = answer.json()["refresh_token"]
            return answer.status_code == 200

        yield current, {"ada": phone, "root": root}, works
        assert (await laptop.get(f"{API}/auth/whoami")).status_code == 401
        assert (await shop.refresh(bound.refresh)).status_code == 400


DOORS = {"ada": f"{API}/auth/sessions", "root": f"{API}/admin/sessions"}
PAGES = {"ada": "/settings/sessions", "root": "/admin/sessions"}


@pytest.mark.parametrize("who", DOORS)
async def test_an_ending_says_what_still_acts_and_ends_it_also_afterwards(app, who):
    async with stolen(app) as (laptop, people, works):
        path = f"{DOORS[who]}/{laptop}/revoke"
        for _ in range(2):
            assert (await people[who].post(path)).json()["live_standing"] == 1
        assert await works()
        assert (await people[who].post(path, json={"extent": "device"})).json()["live_standing"] == 1
        assert (await people[who].post(path, json={"standing": True})).json()["live_standing"] == 0
        assert not await works()
        assert (await people[who].post(path)).json()["live_standing"] == 0


@pytest.mark.parametrize("who", PAGES)
@pytest.mark.parametrize("ticked", [True, False])
async def test_the_page_names_what_would_still_act_and_ends_it_by_a_tick(app, who, ticked):
    async with stolen(app) as (laptop, people, works):
        path = f"{PAGES[who]}/{laptop}/end"
        page = await people[who].get(path)
        assert 'name="standing"' in page.text and "while" in page.text and "Agent" in page.text
        done = await people[who].post(path, data=form_of(page) | ({"standing": "yes"} if ticked else {}))
        assert done.status_code == 303
        assert await works() is not ticked
        if not ticked:  # also when the device has ended
            page = await people[who].get(path)
            assert 'name="standing"' in page.text
            await people[who].post(path, data=form_of(page) | {"standing": "yes"})
            assert not await works()
        assert 'name="standing"' not in (await people[who].get(path)).text


async def test_a_session_that_let_in_nothing_has_no_tick(app, party):
    async with person(app) as ada, browser(app) as phone:
        other = (await sign_in(phone)).json()["session"]["id"]
        await party.sign_in(ada)
        assert 'name="standing"' not in (await ada.get(f"/settings/sessions/{other}/end")).text
        assert (await ada.post(f"{API}/auth/sessions/{other}/revoke")).json()["live_standing"] == 0


async def test_this_was_not_me_ends_what_acts_for_one_and_names_the_cli_tokens_before(app):
    async with stolen(app) as (laptop, people, works):
        ada = people["ada"]
        made = await ada.post(f"{API}/auth/cli-token", json={"name": "not-mine"})
        assert made.status_code == 201, made.text
        path = f"/settings/sessions/{laptop}/disown"
        page = await ada.get(path)
        assert "1 CLI token would still work" in page.text and "not-mine" in page.text
        assert 'name="tokens" value="yes" checked' in page.text
        done = await ada.post(path, data=form_of(page) | {"tokens": "yes"})
        assert done.headers["location"] == "/settings/password"
        assert "Ended with that: 1 CLI token." in (await ada.get("/settings/password")).text
        bearer = {"authorization": f"Bearer {made.json()['token']}"}
        async with browser(app, **bearer) as robot:
            assert (await robot.get(f"{API}/auth/whoami")).status_code == 401
        assert not await works()
        assert 'name="tokens"' not in (await ada.get(path)).text
