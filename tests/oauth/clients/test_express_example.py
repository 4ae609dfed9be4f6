"""The Express example of the requirements, calling as an SDK made with fetch does: a laptop and a phone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from playwright.async_api import Page

from tests.oauth.clients.applications import express_example
from tests.oauth.clients.house import House, Shop, prove
from tests.support.people import FIREFOX, IPHONE


@pytest.fixture(scope="module")
def shop(house, tmp_path_factory) -> Iterator[Shop]:
    with express_example(house, tmp_path_factory.mktemp("express")) as shop:
        yield shop


@pytest.fixture
async def devices(browser, shop, house) -> AsyncIterator[tuple[Page, Page]]:
    """A laptop and a phone of one person, signed in to the application."""
    username = await asyncio.to_thread(house.person)
    contexts = [await browser.new_context(user_agent=agent) for agent in (FIREFOX, IPHONE)]
    pages = [await context.new_page() for context in contexts]
    for page in pages:
        page.set_default_timeout(30_000)
        await page.goto(f"{shop.url}/login")
        await prove(page, house, username)
    yield pages[0], pages[1]
    for context in contexts:
        await context.close()


async def ask(page: Page, method: str, path: str) -> tuple[int, Any]:
    """A call of the application's own page."""
    code = "([method, path]) => fetch(path, { method }).then(async (answer) => [answer.status, await answer.json()])"
    status, told = await page.evaluate(code, [method, path])
    return status, told


async def needs_password(page: Page, shop: Shop, house: House) -> bool:
    """Open the application's sign-in, as a person does who wants to go on."""
    await page.goto(f"{shop.url}/login")
    return page.url.startswith(house.url) and await page.get_by_label("Password").is_visible()


async def listed(page: Page) -> list[dict[str, Any]]:
    status, told = await ask(page, "GET", "/api/sessions")
    assert status == 200 and told["total"] == len(told["sessions"])
    found: list[dict[str, Any]] = told["sessions"]
    return found


async def test_two_devices_are_two_rows_of_the_application(devices, shop, house):
    laptop, _ = devices
    assert {one["device"] for one in await listed(laptop)} == {FIREFOX, IPHONE}
    assert len(await listed(laptop)) == 2


async def test_the_phone_that_was_ended_needs_the_password(devices, shop, house):
    laptop, phone = devices
    lost = next(one["id"] for one in await listed(laptop) if one["device"] == IPHONE)
    said = await ask(laptop, "POST", f"/api/sessions/{lost}/revoke")
    assert said == (200, {"success": True, "message": "Session revoked successfully"})
    again = await ask(laptop, "POST", f"/api/sessions/{lost}/revoke")
    assert again == (200, {"success": False, "message": "Session not found or already revoked"})
    assert (await ask(phone, "GET", "/api/sessions"))[0] == 401
    assert [one["device"] for one in await listed(laptop)] == [FIREFOX]
    assert await needs_password(phone, shop, house)
    assert not await needs_password(laptop, shop, house)


async def test_log_out_everywhere_ends_both(devices, shop, house):
    laptop, phone = devices
    assert await ask(laptop, "POST", "/api/logout-all") == (200, {"message": "Logged out of 2 devices"})
    for page in (laptop, phone):
        assert (await ask(page, "GET", "/api/sessions"))[0] == 401
        assert await needs_password(page, shop, house)


async def test_log_out_everywhere_ends_every_application_and_the_browsers(devices, shop, house):
    laptop, phone = devices
    status, told = await ask(laptop, "POST", "/api/logout-all?everywhere")
    assert status == 200 and told["message"].startswith("Logged out of ")
    for page in (laptop, phone):
        assert (await ask(page, "GET", "/api/sessions"))[0] == 401
        assert await needs_password(page, shop, house)


async def test_a_normal_logout_ends_one(devices, shop, house):
    laptop, phone = devices
    assert await ask(phone, "POST", "/api/logout") == (200, {"success": True})
    assert (await ask(phone, "GET", "/api/sessions"))[0] == 401
    assert [one["device"] for one in await listed(laptop)] == [FIREFOX]
