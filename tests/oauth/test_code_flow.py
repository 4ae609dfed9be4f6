"""From a browser to tokens: the authorization code flow with PKCE, and what it refuses."""

from __future__ import annotations

import pytest

from tests.http.visitors import browser, visitor
from tests.oauth.party import CALLBACK, ORIGIN, Pkce, claims_of, fields_of, form_of, person, register, with_access
from tests.support.people import FIREFOX, PASSWORD


async def test_a_code_becomes_a_session_of_the_user_held_by_the_client(app, party, clock):
    async with person(app) as ada:
        pkce = Pkce.new()
        answer = await ada.get("/oauth/authorize", params=party.query(pkce, nonce="n-1"))
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"{CALLBACK}?")
        fields = fields_of(answer)
        assert fields["state"] == "st/ate \\ & more"
        assert fields["iss"] == ORIGIN  # RFC 9207, ASVS 5.0 10.2.2
        exchanged = await party.exchange(fields["code"], pkce)
    assert exchanged.status_code == 200
    assert exchanged.headers["cache-control"] == "no-store"
    body = exchanged.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
    access, identity = claims_of(body["access_token"]), claims_of(body["id_token"])
    now = int(clock().timestamp())
    assert access == {
        "iss": ORIGIN, "sub": identity["sub"], "aud": [party.id, ORIGIN], "exp": now + 300, "iat": now,
        "jti": access["jti"], "client_id": party.id, "sid": identity["sid"], "auth_time": now, "amr": ["pwd"],
        "scope": "openid profile email sessions:read sessions:revoke gateway", "tenant_id": "default",
        "tenant_subdomain": None,
    }  # fmt: skip
    assert identity["aud"] == party.id
    assert (identity["nonce"], identity["preferred_username"], identity["email"]) == ("n-1", "ada", "ada@example.org")


async def test_the_session_is_where_the_user_is_and_not_where_the_client_runs(app, party):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
        rows = (await ada.get("/api/v1/auth/sessions")).json()
    row = next(row for row in rows if row["id"] == tokens.sid)
    assert (row["ip"], row["user_agent"], row["application_id"]) == ("203.0.113.7", FIREFOX, party.id)


async def test_who_is_not_signed_in_signs_in_first_and_goes_on_by_themselves(app, party):
    pkce = Pkce.new()
    async with browser(app) as nobody:
        first = await nobody.get("/oauth/authorize", params=party.query(pkce))
        assert first.status_code == 303
        form = await nobody.get(first.headers["location"])
        assert form.status_code == 200
        # Chromium holds a form's policy against the redirects that follow it.
        assert "form-action 'self' https://app.example;" in form.headers["content-security-policy"]
        sent = {**form_of(form), "username": "ada", "password": PASSWORD}
        signed_in = await nobody.post("/sign-in", data=sent)
        assert signed_in.status_code == 303, signed_in.text
        back = await nobody.get(signed_in.headers["location"])
    assert fields_of(back)["state"] == "st/ate \\ & more"
    assert (await party.exchange(fields_of(back)["code"], pkce)).status_code == 200


async def test_asvs_10_4_1_redirect_uris_match_exactly(app, party):
    wrong = [
        f"{CALLBACK}/", f"{CALLBACK}?x=1", f"{CALLBACK}#x", "https://app.example/callback%2f", "https://app.example",
        "http://app.example/callback", "https://APP.example/callback", "https://app.example:443/callback",
        "https://app.example/callback/../callback", "https://app.example.evil.test/callback",
        "https://evil.test/callback", "https://app.example@evil.test/callback", "//app.example/callback",
        "javascript:alert(1)", "", " https://app.example/callback", f"{CALLBACK}\\@evil.test", "https://app.example/Callback",
    ]  # fmt: skip
    async with person(app) as ada:
        for uri in wrong:
            answer = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), redirect_uri=uri))
            assert answer.status_code == 400, uri
            assert "location" not in answer.headers
        answer = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), redirect_uri=None))
        assert answer.status_code == 400
        for client_id in ("", "client_aaaaaaaaaaaaaaaaaaaaaaaaaa", "x", party.id.upper()):
            answer = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), client_id=client_id))
            assert answer.status_code == 400
            assert "location" not in answer.headers


async def test_rfc9700_2_1_only_a_native_public_client_may_choose_its_loopback_port(app):
    registered = ["http://127.0.0.1/cb", "http://[::1]/cb"]
    native = await register(app, is_public=True, application_type="native", redirect_uris=registered)
    web = await register(app, is_public=True, redirect_uris=registered)
    confidential = await register(app, application_type="native", redirect_uris=registered)
    async with person(app) as ada:
        for party, uri, status in (
            (native, "http://127.0.0.1:51004/cb", 303),
            (native, "http://[::1]:9/cb", 303),
            (native, "http://127.0.0.1/cb", 303),
            (native, "http://127.0.0.1:51004/other", 400),
            (native, "http://localhost:51004/cb", 400),
            (native, "http://127.0.0.1:51004@evil.test/cb", 400),
            (native, "http://127.0.0.1.evil.test/cb", 400),
            (native, "https://127.0.0.1:51004/cb", 400),
            (web, "http://127.0.0.1:51004/cb", 400),
            (confidential, "http://127.0.0.1:51004/cb", 400),
        ):
            answer = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), redirect_uri=uri))
            assert answer.status_code == status, uri


REFUSED: list[tuple[dict[str, str | None], str]] = [
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_type": None}, "invalid_request"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"scope": "admin notes:read"}, "invalid_scope"),
    ({"resource": "https://evil.test/"}, "invalid_target"),
    ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
    ({"request_uri": "https://evil.test/"}, "request_uri_not_supported"),
    ({"registration": "{}"}, "registration_not_supported"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
]


async def test_rfc9700_2_1_1_what_may_not_be_asked_is_refused_at_the_clients_own_address(app, party):
    async with person(app) as ada:
        for changes, error in REFUSED:
            answer = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), **changes))
            assert answer.status_code == 303
            assert answer.headers["location"].startswith(f"{CALLBACK}?")
            fields = fields_of(answer)
            assert (fields["error"], fields["state"], fields["iss"]) == (error, "st/ate \\ & more", ORIGIN), changes


async def test_a_parameter_that_comes_twice_is_refused(app, party):
    async with person(app) as ada:
        query = [*party.query(Pkce.new()).items(), ("state", "other")]
        assert (await ada.get("/oauth/authorize", params=query)).status_code == 400


async def test_asvs_10_4_6_the_verifier_must_fit_the_challenge(app, party):
    async with person(app) as ada:
        for verifier in (Pkce.new().verifier, "short", "", None):
            pkce = Pkce.new()
            code = await party.code(ada, pkce)
            answer = await party.exchange(code, pkce, code_verifier=verifier)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
            # There is one attempt: whoever has the code cannot try verifiers.
            assert (await party.exchange(code, pkce)).status_code == 400


async def test_asvs_10_4_2_a_second_use_of_a_code_ends_what_came_of_the_first(app, party):
    async with person(app) as ada:
        pkce = Pkce.new()
        code = await party.code(ada, pkce)
        first = await party.exchange(code, pkce)
        assert first.status_code == 200
        again = await party.exchange(code, pkce)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        assert (await party.refresh(first.json()["refresh_token"])).status_code == 400
        assert (await with_access(app, first.json()["access_token"], "GET", "/oauth/sessions")).status_code == 401
        ended = (await ada.get("/api/v1/auth/sessions", params={"include": "ended"})).json()
    assert [row["reason"] for row in ended if row["application_id"]] == ["code_replay"]


async def test_asvs_10_4_3_a_code_lives_one_minute(app, party, clock):
    async with person(app) as ada:
        early, late = Pkce.new(), Pkce.new()
        first, second = await party.code(ada, early), await party.code(ada, late)
        clock.advance(seconds=59)
        assert (await party.exchange(first, early)).status_code == 200
        clock.advance(seconds=1)
        assert (await party.exchange(second, late)).json()["error"] == "invalid_grant"


async def test_a_code_of_another_client_is_refused_and_not_used_up(app, party):
    other = await register(app, name="Other")
    async with person(app) as ada:
        pkce = Pkce.new()
        code = await party.code(ada, pkce)
        assert (await other.exchange(code, pkce)).json()["error"] == "invalid_grant"
        assert (await party.exchange(code, pkce, redirect_uri="https://app.example/other")).status_code == 400
        code = await party.code(ada, pkce)
        assert (await party.exchange(code, pkce)).status_code == 200


async def test_a_code_dies_with_the_browser_session_that_it_was_made_in(app, party):
    async with person(app) as ada:
        pkce = Pkce.new()
        code = await party.code(ada, pkce)
        assert (await ada.post("/api/v1/auth/logout")).status_code == 200
        assert (await party.exchange(code, pkce)).json()["error"] == "invalid_grant"


async def test_prompt_none_never_shows_a_page(app, party):
    async with browser(app) as nobody:
        answer = await nobody.get("/oauth/authorize", params=party.query(Pkce.new(), prompt="none"))
    assert fields_of(answer)["error"] == "login_required"
    async with person(app) as ada:
        assert "code" in fields_of(await ada.get("/oauth/authorize", params=party.query(Pkce.new(), prompt="none")))


@pytest.mark.parametrize("ask", [{"prompt": "login"}, {"max_age": "60"}])
async def test_a_fresher_sign_in_is_asked_for_and_told(app, party, clock, ask):
    async with person(app) as ada:
        clock.advance(minutes=10)
        pkce = Pkce.new()
        page = await ada.get("/oauth/authorize", params=party.query(pkce, **ask))
        assert page.status_code == 200
        silent = await ada.get("/oauth/authorize", params=party.query(pkce, **{"max_age": "60", "prompt": "none"}))
        assert fields_of(silent)["error"] == "login_required"
        form = form_of(page)
        wrong = await ada.post("/oauth/authorize/decision", data={**form, "confirm_password": "not this one"})
        assert wrong.status_code == 401
        right = await ada.post("/oauth/authorize/decision", data={**form, "confirm_password": PASSWORD})
        assert right.status_code == 303, right.text
        answer = await party.exchange(fields_of(right)["code"], pkce)
    assert claims_of(answer.json()["id_token"])["auth_time"] == int(clock().timestamp())


async def test_rfc9700_4_12_no_redirect_repeats_a_form(app, party):
    """A 307 or 308 would have the browser send the password on to the client."""
    async with person(app) as ada:
        page = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), prompt="login"))
        answer = await ada.post("/oauth/authorize/decision", data={**form_of(page), "confirm_password": PASSWORD})
    assert answer.status_code == 303


async def test_another_site_cannot_answer_in_the_persons_name(app, party):
    async with person(app) as ada:
        page = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), prompt="consent"))
        sent = {**form_of(page), "decision": "yes"}
        foreign = await ada.post("/oauth/authorize/decision", data=sent, headers={"sec-fetch-site": "cross-site"})
        assert foreign.status_code == 403
        without = await ada.post("/oauth/authorize/decision", data={"r": sent["r"], "decision": "yes"})
        assert without.status_code == 403


async def test_pages_on_the_way_cannot_be_framed(app, party):
    async with visitor(app) as nobody:
        answer = await nobody.get("/oauth/authorize", params=party.query(Pkce.new(), redirect_uri="https://evil.test"))
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
