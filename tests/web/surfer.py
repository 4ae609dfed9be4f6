"""A client that sends exactly what a test wants, and reads forms out of pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx2

from ostiary.authority import Authority
from tests.support import people
from tests.support.people import PASSWORD

OWN = {"Sec-Fetch-Site": "same-origin"}
TOKEN = re.compile(r'name="csrf_token" value="([0-9a-f]+)"')


@dataclass
class Surfer:
    """Keeps cookies itself: what a jar would refuse, a test may want to send."""

    client: httpx2.AsyncClient
    authority: Authority
    cookies: dict[str, str] = field(default_factory=dict)
    answers: list[httpx2.Response] = field(default_factory=list)
    language: str | None = None

    def stranger(self) -> Surfer:
        """Another browser at the same site."""
        return Surfer(self.client, self.authority, answers=self.answers, language=self.language)

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self._send("GET", path, headers)

    async def post(
        self, path: str, fields: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] = OWN
    ) -> httpx2.Response:
        return await self._send("POST", path, headers, data=fields or {})

    async def submit(self, page: str, path: str | None = None, /, **fields: Any) -> httpx2.Response:
        """Open a page, and send its form filled in."""
        token = token_of(await self.get(page))
        return await self.post(path or page.partition("?")[0], {"csrf_token": token, **fields})

    async def sign_in(self, username: str = "ada", password: str = PASSWORD, **fields: str) -> httpx2.Response:
        answer = await self.submit("/sign-in", username=username, password=password, **fields)
        assert answer.status_code == 303, answer.text
        return answer

    async def add_and_sign_in(self, username: str = "ada", *, admin: bool = False) -> None:
        await people.add_user(self.authority, username, admin=admin)
        await self.sign_in(username)

    async def _send(self, method: str, path: str, headers: Mapping[str, str], **more: Any) -> httpx2.Response:
        sent = {"User-Agent": people.FIREFOX, "Accept": "text/html", **headers}
        if self.language is not None:
            sent["Accept-Language"] = self.language
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.client.request(method, path, headers=sent, **more)
        self.client.cookies.clear()
        self.answers.append(answer)
        for header in answer.headers.get_list("set-cookie"):
            name, _, value = header.partition(";")[0].partition("=")
            if "Max-Age=0" in header:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer


def token_of(page: httpx2.Response) -> str:
    found = TOKEN.findall(page.text)
    assert found, page.text
    return unescape(found[-1])
