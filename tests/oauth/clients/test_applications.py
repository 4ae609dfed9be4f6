"""Applications that we did not write, as the guide configures them, in a real browser: one life with each."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from tests.oauth.clients import guide
from tests.oauth.clients.applications import APPLICATIONS
from tests.oauth.clients.house import House, Shop, leave, prove

NOT_RUN = {"oauth2-proxy.cfg", "grafana.ini"}  # neither is to be had from the registries of this project's languages
ELSEWHERE = {"oidc-client-ts.mjs", "oidc_users.py"}  # test_single_page.py; with oidc_settings.py


@pytest.fixture(scope="module", params=APPLICATIONS)
def shop(request, house, tmp_path_factory):
    with APPLICATIONS[request.param](house, tmp_path_factory.mktemp(request.param)) as shop:
        yield shop


async def sign_in(page: Page, shop: Shop, house: House) -> str:
    username = await asyncio.to_thread(house.person)
    await shop.begin(page)
    await prove(page, house, username)
    assert page.url.startswith(shop.url)
    return username


async def test_signing_in_refreshing_and_signing_out(page, shop, house):
    username = await sign_in(page, shop, house)
    first = await shop.signed_in(page)
    assert first is not None
    assert (first["name"], first["email"]) == (username, f"{username}@example.org")
    await page.goto(shop.url + shop.refresh)
    second = await shop.signed_in(page)
    assert second == first | {"mark": second and second["mark"]}
    assert second["mark"] != first["mark"]
    kinds = [one["kind"] for one in await asyncio.to_thread(house.live, username)]
    assert sorted(kinds) == ["browser", "oauth"]  # however often it was refreshed
    await page.goto(shop.url + shop.logout)
    await leave(page, house)
    assert await shop.signed_in(page) is None
    assert await asyncio.to_thread(house.live, username) == []
    await shop.begin(page)
    assert await page.get_by_label("Password").is_visible()  # nobody is signed in by a click


async def test_what_was_ended_elsewhere_is_over_here(page, shop, house):
    username = await sign_in(page, shop, house)
    assert await shop.signed_in(page) is not None
    await asyncio.to_thread(house.end, username)
    await page.goto(shop.url + shop.refresh)
    assert await shop.signed_in(page) is None


def test_every_address_that_the_guide_names_is_one_of_the_metadata(house):
    status, _, metadata = house.server.get("/.well-known/openid-configuration")
    assert status == 200
    known = {urlsplit(value).path for value in metadata.values() if str(value).startswith(house.url)}
    known.add("/.well-known/openid-configuration")
    named = re.compile(r"(?:https://auth\.example\.org|\bISSUER\})(/[\w./-]+)")
    text = guide.GUIDE.read_text(encoding="utf-8")
    assert set(named.findall(text)) | set(re.findall(r"`(/(?:oauth|\.well-known)/[\w./-]+)`", text)) <= known


def test_every_setting_of_the_guide_is_run():
    shown = set(guide.blocks())
    text = "".join(path.read_text() for path in guide_users())
    run = {name for name in shown if re.search(rf"\b{re.escape(name.partition('.')[0])}\b", text)}
    assert shown == run | NOT_RUN | ELSEWHERE


def guide_users():
    here = Path(__file__).parent
    return [here / "applications.py", here / "test_single_page.py"]
