"""The SDK as an application's own server uses it: codes and tokens as the client, sessions for whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest

from ostiary import errors
from ostiary.sdk import AsyncOstiary
from ostiary.sdk.authorization import read_answer
from tests.http.visitors import ORIGIN, add_people, held, signed_in, visitor
from tests.oauth.conftest import lend_keys
from tests.oauth.party import CALLBACK, SERVER_IP, Pkce, form_of, register
from tests.support.people import FIREFOX, PASSWORD


@pytest.fixture
async def server(app) -> AsyncIterator[httpx2.AsyncClient]:
    async with visitor(app, ip=SERVER_IP) as server:
        yield server


@pytest.fixture
def ostiary(server, party) -> AsyncOstiary:
    return AsyncOstiary(ORIGIN, http_client=server, client_id=party.id, client_secret=party.secret)


async def tokens(app, ostiary, party):
    async with signed_in(app) as person:
        pkce = Pkce.new()
        code = await party.code(person, pkce)
        return held(person), await ostiary.oauth.exchange(code, redirect_uri=CALLBACK, code_verifier=pkce.verifier)


async def test_the_four_calls_of_the_namespace(app, ostiary, party):
    browser, first = await tokens(app, ostiary, party)
    _, second = await tokens(app, ostiary, party)
    request = {"authorization": f"Bearer {first.access_token}", "user-agent": "the application's server"}
    cookie = {"cookie": f"theme=dark; access_token={second.access_token}"}
    listed = await ostiary.sessions.list(request, application_id=party.client.application_id)
    assert (listed.count, {one.application_id for one in listed}) == (2, {party.client.application_id})
    assert {(one.user_agent, one.ip) for one in listed} == {(FIREFOX, "203.0.113.7")}  # the person's, not the server's
    assert (await ostiary.sessions.list(request)).count == 4  # with the two browsers
    assert (await ostiary.sessions.list(request, application_id="another")).count == 0
    other = next(one.id for one in listed if not one.is_current)
    result = await ostiary.sessions.revoke(request, other)
    assert (result.success, result.message) == (True, "Session revoked successfully")
    with pytest.raises(errors.SessionRevoked):
        await ostiary.sessions.list(cookie)
    done = await ostiary.sessions.revoke_all(request, application_id=party.client.application_id)
    assert done.count == 1
    assert (await ostiary.auth.whoami({"cookie": f"__Host-session={browser}"})).user.username == "ada"
    with pytest.raises(errors.InvalidGrant):
        await ostiary.oauth.refresh(first.refresh_token)
    assert (await ostiary.sessions.logout(first.refresh_token)).success


async def test_logging_out_by_the_refresh_token_alone(app, ostiary, party):
    _, mine = await tokens(app, ostiary, party)
    assert (await ostiary.sessions.logout(mine.refresh_token)).message == "Logged out"
    assert not (await ostiary.oauth.introspect(mine.access_token)).active


async def test_tokens_of_a_client(app, ostiary, party):
    _, mine = await tokens(app, ostiary, party)
    known = await ostiary.oauth.introspect(mine.access_token)
    assert (known.active, known.client_id, known.username) == (True, party.id, "ada")
    told = await ostiary.oauth.userinfo({"authorization": f"Bearer {mine.access_token}"})
    assert told.preferred_username == "ada"
    next_one = await ostiary.oauth.refresh(mine.refresh_token)
    assert next_one.refresh_token not in {None, mine.refresh_token}
    assert (await ostiary.oauth.refresh(mine.refresh_token)).refresh_token == next_one.refresh_token  # the grace
    await ostiary.oauth.revoke(next_one.refresh_token)
    await ostiary.oauth.revoke("ort_unknown")
    assert not (await ostiary.oauth.introspect(next_one.access_token)).active
    for secret in (mine.access_token, mine.refresh_token, mine.id_token):
        assert secret not in repr(mine)


async def test_an_act_that_needs_a_fresher_proof_says_how_to_go_on(make_app, clock):
    async with make_app(step_up_age=timedelta(minutes=5)) as app, visitor(app, ip=SERVER_IP) as server:
        await add_people(app.authority)
        await lend_keys(app)
        party = await register(app)
        ostiary = AsyncOstiary(ORIGIN, http_client=server, client_id=party.id, client_secret=party.secret)
        async with signed_in(app) as browser:
            pkce = Pkce.new()
            code = await party.code(browser, pkce)
            mine = await ostiary.oauth.exchange(code, redirect_uri=CALLBACK, code_verifier=pkce.verifier)
            clock.advance(minutes=6)
            mine = await ostiary.oauth.refresh(mine.refresh_token or "")
            request = {"authorization": f"Bearer {mine.access_token}"}
            with pytest.raises(errors.ReauthenticationRequired):
                await ostiary.sessions.revoke_all(request)
            with pytest.raises(errors.ReauthenticationRequired) as why:
                await ostiary.oauth.sessions.log_out_all(request)
            assert why.value.max_age == 300
            assert "authorization_url(max_age=" in why.value.__notes__[0]
            told = await server.post("/oauth/logout-all", headers=request)
            assert 'error="insufficient_user_authentication"' in told.headers["www-authenticate"]  # RFC 9470 3
            assert {key: told.json()[key] for key in ("code", "max_age")} == {
                "code": "reauthentication_required",
                "max_age": 300,
            }
            begun = ostiary.authorization_url(redirect_uri=CALLBACK, max_age=why.value.max_age)
            asks = await browser.get(begun.url)
            back = await browser.post("/oauth/authorize/decision", data=form_of(asks) | {"confirm_password": PASSWORD})
            # The ID token is judged by this machine's clock, and the server's stands elsewhere: the tokens are enough.
            code, kept = read_answer(back.headers["location"], begun.checks, ORIGIN)
            mine = await ostiary.oauth.exchange(code, redirect_uri=CALLBACK, code_verifier=kept.code_verifier)
            fresh = {"authorization": f"Bearer {mine.access_token}"}
            assert (await ostiary.oauth.sessions.log_out_all(fresh)).success


async def test_a_service_and_a_public_client(app, server, public_party):
    service = await register(app, name="Reports", redirect_uris=[], grants=["client_credentials"], scopes=["feed:read"])
    reports = AsyncOstiary(ORIGIN, http_client=server, client_id=service.id, client_secret=service.secret)
    assert (await reports.oauth.client_credentials(scope="feed:read")).scope == "feed:read"
    with pytest.raises(errors.InvalidScope):
        await reports.oauth.client_credentials(scope="admin")
    phone = AsyncOstiary(ORIGIN, http_client=server, client_id=public_party.id)
    _, mine = await tokens(app, phone, public_party)
    assert (await phone.oauth.refresh(mine.refresh_token)).access_token


async def test_a_client_that_is_none_is_told(server, party):
    wrong = AsyncOstiary(ORIGIN, http_client=server, client_id=party.id, client_secret="wrong")
    with pytest.raises(errors.InvalidClient):
        await wrong.oauth.introspect("x")
    with pytest.raises(errors.InvalidGrant):
        right = AsyncOstiary(ORIGIN, http_client=server, client_id=party.id, client_secret=party.secret)
        await right.oauth.exchange("code_x", redirect_uri=CALLBACK, code_verifier="v" * 43)
    with pytest.raises(errors.ConfigurationError, match="client_id"):
        await AsyncOstiary(ORIGIN, http_client=server).oauth.introspect("x")
