"""The whole way by keyboard alone: nothing here moves a mouse."""

from __future__ import annotations

from tests.support.people import CHROME, IPHONE, PASSWORD, at

MOST_STEPS = 60


async def tab_to(visitor, name: str) -> None:
    """Press Tab until the element of that accessible name has the focus, and see that the focus can be seen."""
    for _ in range(MOST_STEPS):
        await visitor.page.keyboard.press("Tab")
        found = await visitor.page.evaluate(
            """() => { const e = document.activeElement; const s = getComputedStyle(e);
            return [(e.innerText || e.labels?.[0]?.innerText || e.name || '').trim().replace(/\\s+/g, ' '),
                    s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2] }"""
        )
        if found[0] == name:
            assert found[1], f"{name} has the focus, but nobody can see it"
            return
    raise AssertionError(f"Tab never comes to {name!r}")


async def type_into(visitor, name: str, text: str) -> None:
    """Type once the field of that name has the focus of its own accord: the browser gives it after it has loaded."""
    await visitor.page.wait_for_function("name => document.activeElement.name === name", arg=name)
    await visitor.page.keyboard.type(text)


async def test_sign_in_look_end_name_change_and_sign_out(visitors, site):
    user = await site.user()
    phone = await site.sign_in(user, at("203.0.113.2", IPHONE))
    laptop = await site.sign_in(user, at("203.0.113.3", CHROME))
    visitor = await visitors()
    keyboard = visitor.page.keyboard
    await visitor.goto("/sign-in")
    await type_into(visitor, "username", user.username or "")
    await keyboard.press("Tab")
    await keyboard.type(PASSWORD)
    await keyboard.press("Enter")
    await visitor.page.get_by_role("heading", name="Sessions", exact=True).wait_for()

    await keyboard.press("Tab")
    assert await visitor.page.evaluate("document.activeElement.innerText") == "Skip to the content"
    await keyboard.press("Enter")
    assert await visitor.page.evaluate("document.activeElement.id") == "main"

    await tab_to(visitor, "End Chrome on Windows")
    await keyboard.press("Enter")
    dialog = visitor.page.get_by_role("dialog", name="End this session?")
    await dialog.wait_for()
    await keyboard.press("Escape")
    await dialog.wait_for(state="hidden")
    assert await visitor.page.evaluate("document.activeElement.id") == f"end-row-{laptop.session.id}"
    await keyboard.press("Enter")
    await dialog.wait_for()
    await tab_to(visitor, "End session")
    await keyboard.press("Enter")
    await visitor.sees("The session was ended.")
    assert not site.works(laptop)

    await tab_to(visitor, "Details of Mobile Safari on iOS")
    await keyboard.press("Enter")
    await tab_to(visitor, "Name this device Mobile Safari on iOS")
    await keyboard.press("Enter")
    await visitor.page.get_by_role("dialog").wait_for()
    await type_into(visitor, "label", "phone")
    await keyboard.press("Enter")
    await visitor.page.get_by_role("heading", name="phone").wait_for()

    await tab_to(visitor, "End 1 other session")
    await keyboard.press("Enter")
    await visitor.page.get_by_role("dialog").wait_for()
    await tab_to(visitor, "End 1 other session")
    await keyboard.press("Enter")
    await visitor.sees("1 other session ended.")
    assert not site.works(phone)

    await tab_to(visitor, "CLI tokens")
    await keyboard.press("Enter")
    await visitor.page.wait_for_url("**/settings/tokens")
    await tab_to(visitor, "New token")
    await keyboard.press("Enter")
    await visitor.page.get_by_role("dialog").wait_for()
    await type_into(visitor, "name", "script")
    await keyboard.press("Enter")
    await visitor.sees("Copy it now")

    await tab_to(visitor, "Password")
    await keyboard.press("Enter")
    await visitor.page.wait_for_url("**/settings/password")
    await tab_to(visitor, "Current password")
    for text in (PASSWORD, "another good one", "another good one"):
        await keyboard.type(text)
        await keyboard.press("Tab")
    await keyboard.press("Enter")
    await visitor.sees("Your password was changed.")

    await tab_to(visitor, "Sign out")
    await keyboard.press("Enter")
    await visitor.sees("You are signed out")
