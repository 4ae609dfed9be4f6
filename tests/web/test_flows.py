"""What a person does, in a real browser at a real server."""

from __future__ import annotations

import re

from tests.support.people import CHROME, IPHONE, PASSWORD, at
from tests.support.processes import Server
from tests.web.visitors import HERE


async def test_set_up_from_the_one_time_link_makes_an_administrator_and_signs_in(visitors, site, tmp_path):
    visitor = await visitors()
    site_url = visitor.site.server
    server = Server(f"sqlite:///{tmp_path}/new.db", tmp_path).start()
    try:
        link = re.search(r"/setup\?code=\S+", server.log.read_text())
        assert link is not None
        visitor.site.server = server
        await visitor.goto(link[0])
        await visitor.page.get_by_label("Username").fill("root")
        await visitor.page.get_by_label("Password").fill(PASSWORD)
        await visitor.press("Make the account")
        await visitor.sees("Your account was made, and you are signed in.")
        assert await visitor.goto(link[0]) == 404
        await visitor.sees("This set-up link doesn't work any more")
        await visitor.goto(HERE)
        await visitor.press("Sign out")
        await visitor.sees("You are signed out")
    finally:
        visitor.site.server = site_url
        server.stop()


async def test_a_wrong_password_is_said_and_the_name_stays_typed(visitors, site):
    user = await site.user()
    visitor = await visitors()
    await visitor.goto("/sign-in")
    await visitor.type_sign_in(user, "not the password")
    await visitor.sees("The username or the password is wrong.")
    assert await visitor.page.get_by_label("Username").input_value() == user.username
    assert await visitor.page.get_by_label("Password").input_value() == ""
    await visitor.page.get_by_label("Password").fill(PASSWORD)
    await visitor.press("Sign in")
    await visitor.page.wait_for_url(f"**{HERE}")


async def test_sign_in_leads_to_where_one_wanted_to_go(visitors, site):
    user = await site.user()
    visitor = await visitors()
    await visitor.goto("/settings/tokens")
    assert visitor.page.url == f"{site.url}/sign-in?next=/settings/tokens"
    await visitor.type_sign_in(user)
    await visitor.page.wait_for_url("**/settings/tokens")


async def test_the_list_shows_four_sign_ins_this_device_first(visitors, site):
    user = await site.user()
    for agent, ip in ((CHROME, "203.0.113.1"), (IPHONE, "203.0.113.2"), ("curl/8.5", "203.0.113.3")):
        await site.sign_in(user, at(ip, agent))
    visitor = await visitors()
    await visitor.sign_in(user)
    rows = visitor.rows()
    assert await rows.count() == 4
    first = await rows.first.inner_text()
    assert "Firefox on Linux" in first and "This device" in first and "Active now" in first
    text = await visitor.page.locator("#sessions").inner_text()
    for words in ("Chrome on Windows", "203.0.113.1", "Mobile Safari on iOS", "203.0.113.2", "curl", "203.0.113.3"):
        assert words in text
    icons = await visitor.page.locator("#sessions .device use").evaluate_all(
        "all => all.map(one => one.getAttribute('href').split('#')[1])"
    )
    assert icons[0] == "desktop" and sorted(icons[1:]) == ["cli", "desktop", "phone"]
    box = await visitor.page.locator("#sessions .device .icon").first.bounding_box()
    assert box is not None and box["width"] > 10


async def test_ending_one_session_refuses_its_next_request(visitors, site):
    user = await site.user()
    phone, laptop = await site.sign_in(user, at("203.0.113.2", IPHONE)), await site.sign_in(user, at("203.0.113.9"))
    visitor = await visitors()
    await visitor.sign_in(user)
    await visitor.page.locator(f"#{phone.session.id}").get_by_role("link", name="End", exact=False).last.click()
    dialog = visitor.page.get_by_role("dialog", name="End this session?")
    await dialog.wait_for()
    assert "Mobile Safari on iOS" in await dialog.inner_text()
    assert site.works(phone)
    await dialog.get_by_role("button", name="End session").click()
    await visitor.sees("The session was ended. Its next request is refused.")
    assert not site.works(phone) and site.works(laptop)
    assert await visitor.rows().count() == 2
    await visitor.follow("Recently ended sessions")
    ended = await visitor.page.locator("main").inner_text()
    assert "Ended by you" in ended and "Mobile Safari on iOS" in ended


async def test_ending_all_others_says_how_many_before_and_after(visitors, site):
    user = await site.user()
    others = [await site.sign_in(user, at(f"203.0.113.{number}")) for number in range(1, 4)]
    visitor = await visitors()
    await visitor.sign_in(user)
    await visitor.follow("End 3 other sessions")
    await visitor.sees("End 3 other sessions?")
    await visitor.press("End 3 other sessions")
    await visitor.sees("3 other sessions ended. You are now signed in here only.")
    await visitor.sees("You're not signed in anywhere else.")
    assert not any(site.works(other) for other in others)


async def test_signing_out_everywhere_shows_and_ends_everything_that_can_act(visitors, site):
    user = await site.user()
    other = await site.sign_in(user)
    caller = await site.authority.verify(other.token, at())
    token = await site.authority.tokens.create(by=caller, name="script")
    visitor = await visitors()
    await visitor.sign_in(user)
    await visitor.follow("Sign out everywhere…")
    await visitor.sees("2 sessions and 1 CLI token")
    await visitor.page.get_by_label("Revoke the CLI token too.").check()
    await visitor.press("Sign out everywhere")
    await visitor.page.wait_for_url("**/signed-out")
    await visitor.sees("You are signed out everywhere: 2 sessions and 1 CLI token ended.")
    assert not site.works(other)
    assert site.server.get("/api/v1/auth/whoami", bearer=token.secret)[0] == 401
    left = [cookie["name"] for cookie in await visitor.context.cookies()]
    assert left == ["__Host-ostiary-device"]  # by which the browser is known again, and which opens nothing
    await visitor.goto(HERE)
    assert "/sign-in" in visitor.page.url


async def test_this_was_not_me_ends_all_others_and_leads_to_a_new_password(visitors, site):
    user = await site.user()
    stranger, phone = await site.sign_in(user, at("203.0.113.66", CHROME)), await site.sign_in(user, at("203.0.113.2"))
    visitor = await visitors()
    await visitor.sign_in(user)
    await visitor.page.locator(f"#{stranger.session.id}").get_by_role("link", name="This wasn't me").first.click()
    await visitor.page.get_by_role("button", name="End 2 sessions and change my password").click()
    await visitor.page.wait_for_url("**/settings/password")
    await visitor.sees("2 sessions ended; only this one is left.")
    assert not site.works(stranger) and not site.works(phone)
    await visitor.page.get_by_label("Current password").fill(PASSWORD)
    await visitor.page.get_by_label("New password", exact=True).fill("another good one")
    await visitor.page.get_by_label("New password again").fill("another good one")
    await visitor.press("Change password")
    await visitor.sees("Your password was changed.")
    await visitor.press("Sign out")
    await visitor.sees("You are signed out")
    await visitor.sign_in(user, "another good one")


async def test_a_device_gets_a_name_and_loses_it(visitors, site):
    user = await site.user()
    phone = await site.sign_in(user, at("203.0.113.2", IPHONE))
    visitor = await visitors()
    await visitor.sign_in(user)
    row = visitor.page.locator(f"#{phone.session.id}")
    await row.get_by_text("Details").click()
    assert IPHONE in await row.inner_text()
    await row.get_by_role("link", name="Name this device").click()
    await visitor.page.get_by_label("Name", exact=True).fill("<b>Ada's phone</b>")
    await visitor.press("Save name")
    await visitor.sees("The name was saved.")
    assert await row.get_by_role("heading").inner_text() == "<b>Ada's phone</b>"
    assert "Mobile Safari on iOS" in await row.inner_text()
    await row.get_by_text("Details").click()
    await row.get_by_role("link", name="Rename").click()
    await visitor.page.get_by_label("Name", exact=True).fill("")
    await visitor.press("Save name")
    await visitor.sees("The name was removed.")


async def test_a_token_is_made_shown_once_copied_renewed_and_revoked(visitors, site):
    user = await site.user()
    visitor = await visitors(permissions=["clipboard-read", "clipboard-write"])
    await visitor.sign_in(user)
    await visitor.follow("CLI tokens")
    await visitor.sees("No program can act as you by a token.")
    await visitor.follow("New token")
    await visitor.page.get_by_label("Name", exact=True).fill("backup")
    await visitor.press("Make token")
    secret = await visitor.page.get_by_label("The secret", exact=True).input_value()
    assert site.server.get("/api/v1/auth/whoami", bearer=secret)[0] == 200
    await visitor.press("Copy")
    await visitor.sees("Copied")
    assert await visitor.page.evaluate("navigator.clipboard.readText()") == secret
    await visitor.page.reload()
    assert secret not in await visitor.page.content()
    await visitor.follow("New secret for backup")
    await visitor.press("Make a new secret")
    renewed = await visitor.page.get_by_label("The secret", exact=True).input_value()
    assert site.server.get("/api/v1/auth/whoami", bearer=secret)[0] == 401
    await visitor.follow("Revoke backup")
    await visitor.press("Revoke token")
    await visitor.sees("The CLI token was revoked.")
    assert site.server.get("/api/v1/auth/whoami", bearer=renewed)[0] == 401


async def test_a_wrong_current_password_changes_nothing(visitors, site):
    user = await site.user()
    visitor = await visitors()
    await visitor.sign_in(user)
    await visitor.follow("Password")
    await visitor.page.get_by_label("Current password").fill("not this one")
    await visitor.page.get_by_label("New password", exact=True).fill("another good one")
    await visitor.page.get_by_label("New password again").fill("another good one")
    await visitor.press("Change password")
    await visitor.sees("That is not your current password.")
    assert await site.sign_in(user)
