"""A site to visit, and visitors with a real browser who notice what a page does wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from ostiary.authority import Authority, Started
from ostiary.core.account import User
from ostiary.core.client import Client
from tests.support import people
from tests.support.people import PASSWORD
from tests.support.processes import Server

HERE = "/settings/sessions"
_numbers = itertools.count(1)


@dataclass
class Site:
    """A server process, and an authority of the tests' own on the same store."""

    server: Server
    authority: Authority

    @property
    def url(self) -> str:
        return self.server.url

    async def user(self, *, admin: bool = False) -> User:
        """A user of this test's own."""
        return await people.add_user(self.authority, f"visitor{next(_numbers)}", admin=admin)

    async def sign_in(self, user: User, client: Client | None = None) -> Started:
        """A session from elsewhere."""
        return await people.sign_in(self.authority, user.username or "", client)

    def works(self, started: Started) -> bool:
        """What the other client's next request says."""
        return self.server.get("/api/v1/auth/whoami", bearer=started.token)[0] == 200


@dataclass
class Visitor:
    """One browser profile at the site. It remembers every complaint of the browser and every foreign request."""

    site: Site
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    async def goto(self, path: str) -> int:
        answer = await self.page.goto(self.site.url + path)
        assert answer is not None
        return answer.status

    async def sign_in(self, user: User, password: str = PASSWORD, then: str = HERE) -> None:
        await self.goto("/sign-in")
        await self.type_sign_in(user, password)
        await self.page.wait_for_url(f"**{then}")

    async def type_sign_in(self, user: User, password: str = PASSWORD) -> None:
        await self.page.get_by_label("Username").fill(user.username or "")
        await self.page.get_by_label("Password").fill(password)
        await self.press("Sign in")

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def follow(self, name: str) -> None:
        await self.page.get_by_role("link", name=name, exact=True).first.click()

    async def sees(self, text: str, within: float = 5000) -> None:
        await self.page.get_by_text(text).first.wait_for(timeout=within)

    def rows(self) -> Any:
        return self.page.locator("#sessions li.row")


class Visitors:
    """Makes visitors, and looks at the end whether any of them had to complain."""

    def __init__(self, browser: Browser, site: Site, artifacts: Path) -> None:
        self._browser = browser
        self._site = site
        self._artifacts = artifacts
        self._all: list[Visitor] = []
        self._stack = AsyncExitStack()

    async def __call__(self, **options: Any) -> Visitor:
        context = await self._browser.new_context(**{"user_agent": people.FIREFOX, **options})
        self._stack.push_async_callback(context.close)
        page = await context.new_page()
        page.set_default_timeout(10_000)
        visitor = Visitor(self._site, context, page)
        page.on("console", _noting(visitor))
        page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        page.on("request", _watching(visitor))
        self._all.append(visitor)
        return visitor

    async def leave(self) -> None:
        await self._stack.aclose()
        for visitor in self._all:
            assert visitor.complaints == []
            assert visitor.foreign == []


def _noting(visitor: Visitor) -> Callable[[ConsoleMessage], None]:
    # A refused request and a lost connection are told in the console, and are what many tests are about.
    expected = ("Failed to load resource", "Clear-Site-Data", "net::ERR_", "Response Status Error Code")

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(words in message.text for words in expected):
            visitor.complaints.append(message.text)

    return note


def _watching(visitor: Visitor) -> Callable[[Request], None]:
    def watch(request: Request) -> None:
        if not request.url.startswith(visitor.site.url):
            visitor.foreign.append(request.url)

    return watch
