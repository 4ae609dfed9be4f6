"""Clients prove who they are; administrators register them; keys change without anybody noticing."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from ostiary.core.oauth.client import Registration
from ostiary.errors import ConfigurationError, Conflict, InvalidRequest, SessionInvalid
from tests.http.visitors import visitor
from tests.oauth.party import (
    CALLBACK,
    Party,
    Pkce,
    claims_of,
    fields_of,
    form_of,
    person,
    register,
    tokens_of,
    with_access,
)


async def test_a_client_proves_itself_in_one_of_two_ways(app, party, public_party):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
    form = {"token": tokens.access}

    async def ask(data: dict[str, str], header: str | None = None) -> tuple[int, dict[str, object]]:
        async with visitor(app, **({"authorization": header} if header else {})) as server:
            answer = await server.post("/oauth/introspect", data=data)
        return answer.status_code, answer.json()

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    right = {"client_id": party.id, "client_secret": str(party.secret)}
    assert (await ask(form | right))[1]["active"] is True
    assert (await ask(form, basic(f"{party.id}:{party.secret}")))[1]["active"] is True
    for data, header in (
        (form, None),
        (form | {"client_id": party.id}, None),
        (form | {"client_id": party.id, "client_secret": "A" * 43}, None),
        (form | {"client_id": f"client_{'a' * 26}", "client_secret": str(party.secret)}, None),
        (form | {"client_id": "x", "client_secret": "y"}, None),
        (form | {"client_id": public_party.id}, None),  # it cannot prove who asks
        (form | {"client_id": public_party.id, "client_secret": "A" * 43}, None),
        (form, basic(f"{party.id}:wrong")),
        (form, basic(party.id)),
        (form, "Basic !!!"),
        (form, f"Bearer {tokens.access}"),
    ):
        status, body = await ask(data, header)
        assert (status, body["error"]) == (401, "invalid_client"), (data, header)
    assert (await ask(form | right, basic(f"{party.id}:{party.secret}")))[0] == 400


async def test_an_answer_about_tokens_says_the_same_of_ended_unknown_and_foreign(app, party):
    other = await register(app, name="Other")
    sibling = await register(app, name="API", application_id=party.id)
    async with person(app) as ada, person(app) as phone:
        mine, ended = await party.sign_in(ada), await party.sign_in(phone)
        await phone.post(f"/api/v1/auth/sessions/{ended.sid}/revoke")
    assert (await sibling.introspect(mine.access)).json()["active"] is True
    known = (await party.introspect(mine.access)).json()
    assert (known["username"], known["sid"], known["token_type"]) == ("ada", mine.sid, "Bearer")
    answers = [
        await party.introspect(ended.access),
        await party.introspect(ended.refresh),
        await party.introspect("unknown"),
        await party.introspect(f"ort_{'a' * 26}.{'A' * 43}"),
        await other.introspect(mine.access),
        await other.introspect(mine.refresh),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b'{"active":false}')}


async def test_asvs_10_4_9_and_rfc7009_revoking_either_token_ends_the_session(app, party, public_party):
    other = await register(app, name="Other")
    async with person(app) as ada:
        for holder in (party, public_party):
            for which in ("access", "refresh"):
                tokens = await holder.sign_in(ada)
                token = getattr(tokens, which)
                assert (await other.call("/oauth/revoke", token=token)).status_code == 200
                assert (await with_access(app, tokens.access, "GET", "/oauth/sessions")).status_code == 200
                hint = "access_token" if which == "refresh" else "refresh_token"  # wrong, and not needed
                assert (await holder.call("/oauth/revoke", token=token, token_type_hint=hint)).status_code == 200
                assert (await holder.call("/oauth/revoke", token=token)).status_code == 200
                assert (await with_access(app, tokens.access, "GET", "/oauth/sessions")).status_code == 401
                assert (await holder.refresh(tokens.refresh)).status_code == 400
        # The user, too: from the list of their sessions.
        tokens = await party.sign_in(ada)
        assert (await ada.post(f"/api/v1/auth/sessions/{tokens.sid}/revoke")).status_code == 200
    assert (await party.refresh(tokens.refresh)).status_code == 400
    assert (await party.call("/oauth/revoke", token="unknown")).status_code == 200
    assert (await party.call("/oauth/revoke")).json()["error"] == "invalid_request"


async def test_the_token_endpoint_refuses_in_the_standards_words(app, party):
    assert (await party.call("/oauth/token")).json()["error"] == "invalid_request"
    for grant in ("password", "implicit", "urn:x"):  # ASVS 5.0 10.4.4
        assert (await party.call("/oauth/token", grant_type=grant)).json()["error"] == "unsupported_grant_type"
    answer = await party.call("/oauth/token", grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    async with visitor(app) as server:
        answer = await server.post("/oauth/token", json={"grant_type": "authorization_code"})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert (await server.get("/oauth/token")).status_code == 405


async def test_a_service_is_one_session_that_can_be_ended(app):
    service = await register(
        app, name="Reports", redirect_uris=[], post_logout_redirect_uris=[], scopes=["gateway", "feed:read"]
    )
    first = tokens_of(await service.call("/oauth/token", grant_type="client_credentials"))
    second = tokens_of(await service.call("/oauth/token", grant_type="client_credentials", scope="gateway"))
    assert first.refresh == ""
    assert first.sid == second.sid
    assert claims_of(first.access)["sub"] == service.id
    assert claims_of(second.access)["scope"] == "gateway"
    answer = await service.call("/oauth/token", grant_type="client_credentials", scope="openid")
    assert answer.json()["error"] == "invalid_scope"
    assert (await with_access(app, first.access, "GET", "/verify")).status_code == 200
    async with person(app, "root") as root:
        await root.post(f"/api/v1/admin/sessions/{first.sid}/revoke")
    for tokens in (first, second):
        assert (await with_access(app, tokens.access, "GET", "/verify")).status_code == 401
    third = tokens_of(await service.call("/oauth/token", grant_type="client_credentials"))
    assert third.sid != first.sid


async def test_a_third_party_is_asked_about_once_and_for_what_it_gets(app):
    party = await register(app, name="Else <b>", third_party=True, scopes=["openid", "profile", "email"])
    async with person(app) as ada:
        silent = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), prompt="none"))
        assert fields_of(silent)["error"] == "consent_required"
        page = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), scope="openid"))
        assert page.status_code == 200
        assert "Else &lt;b&gt;" in page.text
        no = await ada.post("/oauth/authorize/decision", data={**form_of(page), "decision": "no"})
        assert fields_of(no)["error"] == "access_denied"
        pkce = Pkce.new()
        page = await ada.get("/oauth/authorize", params=party.query(pkce, scope="openid"))
        yes = await ada.post("/oauth/authorize/decision", data={**form_of(page), "decision": "yes"})
        tokens = tokens_of(await party.exchange(fields_of(yes)["code"], pkce))
        assert claims_of(tokens.access)["scope"] == "openid"  # a third party has nothing that it did not ask for
        assert (await with_access(app, tokens.access, "GET", "/oauth/sessions")).status_code == 403
        assert (await with_access(app, tokens.access, "GET", "/verify")).status_code == 403
        assert "code" in fields_of(await ada.get("/oauth/authorize", params=party.query(Pkce.new(), scope="openid")))
        more = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), scope="openid email"))
        assert more.status_code == 200


async def test_administrators_register_change_and_remove_clients(app):
    wanted = {"name": "Shop", "redirect_uris": [CALLBACK], "tenant": "acme"}
    async with person(app, "root") as root, person(app) as ada:
        assert (await ada.post("/api/v1/admin/clients", json=wanted)).status_code == 403
        made = await root.post("/api/v1/admin/clients", json=wanted)
        assert made.status_code == 201
        client_id = made.json()["client"]["id"]
        shown = (await root.get(f"/api/v1/admin/clients/{client_id}")).json()
        assert set(shown) == {"client"}
        assert [one["id"] for one in (await root.get("/api/v1/admin/clients")).json()["clients"]] == [client_id]
        renewed = (await root.post(f"/api/v1/admin/clients/{client_id}/secret")).json()
        assert renewed["secret"] != made.json()["secret"]
        client = await app.authority.oauth.clients.authenticate(client_id, renewed["secret"])
        old = Party(app, client, made.json()["secret"])
        assert (await old.refresh("x")).json()["error"] == "invalid_client"
        party = Party(app, client, renewed["secret"])
        tokens = await party.sign_in(ada)
        assert claims_of(tokens.access)["tenant_id"] == "acme"
        gone = await root.delete(f"/api/v1/admin/clients/{client_id}")
        assert gone.json() == {"ok": True, "id": client_id, "sessions": 1}
        assert (await with_access(app, tokens.access, "GET", "/oauth/sessions")).status_code == 401
        assert (await party.refresh(tokens.refresh)).json()["error"] == "invalid_client"
        for unknown in (client_id, "nonsense"):
            assert (await root.get(f"/api/v1/admin/clients/{unknown}")).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uris": ["http://app.example/cb"]},
        {"redirect_uris": ["https://app.example/cb#x"]},
        {"redirect_uris": ["https://*.example/cb"], "post_logout_redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["javascript:alert(1)"], "application_type": "native", "is_public": True},
        {"redirect_uris": ["com.example.app:/cb"]},
        {"redirect_uris": ["https://user@app.example/cb"]},
        {"redirect_uris": ["https://app.example/a b"]},
        {"redirect_uris": [CALLBACK], "grants": ["password"]},
        {"redirect_uris": [CALLBACK], "grants": ["client_credentials"]},
        {"redirect_uris": [], "grants": ["authorization_code"]},
        {"redirect_uris": [], "is_public": True},
        {"redirect_uris": [CALLBACK], "scopes": ["admin"]},
        {"redirect_uris": [CALLBACK], "name": " "},
        {"redirect_uris": [CALLBACK], "tenant": "\x1b[31m"},
    ],
)
def test_what_cannot_be_a_client_is_refused(wrong, clock):
    with pytest.raises(InvalidRequest):
        Registration(**({"name": "Shop"} | wrong)).check("client_x", clock())


async def test_keys_rotate_with_overlap_and_at_once_without(make_app, app, party, clock):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)

        async def published() -> set[str]:
            async with visitor(app) as nobody:
                keys = (await nobody.get("/.well-known/jwks.json")).json()["keys"]
            assert all(not {"d", "p", "q"} & set(key) for key in keys)
            assert {key["alg"] for key in keys} == {"RS256", "ES256"}
            return {key["kid"] for key in keys}

        before = await published()
        async with person(app, "root") as root:
            new = set((await root.post("/api/v1/admin/keys/rotate")).json()["keys"])
            assert await published() == before | new
            # What the old key signed is still read, and another node reads the new one at once.
            assert (await with_access(app, tokens.access, "GET", "/oauth/sessions")).status_code == 200
            async with make_app() as node:
                fresh = await party.sign_in(ada)
                assert (await with_access(node, fresh.access, "GET", "/oauth/sessions")).status_code == 200
            clock.advance(hours=24)
            app.authority.oauth.keys.forget()
            assert await published() == new
        async with person(app, "root") as root:
            newest = set((await root.post("/api/v1/admin/keys/rotate", json={"at_once": True})).json()["keys"])
        assert await published() == newest
        with pytest.raises(SessionInvalid):
            await app.authority.verify(fresh.access)
    assert (await party.refresh(fresh.refresh)).status_code == 200  # sessions and refresh tokens live on


async def test_private_keys_are_encrypted_at_rest(app, make_app, party):
    async with app.authority.database.reading() as db:
        rows = (await db.exec_driver_sql("SELECT private_key FROM signing_keys")).scalars().all()
    assert rows
    for sealed in rows:
        assert b"\x30\x82" not in bytes(sealed)[:20]
    async with make_app(key="x" * 43) as other:
        with pytest.raises(ConfigurationError, match="protected by another key"):
            await other.authority.oauth.keys.sign_access_token({})


async def test_the_key_beside_sqlite_is_made_once_and_only_for_its_owner(settings, make_app, tmp_path):
    async with make_app(key=None) as node:
        if not node.authority.database.is_sqlite:
            with pytest.raises(Conflict, match="OSTIARY_KEY"):
                await register(node)
            return
        await register(node)
        path = Path(str(node.authority.database.file)).with_name("ostiary.key")
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_text()
    async with make_app(key=None) as again:
        await register(again)
    assert path.read_text() == before
    path.chmod(0o604)
    async with make_app(key=None) as exposed:
        with pytest.raises(ConfigurationError, match="chmod 600"):
            exposed.authority.oauth.keys.purpose_key("x")


async def test_asvs_10_6_2_a_get_ends_nothing_and_who_is_sent_here_is_asked(app, party):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
        asked = {"id_token_hint": tokens.id, "post_logout_redirect_uri": "https://app.example/bye", "state": "s 1"}
        for query in ({}, {"client_id": party.id}):
            led = await ada.get("/oauth/logout", params=query)
            assert led.status_code == 303
            page = await ada.get(led.headers["location"])
            assert (page.status_code, "Sign out?" in page.text) == (200, True)
        for wrong in (
            {"post_logout_redirect_uri": "https://evil.test/"},
            asked | {"post_logout_redirect_uri": "https://app.example/bye?x=1"},
            asked | {"id_token_hint": tokens.id[:-4] + "AAAA"},
            asked | {"id_token_hint": tokens.access},
            asked | {"client_id": f"client_{'a' * 26}"},
            {"post_logout_redirect_uri": "https://app.example/bye"},
        ):
            page = await ada.get("/oauth/end-session", params=wrong)
            assert (page.status_code, "location" in page.headers) == (400, False), wrong
        assert (await ada.get("/api/v1/auth/sessions")).status_code == 200
        assert (await with_access(app, tokens.access, "GET", "/oauth/sessions")).status_code == 200
        without_hint = {name: value for name, value in asked.items() if name != "id_token_hint"} | {
            "client_id": party.id
        }
        page = await ada.get("/oauth/end-session", params=without_hint)
        assert (await ada.post("/oauth/end-session", data={"r": form_of(page)["r"]})).status_code == 403
        done = await ada.post("/oauth/end-session", data=form_of(page))
        assert (done.status_code, done.headers["location"]) == (303, "https://app.example/bye?state=s+1")
        assert (await ada.get("/api/v1/auth/sessions")).status_code == 401
    assert (await with_access(app, tokens.access, "GET", "/oauth/sessions")).status_code == 401
    assert (await party.refresh(tokens.refresh)).status_code == 400


async def test_somebody_elses_hint_ends_nothing_of_theirs(app, party):
    async with person(app) as ada, person(app, "eve") as eve:
        theirs = await party.sign_in(ada)
        page = await eve.get("/oauth/end-session", params={"id_token_hint": theirs.id})
        assert (await eve.post("/oauth/end-session", data=form_of(page))).status_code == 303
        assert (await eve.get("/api/v1/auth/sessions")).status_code == 401
        assert (await ada.get("/api/v1/auth/sessions")).status_code == 200
    assert (await party.refresh(theirs.refresh)).status_code == 200


async def test_discovery_says_what_is_so(app):
    async with visitor(app) as nobody:
        documents = [
            (await nobody.get(f"/.well-known/{name}")).json()
            for name in ("openid-configuration", "oauth-authorization-server")
        ]
    assert documents[0] == documents[1]
    found = documents[0]
    assert found["issuer"] == "https://auth.test"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["response_types_supported"] == ["code"]
    assert "password" not in found["grant_types_supported"]
    assert all(value != [] for value in found.values())
