"""RP-initiated logout: a hint ends what it names, a browser's sign-out what the browser let in, and nothing is left."""

from __future__ import annotations

import pytest

from ostiary.core.caller import Caller
from tests.http.visitors import API, COOKIE, browser, sign_in
from tests.oauth.party import GOODBYE, form_of, person, register, tokens_of

OPERATOR = Caller.operator("tests")


async def leave(visitor, **asked):
    return await visitor.get("/oauth/end-session", params=asked)


async def is_signed_in(visitor) -> bool:
    return bool((await visitor.get(f"{API}/auth/whoami")).status_code == 200)


async def test_a_hint_ends_what_it_names_when_the_browser_has_forgotten_all(app, party):
    """O1: the authority's cookies are gone, and the refresh token must not go on."""
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
    async with browser(app) as forgetful:
        answer = await leave(forgetful, id_token_hint=tokens.id, post_logout_redirect_uri=GOODBYE, state="s")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{GOODBYE}?state=s")
    assert (await party.refresh(tokens.refresh)).json()["error"] == "invalid_grant"


async def test_a_hint_of_who_is_signed_in_ends_the_device_without_a_click(app, party):
    """O2, O10: the session that it names, and all that this browser let in."""
    other = await register(app, name="Other")
    async with person(app) as ada, person(app) as phone:
        tokens, others, elsewhere = await party.sign_in(ada), await other.sign_in(ada), await party.sign_in(phone)
        answer = await leave(ada, id_token_hint=tokens.id, post_logout_redirect_uri=GOODBYE)
        assert (answer.status_code, answer.headers["location"]) == (303, GOODBYE)
        assert f"{COOKIE}=;" in answer.headers["set-cookie"] and not await is_signed_in(ada)
        assert await is_signed_in(phone)
    assert (await party.refresh(tokens.refresh)).status_code == 400
    assert (await other.refresh(others.refresh)).status_code == 400
    assert (await party.refresh(elsewhere.refresh)).status_code == 200


@pytest.mark.parametrize("how", [{}, {"third_party": True}], ids=["bound", "standing"])
async def test_a_hint_from_another_device_ends_what_it_names_and_asks_before_it_signs_this_one_out(app, party, how):
    """Any application keeps ID tokens: one of the phone's, in a link, is no reason to end the laptop unasked."""
    there = await register(app, name="There", **how)
    async with person(app) as laptop, browser(app) as phone:
        await sign_in(phone)
        mine, others = await party.sign_in(laptop), await party.sign_in(phone)
        sign = there.agree if how else there.sign_in
        theirs = await sign(phone, scope="openid offline_access" if how else "openid")
        asked = {"id_token_hint": theirs.id, "post_logout_redirect_uri": GOODBYE}
        for page in (
            await leave(laptop, **asked),
            await leave(laptop, **asked),
        ):  # at the second, what it names has ended
            assert page.status_code == 200 and "There" in page.text
            assert await is_signed_in(laptop) and await is_signed_in(phone)
            assert not [name for name in page.headers.get_list("set-cookie") if name.startswith(COOKIE)]
        mine = tokens_of(await party.refresh(mine.refresh))
        assert (await there.refresh(theirs.refresh)).status_code == 400
        done = await laptop.post("/oauth/end-session", data=form_of(await leave(laptop, **asked)))
        assert (done.status_code, done.headers["location"]) == (303, GOODBYE)
        assert not await is_signed_in(laptop) and await is_signed_in(phone)
    assert (await party.refresh(mine.refresh)).status_code == 400
    assert (await party.refresh(others.refresh)).status_code == 200


async def test_a_hint_of_this_device_signs_out_though_what_it_names_has_ended(app, party):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
        await app.authority.administration.revoke(tokens.sid, by=OPERATOR)
        assert await is_signed_in(ada)
        assert (await leave(ada, id_token_hint=tokens.id)).status_code == 303
        assert not await is_signed_in(ada)


async def test_without_a_hint_one_press_ends_what_the_browser_let_in_and_says_what(app, party):
    """O2: it says what ends; what stands by itself ends with it only where that is ticked."""
    agent = await register(app, name="Agent", is_public=True, application_type="native")
    for ticked in (False, True):
        async with person(app) as ada:
            tokens = await party.sign_in(ada)
            standing = await agent.sign_in(ada, scope="openid offline_access")
            page = await leave(ada)
            assert page.status_code == 200 and "Shop" in page.text and "Agent" in page.text
            assert await is_signed_in(ada)  # the GET ended nothing
            form = form_of(page) | ({"standing": "yes"} if ticked else {})
            assert (await ada.post("/oauth/end-session", data=form)).status_code == 303
            assert not await is_signed_in(ada)
        assert (await party.refresh(tokens.refresh)).status_code == 400
        assert (await agent.refresh(standing.refresh)).status_code == (400 if ticked else 200)


async def test_a_hint_of_somebody_else_ends_nothing_and_asks_who_is_signed_in(app, party):
    async with person(app, "eve") as eve:
        theirs = await party.sign_in(eve)
    async with person(app) as ada:
        mine = await party.sign_in(ada)
        page = await leave(ada, id_token_hint=theirs.id)
        assert page.status_code == 200 and await is_signed_in(ada)
    assert (await party.refresh(theirs.refresh)).status_code == 200
    assert (await party.refresh(mine.refresh)).status_code == 200


@pytest.mark.parametrize("hint", ["nonsense", "of another client"])
async def test_a_hint_that_proves_nothing_ends_nothing(app, party, hint):
    other = await register(app, name="Other")
    async with person(app) as ada:
        tokens, others = await party.sign_in(ada), await other.sign_in(ada)
        sent = {"id_token_hint": "x.y.z"} if hint == "nonsense" else {"id_token_hint": others.id, "client_id": party.id}
        assert (await leave(ada, **sent)).status_code in (200, 400)
        assert await is_signed_in(ada)
    assert (await party.refresh(tokens.refresh)).status_code == 200
    assert (await other.refresh(others.refresh)).status_code == 200


async def test_an_applications_list_shows_its_own_devices_and_ends_a_whole_one(app, party):
    async with person(app) as laptop, browser(app) as phone:
        await sign_in(phone)
        mine, theirs = await party.sign_in(laptop), await party.sign_in(phone)
        async with party.server() as server:
            headers = {"authorization": f"Bearer {mine.access}", "content-type": "application/json"}
            listed = (await server.get("/oauth/sessions", headers=headers)).json()
            assert (listed["count"], listed["devices"], {one["id"] for one in listed["sessions"]}) == (
                2, 2, {mine.sid, theirs.sid},
            )  # fmt: skip
            path = f"/oauth/sessions/{theirs.sid}/revoke"
            done = await server.post(path, headers=headers, json={"device": True})
            assert done.status_code == 200, done.text
            assert done.json()["success"] is True
        assert await is_signed_in(laptop) and not await is_signed_in(phone)


async def test_a_strangers_application_ends_no_device(app, party):
    stranger = await register(app, name="Else", third_party=True, scopes=["openid", "sessions:revoke"])
    async with person(app) as ada:
        tokens = await stranger.agree(ada, scope="openid sessions:revoke")
        async with stranger.server() as server:
            headers = {"authorization": f"Bearer {tokens.access}", "content-type": "application/json"}
            path = f"/oauth/sessions/{tokens.sid}/revoke"
            assert (await server.post(path, headers=headers, json={"device": True})).status_code == 403
        assert await is_signed_in(ada)
