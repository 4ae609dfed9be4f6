"""A single page with oidc-client-ts, as the guide configures it, in a real browser: another origin, no secret."""

from __future__ import annotations

import asyncio
import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.async_api import Error, Page

from tests.oauth.clients import guide
from tests.oauth.clients.applications import MODULES, node_program
from tests.oauth.clients.house import House, Shop, leave, prove

RENEWALS = 30
PAGE = """<!doctype html><title>Shop</title>
<script type="importmap">{"imports": {"oidc-client-ts": "/oidc-client-ts.js", "jwt-decode": "/jwt-decode.js"}}</script>
<script type="module">
import { users } from '/oidc-client-ts.mjs'
window.users = users
window.userinfo = async () => {
  const user = await users.getUser()
  const url = await users.metadataService.getUserInfoEndpoint()
  const answer = await fetch(url, { headers: { authorization: `Bearer ${user.access_token}` } })
  return answer.ok ? await answer.json() : answer.status
}
</script>"""


class Files(SimpleHTTPRequestHandler):
    def guess_type(self, path: object) -> str:
        return "text/html" if str(path).endswith((".html", "/")) else "text/javascript"

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def shop(house, tmp_path_factory) -> Iterator[Shop]:
    node_program()
    home: Path = tmp_path_factory.mktemp("single-page")
    shutil.copy(MODULES / "oidc-client-ts" / "dist" / "esm" / "oidc-client-ts.js", home)
    shutil.copy(MODULES / "jwt-decode" / "build" / "esm" / "index.js", home / "jwt-decode.js")
    (home / "index.html").write_text(PAGE)
    with ThreadingHTTPServer(("localhost", 0), functools.partial(Files, directory=str(home))) as server:
        url = f"http://localhost:{server.server_address[1]}"
        client_id, _ = house.client("Single page", f"{url}/", f"{url}/", is_public=True)
        guide.write("oidc-client-ts.mjs", home, issuer=house.url, client_id=client_id, application=url)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Shop("oidc-client-ts", url)
        server.shutdown()


async def sign_in(page: Page, shop: Shop, house: House) -> str:
    username = await asyncio.to_thread(house.person)
    await page.goto(shop.url)
    await page.wait_for_function("window.users")
    async with page.expect_navigation(url=lambda url: url.startswith(house.url)):
        await page.evaluate("void users.signinRedirect()")
    await prove(page, house, username)
    await page.wait_for_function("window.users && users.getUser()")
    return username


async def renew(page: Page) -> str:
    token: str = await page.evaluate("users.signinSilent().then((user) => user.access_token)")
    return token


async def test_thirty_silent_renewals_are_one_device(page, shop, house):
    username = await sign_in(page, shop, house)
    assert (await page.evaluate("userinfo()"))["preferred_username"] == username
    tokens = {await renew(page) for _ in range(RENEWALS)}
    assert len(tokens) == RENEWALS
    assert (await page.evaluate("userinfo()"))["email"] == f"{username}@example.org"
    kinds = [one["kind"] for one in await asyncio.to_thread(house.live, username)]
    assert sorted(kinds) == ["browser", "oauth"]
    async with page.expect_navigation():
        await page.evaluate("void users.signoutRedirect()")
    await leave(page, house)
    await page.wait_for_function("window.users")
    assert await page.evaluate("users.getUser()") is None
    assert await asyncio.to_thread(house.live, username) == []


async def test_what_was_ended_elsewhere_is_over_in_the_page(page, shop, house):
    username = await sign_in(page, shop, house)
    await asyncio.to_thread(house.end, username)
    assert await page.evaluate("userinfo()") == 401
    with pytest.raises(Error, match=r"valid|ended"):
        await renew(page)
    await page.wait_for_function("users.getUser().then((user) => user === null)")
