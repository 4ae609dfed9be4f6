"""The modules of the OpenID conformance suite's plan "RP-Initiated Logout OP", each by its conditions.

That somebody is signed out is shown as the suite shows it: `prompt=none` is answered by `login_required`.
"""

from __future__ import annotations

import httpx2
import pytest

from tests.http.visitors import ORIGIN, visitor
from tests.oauth.conformance import RelyingParty, modules, named_tests
from tests.oauth.party import GOODBYE, Pkce, fields_of, form_of, person, register

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def rp(app) -> RelyingParty:
    return RelyingParty(await register(app))


async def log_out(browser: httpx2.AsyncClient, **asked: str) -> httpx2.Response:
    """What logging out leads to; a page that asks is answered yes."""
    answer = await browser.get("/oauth/logout", params=asked)
    assert answer.status_code == 303
    answer = await browser.get(answer.headers["location"])
    if answer.status_code == 200 and "/oauth/end-session" in answer.text:
        answer = await browser.post("/oauth/end-session", data=form_of(answer))
    return answer


async def is_signed_in(rp: RelyingParty, browser: httpx2.AsyncClient) -> bool:
    return "code" in rp.answer(await rp.ask(browser, Pkce.new(), prompt="none"))


def test_the_page_names_every_module_of_the_plan_and_no_other(database_url):
    assert modules("RP-Initiated Logout OP") == named_tests(globals())


async def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(app, rp):
    async with visitor(app) as client:
        found = (await client.get("/.well-known/openid-configuration")).json()
    assert found["end_session_endpoint"] == f"{ORIGIN}/oauth/logout"


async def test_oidcc_rp_initiated_logout(app, rp):
    async with person(app) as ada:
        tokens = await rp.tokens(ada)
        left = await log_out(ada, id_token_hint=tokens.id, post_logout_redirect_uri=GOODBYE, state="s t")
        assert left.headers["location"].startswith(GOODBYE) and fields_of(left) == {"state": "s t"}
        assert not await is_signed_in(rp, ada)
    assert (await rp.party.refresh(tokens.refresh)).json()["error"] == "invalid_grant"


async def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(app, rp):
    async with person(app) as ada:
        tokens = await rp.tokens(ada)
        answer = await log_out(ada, id_token_hint=tokens.id, post_logout_redirect_uri="https://app.example/other")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(app, rp):
    async with person(app) as ada:
        tokens = await rp.tokens(ada)
        answer = await log_out(ada, id_token_hint=tokens.id, post_logout_redirect_uri=f"{GOODBYE}?foo=bar")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


@pytest.mark.parametrize("spoil", [lambda token: "bad-id-token", lambda token: ""], ids=["text", "none"])
async def test_oidcc_rp_initiated_logout_bad_id_token_hint(app, rp, spoil):
    """As if there were none: nobody says whose redirect URI that would be."""
    async with person(app) as ada:
        tokens = await rp.tokens(ada)
        answer = await log_out(ada, id_token_hint=spoil(tokens.id), post_logout_redirect_uri=GOODBYE)
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert await is_signed_in(rp, ada)


async def test_oidcc_rp_initiated_logout_modified_id_token_hint(app, rp):
    async with person(app) as ada:
        tokens = await rp.tokens(ada)
        head, claims, signature = tokens.id.split(".")
        for modified in (f"{head}.{claims}.{signature[:-4]}AAAA", f"{head}.{claims[:-4]}AAAA.{signature}"):
            answer = await log_out(ada, id_token_hint=modified, post_logout_redirect_uri=GOODBYE)
            assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert await is_signed_in(rp, ada)


async def test_oidcc_rp_initiated_logout_no_id_token_hint(app, rp):
    async with person(app) as ada:
        await rp.tokens(ada)
        answer = await log_out(ada, post_logout_redirect_uri=GOODBYE, state="x")
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        asked = {"client_id": rp.party.id, "post_logout_redirect_uri": GOODBYE, "state": "x"}
        page = await ada.get("/oauth/end-session", params=asked)
        assert page.status_code == 200 and await is_signed_in(rp, ada)  # a person is asked first
        assert fields_of(await log_out(ada, **asked)) == {"state": "x"}
        assert not await is_signed_in(rp, ada)


async def test_oidcc_rp_initiated_logout_no_params(app, rp):
    async with person(app) as ada:
        await rp.tokens(ada)
        assert (await log_out(ada)).headers["location"] == "/signed-out"
        assert not await is_signed_in(rp, ada)


async def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(app, rp):
    async with person(app) as ada:
        tokens = await rp.tokens(ada)
        assert (await log_out(ada, id_token_hint=tokens.id, state="x")).headers["location"] == "/signed-out"
        assert not await is_signed_in(rp, ada)


async def test_oidcc_rp_initiated_logout_no_state(app, rp):
    async with person(app) as ada:
        tokens = await rp.tokens(ada)
        left = await log_out(ada, id_token_hint=tokens.id, post_logout_redirect_uri=GOODBYE)
        assert left.headers["location"] == GOODBYE
        assert not await is_signed_in(rp, ada)


async def test_oidcc_rp_initiated_logout_only_state(app, rp):
    async with person(app) as ada:
        await rp.tokens(ada)
        assert (await log_out(ada, state="x")).headers["location"] == "/signed-out"
        assert not await is_signed_in(rp, ada)
