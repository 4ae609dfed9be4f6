"""Authorization requests that are pushed (RFC 9126): kept for a moment, for the client that pushed them."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from ostiary.authority.oauth import pushing
from ostiary.authority.oauth.pushing import PREFIX
from ostiary.storage.oauth_schema import pushed_requests
from tests.http.visitors import browser, visitor
from tests.oauth.party import Pkce, fields_of, form_of, person, register
from tests.support.people import PASSWORD

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def pushed(party, pkce: Pkce, **more: str | None):
    query = party.query(pkce, **more)
    del query["client_id"]
    return await party.call("/oauth/par", **query)


async def test_a_pushed_request_leads_to_a_code_and_the_browser_sees_none_of_it(app, party, public_party):
    for client in (party, public_party):
        pkce = Pkce.new()
        answer = await pushed(client, pkce, nonce="n")
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        assert set(answer.json()) == {"request_uri", "expires_in"}
        assert answer.json()["request_uri"].startswith(PREFIX) and answer.json()["expires_in"] == 90
        async with person(app) as ada:
            asked = {"client_id": client.id, "request_uri": answer.json()["request_uri"]}
            found = await ada.get("/oauth/authorize", params={**asked, "scope": "gateway", "state": "another"})
            assert fields_of(found)["state"] == "st/ate \\ & more"  # what was pushed counts, and nothing else
            exchanged = await client.exchange(fields_of(found)["code"], pkce)
        assert exchanged.status_code == 200


async def test_who_signs_in_on_the_way_goes_on_although_it_has_expired_meanwhile(app, party, clock):
    pkce = Pkce.new()
    uri = (await pushed(party, pkce)).json()["request_uri"]
    async with browser(app) as nobody:
        first = await nobody.get("/oauth/authorize", params={"client_id": party.id, "request_uri": uri})
        form = await nobody.get(first.headers["location"])
        clock.advance(minutes=5)
        signed_in = await nobody.post("/sign-in", data={**form_of(form), "username": "ada", "password": PASSWORD})
        found = await nobody.get(signed_in.headers["location"])
        assert (await party.exchange(fields_of(found)["code"], pkce)).status_code == 200
        late = await nobody.get("/oauth/authorize", params={"client_id": party.id, "request_uri": uri})
        assert late.status_code == 400 and "has expired" in late.text


@SQLITE
async def test_of_another_client_unknown_or_changed_it_leads_nowhere(app, party):
    other = await register(app, name="Other")
    uri = (await pushed(party, Pkce.new())).json()["request_uri"]
    wrong = [(other.id, uri), (None, uri), *((party.id, one) for one in (uri[:-1], f"{uri}x", PREFIX, f"{PREFIX}x.y"))]
    async with person(app) as ada:
        for client_id, one in wrong:
            asked = {"client_id": client_id, "request_uri": one} if client_id else {"request_uri": one}
            answer = await ada.get("/oauth/authorize", params=asked)
            assert (answer.status_code, "location" in answer.headers) == (400, False), (client_id, one)


@SQLITE
async def test_what_is_wrong_with_a_request_is_said_where_it_is_pushed(app, party):
    wrong: list[tuple[dict[str, str | None], str]] = [
        ({"redirect_uri": "https://evil.test/"}, "invalid_request"), ({"redirect_uri": None}, "invalid_request"),
        ({"request_uri": f"{PREFIX}x"}, "invalid_request"), ({"request": "x"}, "request_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"), ({"code_challenge": None}, "invalid_request"),
        ({"scope": "mystery"}, "invalid_scope"), ({"resource": "https://x.example"}, "invalid_target"),
        ({"prompt": "none login"}, "invalid_request"), ({"state": "s" * 5000}, "invalid_request"),
        ({"state": "s" * 4096, "nonce": "n" * 1024, "login_hint": "h" * 6000}, "invalid_request"),
        ({"state": "é" * 2000}, "invalid_request"), ({"login_hint": "h" * 60_000}, "invalid_request"),
    ]  # fmt: skip
    for changes, error in wrong:
        answer = await pushed(party, Pkce.new(), **changes)
        assert (answer.status_code, answer.json()["error"]) == (400, error), changes


@SQLITE
async def test_a_client_proves_itself_before_anything_is_kept(app, party):
    async with visitor(app) as anybody:
        for secret in ({}, {"client_secret": "A" * 43}):
            answer = await anybody.post("/oauth/par", data={**party.query(Pkce.new()), **secret})
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@SQLITE
async def test_a_client_cannot_fill_the_store(app, party, clock, monkeypatch):
    monkeypatch.setattr(pushing, "MAXIMUM_PUSHED", 3)
    for _ in range(3):
        assert (await pushed(party, Pkce.new())).status_code == 201
    answer = await pushed(party, Pkce.new())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "90")
    clock.advance(seconds=90)
    assert (await pushed(party, Pkce.new())).status_code == 201


async def push_from(ip: str, party) -> int:
    async with visitor(party.app, ip=ip) as somebody:
        return (await somebody.post("/oauth/par", data=party.query(Pkce.new()))).status_code


async def test_a_stranger_does_not_stop_a_public_client_for_others(app, party, public_party, monkeypatch):
    monkeypatch.setattr(pushing, "MAXIMUM_FROM", 3)
    other = await register(app, name="Other", is_public=True, application_type="native")
    for _ in range(3):
        assert await push_from("192.0.2.66", public_party) == 201
    for client in (public_party, other):
        assert await push_from("192.0.2.66", client) == 429
    assert await push_from("192.0.2.67", public_party) == 201
    assert (await pushed(party, Pkce.new())).status_code == 201
    links = [f"2001:db8:0:{link:x}::{host}" for link in range(12) for host in (1, 2, 3, 4)]
    answers = [await push_from(ip, public_party) for ip in links]
    assert answers == [201, 201, 201, 429] * 10 + [429] * 8
    assert await push_from("2001:db8:1::1", public_party) == 201


async def test_what_has_expired_is_forgotten_when_one_is_pushed(app, party, public_party, clock):
    for client in (party, public_party):
        for _ in range(3):
            assert (await pushed(client, Pkce.new())).status_code == 201
        clock.advance(seconds=90)
    assert (await pushed(party, Pkce.new())).status_code == 201
    async with app.authority.database.reading() as db:
        assert (await db.execute(select(func.count()).select_from(pushed_requests))).scalar_one() == 1


@SQLITE
async def test_the_longest_request_that_is_taken_leads_to_a_page(app, party):
    async with browser(app) as nobody:
        for length in (5000, 7000):
            answer = await pushed(party, Pkce.new(), login_hint="h" * length)
            assert answer.status_code == 201
            asked = {"client_id": party.id, "request_uri": answer.json()["request_uri"]}
            first = await nobody.get("/oauth/authorize", params=asked)
            assert (await nobody.get(first.headers["location"])).status_code == 200


@SQLITE
async def test_metadata_names_the_endpoint(app):
    async with visitor(app) as client:
        found = (await client.get("/.well-known/openid-configuration")).json()
    assert found["pushed_authorization_request_endpoint"].endswith("/oauth/par")
    assert found["require_pushed_authorization_requests"] is False
