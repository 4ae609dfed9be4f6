"""The modules of the OpenID conformance suite's plans "Basic OP" and "Form Post Basic OP", each by its conditions.

A test has the name of its module. Both plans are the same modules; the second asks for `response_mode=form_post`.
"""

from __future__ import annotations

import pytest

from tests.http.visitors import browser, visitor
from tests.oauth.conformance import RelyingParty, claims_of, modules, named_tests, signed_in
from tests.oauth.party import CALLBACK, Pkce, form_of, person, register, tokens_of, with_access
from tests.support.people import PASSWORD

# Which database makes no difference here.
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(params=[None, "form_post"], ids=["basic", "form_post"])
async def rp(app, request) -> RelyingParty:
    """The client of the plan: confidential, and like the suite's one without PKCE where it sends a nonce."""
    return RelyingParty(await register(app, pkce="nonce"), request.param)


def test_the_page_names_every_module_of_the_plans_and_no_other():
    for plan in ("Basic OP", "Form Post Basic OP"):
        assert modules(plan) == named_tests(globals())


@SQLITE
async def test_oidcc_server(app, rp, clock):
    async with browser(app) as nobody:
        tokens = await rp.tokens(nobody)
    identity, now = claims_of(tokens.id), int(clock().timestamp())
    assert identity["iss"] == "https://auth.test" and identity["aud"] == rp.party.id
    assert identity["nonce"] == "n-0S6" and identity["sub"] and identity["iat"] == now < identity["exp"]
    assert tokens.body["token_type"] == "Bearer" and "openid" in tokens.body["scope"].split()


@SQLITE
async def test_oidcc_response_type_missing(app, rp):
    async with person(app) as ada:
        assert await rp.error(ada, response_type=None) == "invalid_request"


@SQLITE
async def test_oidcc_userinfo_get(app, rp):
    async with person(app) as ada:
        tokens = await rp.tokens(ada)
    found = await with_access(app, tokens.access, "GET", "/oauth/userinfo")
    assert found.headers["content-type"] == "application/json"
    assert found.json()["sub"] == claims_of(tokens.id)["sub"]


@SQLITE
async def test_oidcc_userinfo_post_header(app, rp):
    async with person(app) as ada:
        tokens = await rp.tokens(ada)
    found = await with_access(app, tokens.access, "POST", "/oauth/userinfo")
    assert found.json()["sub"] == claims_of(tokens.id)["sub"]


@SQLITE
async def test_oidcc_userinfo_post_body(app, rp):
    """RFC 6750 2.2 is optional, and the suite takes a refusal for a warning: a token is taken from the header alone."""
    async with person(app) as ada:
        tokens = await rp.tokens(ada)
    async with visitor(app) as client:
        refused = await client.post("/oauth/userinfo", data={"access_token": tokens.access})
    assert refused.status_code == 401 and refused.headers["www-authenticate"].startswith("Bearer")


@SQLITE
async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(app, rp):
    async with person(app) as ada:
        assert "nonce" not in claims_of((await rp.tokens(ada, nonce=None)).id)


REDIRECTING = "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwudGVzdC8ifQ."
SCOPES: dict[str, dict[str, object]] = {
    "profile": {"preferred_username": "ada", "name": "ada", "roles": ["member"]},
    "email": {"email": "ada@example.org", "email_verified": False},
    "address": {},
    "phone": {},
}


async def told(app, rp: RelyingParty, scope: str) -> dict[str, object]:
    async with person(app) as ada:
        tokens = await rp.tokens(ada, scope=f"openid {scope}")
    found = (await with_access(app, tokens.access, "GET", "/oauth/userinfo")).json()
    identity = claims_of(tokens.id)
    assert all(identity[name] == value for name, value in found.items())
    return {name: value for name, value in found.items() if name not in {"sub", "updated_at"}}


@SQLITE
async def test_oidcc_scope_profile(app, rp):
    assert await told(app, rp, "profile") == SCOPES["profile"]


@SQLITE
async def test_oidcc_scope_email(app, rp):
    assert await told(app, rp, "email") == SCOPES["email"]


@SQLITE
async def test_oidcc_scope_address(app, rp):
    assert await told(app, rp, "address") == {}  # not supported, and ignored


@SQLITE
async def test_oidcc_scope_phone(app, rp):
    assert await told(app, rp, "phone") == {}


@SQLITE
async def test_oidcc_scope_all(app, rp):
    assert await told(app, rp, "profile email address phone") == SCOPES["profile"] | SCOPES["email"]


@SQLITE
async def test_oidcc_ensure_other_scope_order_succeeds(app, rp):
    async with person(app) as ada:
        tokens = await rp.tokens(ada, scope="email openid")
    assert claims_of(tokens.id)["email"] == "ada@example.org"


@SQLITE
async def test_oidcc_display_page(app, rp):
    async with browser(app) as nobody:
        assert (await rp.tokens(nobody, display="page")).id


@SQLITE
async def test_oidcc_display_popup(app, rp):
    async with browser(app) as nobody:
        assert (await rp.tokens(nobody, display="popup")).id


@SQLITE
async def test_oidcc_prompt_login(app, rp, clock):
    async with browser(app) as nobody:
        first = await rp.tokens(nobody)
        clock.advance(seconds=2)
        pkce = Pkce.new()
        asked = await rp.ask(nobody, pkce, prompt="login")
        assert asked.status_code == 200 and "confirm_password" in asked.text
        sent = {**form_of(asked), "confirm_password": PASSWORD}
        done = rp.answer(await nobody.post("/oauth/authorize/decision", data=sent))
        second = tokens_of(await rp.party.exchange(done["code"], pkce))
    assert claims_of(second.id)["sub"] == claims_of(first.id)["sub"]
    assert claims_of(second.id)["auth_time"] > claims_of(first.id)["auth_time"]


@SQLITE
async def test_oidcc_prompt_none_not_logged_in(app, rp):
    async with browser(app) as nobody:
        assert await rp.error(nobody, prompt="none") == "login_required"


@SQLITE
async def test_oidcc_prompt_none_logged_in(app, rp, clock):
    async with browser(app) as nobody:
        first = claims_of((await rp.tokens(nobody)).id)
        clock.advance(seconds=2)
        second = claims_of((await rp.tokens(nobody, prompt="none")).id)
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


@SQLITE
async def test_oidcc_max_age_1(app, rp, clock):
    async with browser(app) as nobody:
        first = claims_of((await rp.tokens(nobody, max_age="15000")).id)
        clock.advance(seconds=2)
        pkce = Pkce.new()
        asked = await rp.ask(nobody, pkce, max_age="1")
        assert "confirm_password" in asked.text
        sent = {**form_of(asked), "confirm_password": PASSWORD}
        done = rp.answer(await nobody.post("/oauth/authorize/decision", data=sent))
        second = claims_of(tokens_of(await rp.party.exchange(done["code"], pkce)).id)
    assert second["auth_time"] > first["auth_time"]
    assert second["iat"] - second["auth_time"] <= 1


@SQLITE
async def test_oidcc_max_age_10000(app, rp, clock):
    async with browser(app) as nobody:
        first = claims_of((await rp.tokens(nobody)).id)
        clock.advance(seconds=2)
        second = claims_of((await rp.tokens(nobody, max_age="10000")).id)
    assert second["auth_time"] == first["auth_time"]


@SQLITE
async def test_oidcc_ensure_request_with_unknown_parameter_succeeds(app, rp):
    async with person(app) as ada:
        assert (await rp.tokens(ada, extra="foobar")).id


@SQLITE
async def test_oidcc_id_token_hint(app, rp):
    async with person(app) as ada:
        first = await rp.tokens(ada)
        second = await rp.tokens(ada, prompt="none", id_token_hint=first.id)
    assert claims_of(second.id)["sub"] == claims_of(first.id)["sub"]


@SQLITE
async def test_oidcc_login_hint(app, rp):
    async with browser(app) as nobody:
        assert (await rp.tokens(nobody, login_hint="ada")).id


@SQLITE
async def test_oidcc_ui_locales(app, rp):
    async with browser(app) as nobody:
        assert (await rp.tokens(nobody, ui_locales="se de-CH")).id


@SQLITE
async def test_oidcc_claims_locales(app, rp):
    async with browser(app) as nobody:
        assert (await rp.tokens(nobody, claims_locales="se")).id


@SQLITE
async def test_oidcc_ensure_request_with_acr_values_succeeds(app, rp):
    async with browser(app) as nobody:
        assert (await rp.tokens(nobody, acr_values="1 2")).id


@SQLITE
async def test_oidcc_codereuse(app, rp):
    async with person(app) as ada:
        pkce = Pkce.new()
        code = rp.answer(await rp.ask(ada, pkce))["code"]
        assert (await rp.party.exchange(code, pkce)).status_code == 200
        again = await rp.party.exchange(code, pkce)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@SQLITE
async def test_oidcc_codereuse_30seconds(app, rp, clock):
    async with person(app) as ada:
        pkce = Pkce.new()
        code = rp.answer(await rp.ask(ada, pkce))["code"]
        first = tokens_of(await rp.party.exchange(code, pkce))
        clock.advance(seconds=30)
        assert (await rp.party.exchange(code, pkce)).json()["error"] == "invalid_grant"
    assert (await with_access(app, first.access, "GET", "/oauth/userinfo")).status_code == 401  # RFC 6749 4.1.2


@SQLITE
async def test_oidcc_ensure_registered_redirect_uri(app, rp):
    async with person(app) as ada:
        query = rp.query(Pkce.new(), redirect_uri=f"{CALLBACK}/not-registered")
        answer = await ada.get("/oauth/authorize", params=query)
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert "has registered" in answer.text


@SQLITE
async def test_oidcc_ensure_post_request_succeeds(app, rp):
    async with browser(app) as nobody:
        pkce = Pkce.new()
        site = {"origin": "https://app.example", "sec-fetch-site": "cross-site"}
        posted = await nobody.post("/oauth/authorize", data=rp.query(pkce), headers=site)
        found = await signed_in(nobody, await nobody.get(posted.headers["location"]))
        assert (await rp.party.exchange(rp.answer(found)["code"], pkce)).status_code == 200


@SQLITE
async def test_oidcc_server_client_secret_post(app, rp):
    async with person(app) as ada:
        pkce = Pkce.new()
        code = rp.answer(await rp.ask(ada, pkce))["code"]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": pkce.verifier, "redirect_uri": CALLBACK}
    async with visitor(app) as server:
        proof = {"client_id": rp.party.id, "client_secret": str(rp.party.secret)}
        assert (await server.post("/oauth/token", data={**form, **proof})).status_code == 200


@SQLITE
async def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(app, rp):
    async with person(app) as ada:
        assert await rp.error(ada, request="eyJhbGciOiJub25lIn0.e30.") == "request_not_supported"


@SQLITE
async def test_oidcc_claims_essential(app, rp):
    """`claims_parameter_supported` is false, and the parameter is ignored."""
    async with person(app) as ada:
        tokens = await rp.tokens(ada, claims='{"userinfo":{"name":{"essential":true}}}')
    assert "name" not in (await with_access(app, tokens.access, "GET", "/oauth/userinfo")).json()


@SQLITE
async def test_oidcc_ensure_request_object_with_redirect_uri(app, rp):
    async with person(app) as ada:
        assert await rp.error(ada, request=REDIRECTING) == "request_not_supported"


@SQLITE
async def test_oidcc_refresh_token(app, rp):
    async with person(app) as ada:
        tokens = await rp.tokens(ada, scope="openid offline_access")
    again = tokens_of(await rp.party.refresh(tokens.refresh))
    first, second = claims_of(tokens.id), claims_of(again.id)
    assert {name: first[name] for name in ("iss", "sub", "aud", "auth_time")} == {
        name: second[name] for name in ("iss", "sub", "aud", "auth_time")
    }
    assert "nonce" not in second  # OIDC Core 12.2: it should not be there
    other = await register(app, name="Other")
    assert (await other.refresh(again.refresh)).json()["error"] == "invalid_grant"


@SQLITE
async def test_oidcc_ensure_request_with_valid_pkce_succeeds(app, rp):
    async with person(app) as ada:
        pkce = Pkce.new()
        code = rp.answer(await rp.ask(ada, pkce))["code"]
        assert (await rp.party.exchange(code, Pkce.new())).json()["error"] == "invalid_grant"
        code = rp.answer(await rp.ask(ada, pkce))["code"]
        assert (await rp.party.exchange(code, pkce)).status_code == 200
