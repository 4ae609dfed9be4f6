"""Every act works with JavaScript off: links, forms, and answers that lead back."""

from __future__ import annotations

import pytest

from tests.support.people import IPHONE, PASSWORD, at


@pytest.fixture
async def plain(visitors, site):
    """Somebody signed in, without scripts, with one other session."""
    user = await site.user()
    other = await site.sign_in(user, at("203.0.113.2", IPHONE))
    visitor = await visitors(java_script_enabled=False)
    await visitor.sign_in(user)
    return visitor, user, other


async def test_ending_one(plain, site):
    visitor, _, other = plain
    await visitor.page.locator(f"#{other.session.id}").get_by_role("link", name="End Mobile Safari on iOS").click()
    await visitor.press("End session")
    await visitor.sees("The session was ended.")
    assert not site.works(other)


async def test_ending_others(plain, site):
    visitor, _, other = plain
    await visitor.follow("End 1 other session")
    await visitor.press("End 1 other session")
    await visitor.sees("1 other session ended.")
    assert not site.works(other)


async def test_signing_out_everywhere(plain, site):
    visitor, _, other = plain
    await visitor.follow("Sign out everywhere…")
    await visitor.press("Sign out everywhere")
    await visitor.sees("You are signed out everywhere: 2 sessions ended.")
    assert not site.works(other)


async def test_disowning(plain, site):
    visitor, _, other = plain
    await visitor.page.locator(f"#{other.session.id}").get_by_role("link", name="This wasn't me").first.click()
    await visitor.press("End 1 session and change my password")
    await visitor.sees("1 session ended; only this one is left.")
    assert not site.works(other)


async def test_naming(plain):
    visitor, _, other = plain
    row = visitor.page.locator(f"#{other.session.id}")
    await row.get_by_text("Details").click()
    await row.get_by_role("link", name="Name this device").click()
    await visitor.page.get_by_label("Name", exact=True).fill("phone")
    await visitor.press("Save name")
    await visitor.page.get_by_role("heading", name="phone").wait_for()


async def test_tokens(plain, site):
    visitor, _, _ = plain
    await visitor.follow("CLI tokens")
    await visitor.follow("New token")
    await visitor.page.get_by_label("Name", exact=True).fill("backup")
    await visitor.press("Make token")
    secret = await visitor.page.get_by_label("The secret", exact=True).input_value()
    assert site.server.get("/api/v1/auth/whoami", bearer=secret)[0] == 200
    assert await visitor.page.get_by_role("button", name="Copy").count() == 0
    await visitor.follow("New secret for backup")
    await visitor.press("Make a new secret")
    assert await visitor.page.get_by_label("The secret", exact=True).input_value() != secret
    await visitor.follow("Revoke backup")
    await visitor.press("Revoke token")
    await visitor.sees("The CLI token was revoked.")


async def test_changing_the_password_and_signing_out_and_in(plain):
    visitor, user, _ = plain
    await visitor.follow("Password")
    await visitor.page.get_by_label("Current password").fill(PASSWORD)
    await visitor.page.get_by_label("New password", exact=True).fill("another good one")
    await visitor.page.get_by_label("New password again").fill("another good one")
    await visitor.press("Change password")
    await visitor.sees("1 other session ended.")
    await visitor.press("Sign out")
    await visitor.sees("You are signed out")
    await visitor.sign_in(user, "another good one")
