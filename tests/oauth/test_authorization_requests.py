"""What an authorization request may say, how it may come, and that a person always finds a way on."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from tests.http.visitors import browser, held, visitor
from tests.oauth.party import CALLBACK, Pkce, claims_of, fields_of, form_of, person, register
from tests.support.people import PASSWORD

# Which database makes no difference here.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_core_3_1_2_1_a_request_may_come_by_post_from_the_clients_own_site(app, party):
    pkce = Pkce.new()
    async with person(app) as ada:
        foreign = {"sec-fetch-site": "cross-site", "origin": "https://app.example"}
        posted = await ada.post("/oauth/authorize", data=party.query(pkce, nonce="n"), headers=foreign)
        assert (posted.status_code, "set-cookie" in posted.headers) == (303, False)
        answer = await ada.get(posted.headers["location"])
    assert (await party.exchange(fields_of(answer)["code"], pkce)).status_code == 200


async def test_a_request_by_post_that_is_no_form_is_a_page(app, party):
    async with browser(app) as nobody:
        answer = await nobody.post("/oauth/authorize", json=party.query(Pkce.new()))
        assert (answer.status_code, answer.headers["content-type"]) == (422, "text/html; charset=utf-8")


async def test_rfc6749_3_1_unknown_parameters_are_ignored_however_often_they_come(app, party):
    tolerated = {
        "acr_values": "urn:x",
        "claims": '{"id_token":{"acr":null}}',
        "ui_locales": "de-CH fr",
        "display": "page",
    }
    query = [*party.query(Pkce.new(), **tolerated).items(), ("utm", "1"), ("utm", "2")]
    async with person(app) as ada:
        answer = await ada.get("/oauth/authorize", params=query)
        assert "code" in fields_of(answer)
        for name in ("state", "client_id", "redirect_uri", "nonce"):
            twice = [*query, (name, "other"), (name, "again")]
            assert (await ada.get("/oauth/authorize", params=twice)).status_code == 400


async def test_a_request_without_a_client_says_so(app, party):
    async with person(app) as ada:
        answer = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), client_id=None))
    assert answer.status_code == 400
    assert "client_id" in answer.text and "is required" in answer.text


async def test_long_states_pass_also_where_the_person_signs_in_on_the_way(app, party):
    state, pkce = "s" * 4096, Pkce.new()
    async with browser(app) as nobody:
        first = await nobody.get("/oauth/authorize", params=party.query(pkce, state=state, nonce="n" * 1024))
        form = await nobody.get(first.headers["location"])
        signed_in = await nobody.post("/sign-in", data={**form_of(form), "username": "ada", "password": PASSWORD})
        answer = await nobody.get(signed_in.headers["location"])
    assert fields_of(answer)["state"] == state
    assert claims_of((await party.exchange(fields_of(answer)["code"], pkce)).json()["id_token"])["nonce"] == "n" * 1024


@pytest.mark.parametrize("length", [5_000, 9_000, 20_000])
async def test_what_is_longer_than_anybody_needs_is_refused_by_a_page_or_at_the_client(app, party, length):
    async with person(app, accept="text/html") as ada:
        answer = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), state="s" * length))
    assert answer.status_code in {303, 414}
    if answer.status_code == 303:
        assert fields_of(answer)["error"] == "invalid_request"
    else:
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_form_post_answers_by_a_form_that_sends_itself_and_by_a_button(app, party):
    pkce = Pkce.new()
    async with person(app) as ada:
        for changes in ({}, {"scope": "nothing:known"}):
            query = party.query(pkce, response_mode="form_post", **changes)
            answer = await ada.get("/oauth/authorize", params=query)
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
            assert f'action="{CALLBACK}"' in answer.text and 'form method="post"' in answer.text
            assert "form-action 'self' https://app.example;" in answer.headers["content-security-policy"]
            assert re.search(r"<script nonce=\"[^\"]+\" defer src=\"/static/form_post\.js", answer.text)
            sent = {name: value.replace("&amp;", "&") for name, value in form_of(answer).items()}
            assert sent["state"] == "st/ate \\ & more" and sent["iss"] == "https://auth.test"
            if changes:
                assert (sent["error"], "code" in sent) == ("invalid_scope", False)
            else:
                assert (await party.exchange(sent["code"], pkce)).status_code == 200


async def test_core_3_1_2_2_a_hint_that_names_somebody_else_asks_for_them(app, party):
    async with person(app, "eve") as eve:
        hint = (await party.sign_in(eve)).id
    async with person(app) as ada:
        own = (await party.sign_in(ada)).id
        silent = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), prompt="none", id_token_hint=hint))
        assert (fields_of(silent)["error"], "code" in fields_of(silent)) == ("login_required", False)
        asked = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), id_token_hint=hint))
        assert asked.headers["location"].startswith("/sign-in?next=")
        assert (await ada.get(asked.headers["location"])).status_code == 200
        for good in (own, "nothing.of.ours", own[:-4] + "AAAA"):
            query = party.query(Pkce.new(), prompt="none", id_token_hint=good)
            assert "code" in fields_of(await ada.get("/oauth/authorize", params=query))


async def test_an_expired_hint_still_names_its_user(app, party, clock):
    async with person(app, "eve") as eve:
        hint = (await party.sign_in(eve)).id
    clock.advance(hours=1)
    async with person(app) as ada:
        silent = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), prompt="none", id_token_hint=hint))
    assert fields_of(silent)["error"] == "login_required"


async def test_select_account_asks_and_goes_on_as_chosen(app, party):
    pkce = Pkce.new()
    async with person(app) as ada:
        asked = await ada.get("/oauth/authorize", params=party.query(pkce, prompt="select_account"))
        assert asked.status_code == 200 and "Go on as ada" in asked.text and "Shop" in asked.text
        done = await ada.post("/oauth/authorize/decision", data={**form_of(asked), "decision": "account"})
        assert (await party.exchange(fields_of(done)["code"], pkce)).status_code == 200
        no = await ada.post("/oauth/authorize/decision", data={**form_of(asked), "decision": "no"})
        assert fields_of(no)["error"] == "access_denied"


async def test_select_account_lets_somebody_else_sign_in_and_go_on(app, party):
    pkce = Pkce.new()
    async with person(app) as ada:
        asked = await ada.get("/oauth/authorize", params=party.query(pkce, prompt="select_account"))
        other = re.search(r'href="(/sign-in[^"]+)"', asked.text)
        assert other is not None
        form = await ada.get(other[1].replace("&amp;", "&"))
        assert form.status_code == 200
        signed_in = await ada.post("/sign-in", data={**form_of(form), "username": "eve", "password": PASSWORD})
        answer = await ada.get(signed_in.headers["location"])
    tokens = (await party.exchange(fields_of(answer)["code"], pkce)).json()
    assert claims_of(tokens["id_token"])["preferred_username"] == "eve"


async def test_max_age_holds_to_the_second_and_a_sign_in_on_the_way_is_fresh(app, party, clock):
    async with person(app) as ada:
        clock.advance(seconds=2)
        silent = party.query(Pkce.new(), max_age="1", prompt="none")
        assert fields_of(await ada.get("/oauth/authorize", params=silent))["error"] == "login_required"
        assert "code" in fields_of(await ada.get("/oauth/authorize", params={**silent, "max_age": "2"}))
    async with browser(app) as nobody:
        pkce = Pkce.new()
        first = await nobody.get("/oauth/authorize", params=party.query(pkce, max_age="0"))
        form = await nobody.get(first.headers["location"])
        signed_in = await nobody.post("/sign-in", data={**form_of(form), "username": "ada", "password": PASSWORD})
        clock.advance(seconds=3)
        assert "code" in fields_of(await nobody.get(signed_in.headers["location"]))


async def test_a_login_hint_is_in_the_form(app, party):
    async with browser(app) as nobody:
        first = await nobody.get("/oauth/authorize", params=party.query(Pkce.new(), login_hint='a"da'))
        form = await nobody.get(first.headers["location"])
    assert 'name="username" value="a&#34;da"' in form.text


async def test_who_cancels_goes_back_with_access_denied(app, party):
    async with person(app) as ada:
        page = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), prompt="login"))
        assert "signed in a while ago" not in page.text
        assert re.search(r'<button[^>]*value="no" formnovalidate>Cancel', page.text)
        cancelled = await ada.post("/oauth/authorize/decision", data={**form_of(page), "decision": "no"})
        fields = fields_of(cancelled)
        assert (fields["error"], fields["state"]) == ("access_denied", "st/ate \\ & more")
        assert held(ada)


async def test_the_consent_page_is_plain_and_true(app):
    stranger = await register(app, name="Calendar", third_party=True)
    house = await register(app, name="Shop")
    async with person(app) as ada:
        asked = await ada.get("/oauth/authorize", params=stranger.query(Pkce.new()))
        ours = await ada.get("/oauth/authorize", params=house.query(Pkce.new(), prompt="consent"))
    assert "Calendar (https://app.example) is not run by this server" in asked.text
    assert "is not run by this server" not in ours.text
    for page in (asked.text, ours.text):
        assert "For at most 3 months" in page and "h0m0s" not in page
        assert "under Settings, Applications" in page
        assert "You are signed in as ada." in page and "Not you?" in page


async def test_logout_may_come_as_a_form_from_the_clients_site(app, party):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
        asked = {"id_token_hint": tokens.id, "post_logout_redirect_uri": "https://app.example/bye", "state": "s"}
        posted = await ada.post("/oauth/logout", data=asked, headers={"sec-fetch-site": "cross-site"})
        assert posted.status_code == 303
        assert posted.headers["location"] == f"/oauth/end-session?{urlencode(asked)}"
        assert (await ada.get("/api/v1/auth/sessions")).status_code == 200  # nothing has ended yet
        by_get = await ada.get("/oauth/logout", params=asked)
        assert (by_get.status_code, by_get.text) == (303, "")
    async with visitor(app) as anybody:
        assert (
            await anybody.post("/oauth/logout", content="{", headers={"content-type": "application/json"})
        ).status_code == 400


async def test_a_hint_of_a_key_that_is_gone_is_no_fault_of_the_application(app, party):
    """As if there were none: the client says who it is, and the person is asked."""
    async with person(app) as ada, person(app, "root") as root:
        tokens = await party.sign_in(ada)
        await root.post("/api/v1/admin/keys/rotate", json={"at_once": True})
        asked = {
            "id_token_hint": tokens.id,
            "client_id": party.id,
            "post_logout_redirect_uri": "https://app.example/bye",
        }
        page = await ada.get("/oauth/end-session", params=asked)
        assert page.status_code == 200 and "Sign out?" in page.text
        assert "code" in fields_of(
            await ada.get("/oauth/authorize", params=party.query(Pkce.new(), id_token_hint=tokens.id, prompt="none"))
        )
