"""A client as the OpenID conformance suite has one: what it sends, and how it reads what comes back."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.oauth.party import Party, Pkce, Tokens, claims_of, fields_of, form_of, tokens_of
from tests.support.people import PASSWORD

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "oauth.md"


@dataclass
class RelyingParty:
    """One client, and the response mode that it asks for; None for the default."""

    party: Party
    mode: str | None = None

    def query(self, pkce: Pkce, **more: str | None) -> dict[str, str]:
        return self.party.query(pkce, **{"response_mode": self.mode, "scope": "openid", "nonce": "n-0S6", **more})

    async def ask(self, browser: httpx2.AsyncClient, pkce: Pkce, **more: str | None) -> httpx2.Response:
        """An authorization request; a sign-in page on the way is filled in."""
        answer = await browser.get("/oauth/authorize", params=self.query(pkce, **more))
        return await signed_in(browser, answer)

    def answer(self, response: httpx2.Response) -> dict[str, str]:
        """What came back to the redirect URI, in the way that was asked for."""
        if self.mode == "form_post":
            assert response.status_code == 200, response.text
            callback = self.party.client.redirect_uris[0]
            assert f'action="{callback}"' in response.text
            return {name: html.unescape(value) for name, value in form_of(response).items()}
        assert response.status_code == 303, response.text
        return fields_of(response)

    async def tokens(self, browser: httpx2.AsyncClient, **more: str | None) -> Tokens:
        """The whole flow."""
        pkce = Pkce.new()
        fields = self.answer(await self.ask(browser, pkce, **more))
        assert fields["iss"] == "https://auth.test" and fields["state"] == "st/ate \\ & more"
        exchanged = await self.party.exchange(fields["code"], pkce)
        assert exchanged.status_code == 200, exchanged.text
        return tokens_of(exchanged)

    async def error(self, browser: httpx2.AsyncClient, **more: str | None) -> str:
        """What is wrong with a request, as the redirect URI hears it."""
        fields = self.answer(await self.ask(browser, Pkce.new(), **more))
        assert "code" not in fields and fields["state"] == "st/ate \\ & more"
        return fields["error"]


async def signed_in(browser: httpx2.AsyncClient, answer: httpx2.Response) -> httpx2.Response:
    """Go on with an answer, through the sign-in page if it leads there."""
    if answer.status_code != 303 or not answer.headers["location"].startswith("/sign-in"):
        return answer
    form = await browser.get(answer.headers["location"])
    done = await browser.post("/sign-in", data={**form_of(form), "username": "ada", "password": PASSWORD})
    assert done.status_code == 303, done.text
    return await browser.get(done.headers["location"])


def modules(plan: str) -> set[str]:
    """The modules of a plan that the page of the documentation names."""
    text = PAGE.read_text(encoding="utf-8")
    part = text.partition(f"### {plan}\n")[2].partition("\n#")[0]
    return {row.split("`")[1] for row in part.splitlines() if row.startswith("| `oidcc-")}


def named_tests(found: dict[str, Any]) -> set[str]:
    """The modules that a file of tests has a test for."""
    return {name.removeprefix("test_").replace("_", "-") for name in found if name.startswith("test_oidcc_")}


__all__ = ["RelyingParty", "claims_of", "modules", "named_tests", "signed_in"]
