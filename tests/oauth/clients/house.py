"""An authority for applications that we did not write, and people who visit them with a real browser."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Page

from tests.support.people import PASSWORD
from tests.support.processes import Server

_numbers = itertools.count(1)


@dataclass
class House:
    """The authority, and what its administrator does."""

    server: Server
    token: str

    @property
    def url(self) -> str:
        return self.server.url

    def act(self, method: str, path: str, body: object = None) -> Any:
        status, _, answer = self.server.ask(method, f"/api/v1/admin{path}", body, bearer=self.token)
        assert status < 300, answer
        return answer

    def person(self) -> str:
        """Somebody whom nobody else is; the address is theirs at example.org."""
        name = f"visitor{next(_numbers)}"
        self.act("POST", "/users", {"username": name, "password": PASSWORD, "email": f"{name}@example.org"})
        return name

    def client(self, name: str, redirect_uri: str, goodbye: str, **more: object) -> tuple[str, str]:
        """Id and secret."""
        uris = {"redirect_uris": [redirect_uri], "post_logout_redirect_uris": [goodbye]}
        added = self.act("POST", "/clients", {"name": name, **uris, **more})
        return added["client"]["id"], added["secret"] or ""

    def live(self, username: str) -> list[dict[str, Any]]:
        """The sessions of a user that work."""
        found: list[dict[str, Any]] = self.act("GET", f"/sessions?user={username}&status=live")["sessions"]
        return found

    def end(self, username: str) -> None:
        """Everything of somebody, from elsewhere."""
        self.act("POST", f"/users/{username}/logout")


@contextmanager
def authority(url: str, home: Path) -> Iterator[House]:
    server = Server(url, home).start()
    try:
        yield House(server, server.sign_in("root")[1])
    finally:
        server.stop()


@dataclass
class Shop:
    """An application that is an OAuth client, and where it has what.

    Attributes:
        me: says who is signed in, with a mark that is another one after a refresh.
        first: the text of the button at `login`, where the application asks first.
    """

    name: str
    url: str
    login: str = "/login"
    me: str = "/"
    refresh: str = "/refresh"
    logout: str = "/logout"
    first: str | None = None

    async def signed_in(self, page: Page) -> dict[str, Any] | None:
        """Who is signed in to it in this browser; None for nobody."""
        answer = await page.goto(self.url + self.me)
        if answer is None or answer.status == 401 or not page.url.startswith(self.url):
            return None
        told: dict[str, Any] = json.loads(await page.inner_text("body"))
        return self.read(told)

    def read(self, told: dict[str, Any]) -> dict[str, Any] | None:
        """From what `me` says to `name`, `email` and `mark`."""
        return told

    async def begin(self, page: Page) -> None:
        """Go to the application's sign-in."""
        await page.goto(self.url + self.login)
        if self.first is not None:
            await page.get_by_role("button", name=self.first).click()
            await page.wait_for_load_state()


async def leave(page: Page, house: House) -> None:
    """Be led back at once: with the ID token as a hint, the authority asks nobody."""
    await page.wait_for_load_state()
    assert not page.url.startswith(f"{house.url}/oauth/"), page.url


async def prove(page: Page, house: House, username: str) -> None:
    """Type name and password at the authority, and be led back."""
    assert urlsplit(page.url).netloc == urlsplit(house.url).netloc, page.url
    await page.get_by_label("Username").fill(username)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url(lambda url: not url.startswith(house.url))
