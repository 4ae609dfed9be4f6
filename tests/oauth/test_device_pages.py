"""The page of devices: one row for each, with its applications under it by name."""

from __future__ import annotations

from tests.http.visitors import browser, sign_in
from tests.oauth.party import form_of, person, register


async def test_a_device_shows_its_applications_by_name_and_each_can_be_ended(app):
    shop, agent = await register(app), await register(app, name="Agent", standing=True)
    async with person(app) as ada, browser(app) as phone:
        await sign_in(phone)
        tokens, standing = await shop.sign_in(ada), await agent.sign_in(ada)
        page = (await ada.get("/settings/sessions")).text
        assert page.count('<li class="row') == 2
        assert "<b>Shop</b>" in page and "<b>Agent</b>" in page and "acts while you are away" in page
        assert "End 2 other sessions" in page  # the phone, and what acts while they are away
        assert "End 2 other sessions?" in (await ada.get("/settings/sessions/end-others")).text
        form = (await ada.get(f"/settings/sessions/{tokens.sid}/end")).text
        assert "Shop" in form
        assert (await ada.post("/sign-out", data=form_of(await ada.get("/sign-out")))).status_code == 303
        await sign_in(ada)
        page = (await ada.get("/settings/sessions")).text
        assert page.count('<li class="row') == 3  # what stands without its device is a row of its own
        heading = page.index("Acts for you while you are away")
        assert "Agent" in page[heading:] and "Agent" not in page[:heading] and "Shop" not in page
        assert standing.sid in page
