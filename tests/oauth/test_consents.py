"""What a user has allowed can be looked at and taken back (ASVS 5.0 10.7.3)."""

from __future__ import annotations

import pytest

from ostiary.errors import ClientNotFound, NotAllowed
from tests.oauth.party import Pkce, fields_of, form_of, person, register
from tests.support.people import at, caller, sign_in

HERE = "/settings/applications"


async def allow(browser, party, pkce) -> str:
    """Agree on the page that asks. The code."""
    asking = await browser.get("/oauth/authorize", params=party.query(pkce))
    assert asking.status_code == 200
    answer = await browser.post("/oauth/authorize/decision", data={**form_of(asking), "decision": "yes"})
    return fields_of(answer)["code"]


async def test_asvs_10_7_3_an_application_that_was_sent_away_is_refused_and_has_to_ask_again(app):
    party = await register(app, name="Calendar", third_party=True)
    async with person(app) as ada:
        pkce = Pkce.new()
        tokens = (await party.exchange(await allow(ada, party, pkce), pkce)).json()
        page = await ada.get(HERE)
        assert "Calendar" in page.text and "1 live session" in page.text and "see your email address" in page.text
        confirm = await ada.get(f"{HERE}/{party.id}/withdraw")
        done = await ada.post(f"{HERE}/{party.id}/withdraw", data=form_of(confirm))
        assert done.status_code == 303
        assert "You have allowed no application" in (await ada.get(HERE)).text
        assert (await party.introspect(tokens["access_token"])).json() == {"active": False}
        asking = await ada.get("/oauth/authorize", params=party.query(Pkce.new()))
        assert asking.status_code == 200 and "Allow Calendar?" in asking.text


async def test_a_code_under_way_does_not_become_a_session_after_the_application_was_sent_away(app):
    party = await register(app, name="Calendar", third_party=True)
    async with person(app) as ada:
        pkce = Pkce.new()
        code = await allow(ada, party, pkce)
        confirm = await ada.get(f"{HERE}/{party.id}/withdraw")
        await ada.post(f"{HERE}/{party.id}/withdraw", data=form_of(confirm))
    late = await party.exchange(code, pkce)
    assert late.status_code == 400 and late.json()["error"] == "invalid_grant"


async def test_nobody_can_look_at_or_take_back_what_somebody_else_has_allowed(app):
    party = await register(app, name="Calendar", third_party=True)
    async with person(app) as ada:
        pkce = Pkce.new()
        tokens = (await party.exchange(await allow(ada, party, pkce), pkce)).json()
    authority = app.authority
    eve = await caller(authority, await sign_in(authority, "eve"))
    assert await authority.oauth.consents.list(by=eve) == []
    for act in (authority.oauth.consents.find, authority.oauth.consents.withdraw):
        with pytest.raises(ClientNotFound):
            await act(party.id, by=eve)
    assert (await party.introspect(tokens["access_token"])).json()["active"]
    own = await authority.verify(tokens["access_token"], at())
    with pytest.raises(NotAllowed):  # an application must not grant or hide what its user allowed
        await authority.oauth.consents.withdraw(party.id, by=own)


async def test_other_applications_and_the_persons_own_session_stay(app):
    calendar = await register(app, name="Calendar", third_party=True)
    shop = await register(app)
    async with person(app) as ada:
        own = await shop.sign_in(ada)
        pkce = Pkce.new()
        await calendar.exchange(await allow(ada, calendar, pkce), pkce)
        confirm = await ada.get(f"{HERE}/{calendar.id}/withdraw")
        await ada.post(f"{HERE}/{calendar.id}/withdraw", data=form_of(confirm))
        assert (await ada.get(HERE)).status_code == 200
    assert (await shop.introspect(own.access)).json()["active"]
