"""Tokens for a resource (RFC 8707, RFC 9068 3): for it alone, whoever asks, and refused at every door of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from ostiary.contract.api import operations
from ostiary.core.caller import Caller
from ostiary.core.oauth.client import Registration
from ostiary.core.oauth.resource import NewResource, Resource, ResourceScope, key_of
from ostiary.errors import Conflict, InvalidRequest, NotAllowed, ResourceNotFound
from ostiary.http.app import Application
from tests.http.visitors import ORIGIN, visitor
from tests.oauth.party import Pkce, claims_of, fields_of, form_of, person, register, tokens_of, with_access

OPERATOR = Caller.operator("tests")
NOTES = "https://notes.example/mcp"
READ = ResourceScope("notes:read", "read your notes")
WRITE = ResourceScope("notes:write", "change your notes")
# Which database makes no difference here.
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def add(app: Application, **wanted: Any) -> Resource:
    asked = {"uri": NOTES, "name": "Notes", "scopes": (READ, WRITE), "clients": "any"} | wanted
    return await app.authority.oauth.resources.add(NewResource(**asked), by=OPERATOR)


@pytest.fixture
async def notes(app) -> Resource:
    """A resource for any client."""
    return await add(app)


async def test_rfc9068_3_a_token_for_a_resource_is_refused_at_every_door_of_ours(app, party, notes):
    async with person(app, "root") as root:
        tokens = await party.sign_in(root, resource=NOTES, scope="openid profile offline_access notes:read")
    claims = claims_of(tokens.access)
    assert (claims["aud"], claims["scope"]) == ([NOTES], "openid profile offline_access notes:read")
    assert claims_of(tokens.id)["aud"] == party.id
    tried = 0
    async with visitor(app, authorization=f"Bearer {tokens.access}") as hostile:
        for operation in operations():
            if operation.who not in {"caller", "service", "access_token"} and operation.path != "/verify":
                continue
            path = operation.path.replace("{session_id}", tokens.sid).replace("{", "").replace("}", "")
            answer = await hostile.request(operation.method, path, json={} if operation.method == "POST" else None)
            assert answer.status_code == 401, operation.id
            assert 'error="invalid_token"' in answer.headers["www-authenticate"], operation.id
            tried += 1
    assert tried > 40
    async with person(app, "root") as root:
        assert tokens.sid in {row["id"] for row in (await root.get("/api/v1/auth/sessions")).json()}


@SQLITE
async def test_a_token_for_a_resource_is_no_users_credential_beside_a_service_that_asks(app, party, notes):
    """Who verifies credentials for others hears no good of one that is for a server of others."""
    async with person(app) as ada:
        tokens = await party.sign_in(ada, resource=NOTES, scope="notes:read")
    service = await register(app, name="Gate", redirect_uris=[], scopes=["feed:read"])
    async with service.server() as server:
        answer = await server.post(
            "/api/v1/verifications",
            json={"credentials": [{"token": tokens.access}]},
            auth=(service.id, str(service.secret)),
        )
    assert answer.json()["answers"][0]["error"]["code"] == "session_invalid"


async def test_rfc8707_2_2_token_and_refresh_are_for_the_same_resource_or_refused(app, party, notes):
    other = await add(app, uri="https://other.example", name="Other")
    async with person(app) as ada:
        for asked, status in (
            (other.uri, 400),
            ("not a uri", 400),
            (f"{NOTES} {other.uri}", 400),
            (NOTES, 200),
            (None, 200),
        ):
            pkce = Pkce.new()
            code = await party.code(ada, pkce, resource=NOTES, scope="openid notes:read")
            answer = await party.exchange(code, pkce, resource=asked)
            assert answer.status_code == status, (asked, answer.text)
            if status == 400:
                assert answer.json()["error"] == "invalid_target"
        tokens = await party.sign_in(ada, resource=NOTES, scope="openid notes:read")
        plain = await party.sign_in(ada)
    for asked in (other.uri, "x"):
        assert (await party.refresh(tokens.refresh, resource=asked)).json()["error"] == "invalid_target"
    assert (await party.refresh(plain.refresh, resource=NOTES)).json()["error"] == "invalid_target"
    for more in ({}, {"resource": "https://NOTES.example:443/mcp"}):
        tokens = tokens_of(await party.refresh(tokens.refresh, **more))
        assert claims_of(tokens.access)["aud"] == [NOTES]


@SQLITE
async def test_what_is_no_resource_here_is_no_target(app, party, notes):
    wrong = [
        "https://evil.example/mcp", "/mcp", "notes.example/mcp", f"{NOTES}#x", f"{NOTES}/", f"{NOTES}?x=1", "https://",
        "https://a@notes.example/mcp", "https://notes.example:8443/mcp", "http://notes.example/mcp", ORIGIN, "x" * 600,
        "https://notes.example/MCP", f"{NOTES} {NOTES}x",
    ]  # fmt: skip
    async with person(app) as ada:
        for uri in wrong:
            answer = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), resource=uri, scope="notes:read"))
            assert fields_of(answer)["error"] == "invalid_target", uri
        two = [*party.query(Pkce.new(), resource=NOTES).items(), ("resource", "https://other.example")]
        assert fields_of(await ada.get("/oauth/authorize", params=two))["error"] == "invalid_target"


@SQLITE
@pytest.mark.parametrize("spelling", ["HTTPS://Root.Example", "https://root.example/", "https://root.example:443"])
async def test_the_audience_is_the_registered_spelling(app, party, spelling):
    await add(app, uri="https://root.example", name="Root")
    with pytest.raises(Conflict):
        await add(app, uri=spelling, name="The same")
    if not spelling.startswith("HTTPS"):
        async with person(app) as ada:
            tokens = await party.sign_in(ada, resource=spelling, scope="notes:read")
        assert claims_of(tokens.access)["aud"] == ["https://root.example"]


@SQLITE
async def test_scopes_of_this_server_are_never_in_a_token_for_another(app, party, notes):
    async with person(app) as ada:
        mixed = await party.sign_in(
            ada, resource=NOTES, scope="sessions:read gateway notes:read email mystery feed:read notes:write"
        )
        unasked = await party.sign_in(ada, resource=NOTES, scope=None)
        none = party.query(Pkce.new(), resource=NOTES, scope="sessions:revoke mystery")
        assert fields_of(await ada.get("/oauth/authorize", params=none))["error"] == "invalid_scope"
        foreign = party.query(Pkce.new(), scope="notes:read")
        assert fields_of(await ada.get("/oauth/authorize", params=foreign))["error"] == "invalid_scope"
    assert mixed.body["scope"] == "email notes:read notes:write"
    assert unasked.body["scope"] == "openid profile email offline_access"


@SQLITE
async def test_which_clients_may_have_tokens_for_it(app):
    house, stranger = await register(app), await register(app, name="Calendar", third_party=True)
    listed = await register(app, name="Listed", third_party=True)
    uris = {}
    for clients in ("house", "listed", "any"):
        more = {"listed": (listed.id,)} if clients == "listed" else {}
        uris[clients] = (await add(app, uri=f"https://{clients}.example", clients=clients, **more)).uri
    may = {house.id: {"house", "any"}, stranger.id: {"any"}, listed.id: {"listed", "any"}}
    async with person(app) as ada:
        for client in (house, stranger, listed):
            for clients, uri in uris.items():
                query = client.query(Pkce.new(), resource=uri, scope="notes:read")
                answer = await ada.get("/oauth/authorize", params=query)
                refused = answer.status_code == 303 and fields_of(answer).get("error") == "invalid_target"
                assert refused == (clients not in may[client.id]), (client.client.name, clients)


async def test_rfc7662_2_2_only_the_clients_that_the_resource_names_may_ask_about_its_tokens(app, party):
    keeper = await register(app, name="Notes' own", redirect_uris=[], scopes=["gateway"], third_party=True)
    stranger = await register(app, name="Other's own", redirect_uris=[], scopes=["gateway"], third_party=True)
    sibling = await register(app, name="Sibling", application_id=party.client.application_id)
    await add(app, introspect=(keeper.id,))
    other = await add(app, uri="https://other.example", introspect=(stranger.id,))
    async with person(app) as ada:
        tokens = await party.sign_in(ada, resource=NOTES, scope="openid notes:read")
        plain = await party.sign_in(ada)
    found = (await keeper.introspect(tokens.access)).json()
    assert {**found, "exp": 0, "iat": 0, "jti": "", "auth_time": 0, "amr": []} == {
        "active": True, "iss": ORIGIN, "sub": claims_of(tokens.access)["sub"], "aud": [NOTES], "client_id": party.id,
        "sid": tokens.sid, "scope": "openid notes:read", "tenant_id": "default", "token_type": "Bearer",
        "exp": 0, "iat": 0, "jti": "", "auth_time": 0, "amr": [],
    }  # fmt: skip
    assert (await party.introspect(tokens.access)).json()["active"] is True
    unknown = (await stranger.introspect("unknown")).content
    for asker, token in (
        (stranger, tokens.access),
        (sibling, tokens.access),
        (keeper, tokens.refresh),
        (keeper, plain.access),
    ):
        assert (await asker.introspect(token)).content == unknown
    assert other.uri != NOTES
    async with person(app) as ada:
        await ada.post(f"/api/v1/auth/sessions/{tokens.sid}/revoke")
    assert (await keeper.introspect(tokens.access)).content == unknown


@SQLITE
async def test_its_client_can_give_such_a_token_back(app, party, notes):
    async with person(app) as ada:
        tokens = await party.sign_in(ada, resource=NOTES, scope="notes:read")
    assert (await party.call("/oauth/revoke", token=tokens.access)).status_code == 200
    assert (await party.refresh(tokens.refresh)).json()["error"] == "invalid_grant"


@SQLITE
async def test_a_person_agrees_to_one_resource_at_a_time_and_in_words(app, notes):
    stranger = await register(app, name="Calendar", third_party=True)
    other = await add(app, uri="https://other.example", name="Other")
    async with person(app) as ada:
        query = stranger.query(Pkce.new(), resource=NOTES, scope="openid notes:read")
        asked = await ada.get("/oauth/authorize", params=query)
        for words in ("read your notes", f"Notes ({NOTES})", "know that it is you"):
            assert words in asked.text
        assert "change your notes" not in asked.text
        first = await stranger.agree(ada, resource=NOTES, scope="openid notes:read")
        assert (await ada.get("/oauth/authorize", params=query)).status_code == 303  # once is enough
        for uri, scope in ((other.uri, "notes:read"), (NOTES, "notes:read notes:write"), (None, "openid")):
            more = stranger.query(Pkce.new(), resource=uri, scope=scope)
            assert (await ada.get("/oauth/authorize", params=more)).status_code == 200, (uri, scope)
        await stranger.agree(ada, resource=other.uri, scope="notes:read")
        assert (await ada.get("/oauth/authorize", params=query)).status_code == 303  # and stays
        shown = (await ada.get("/settings/applications")).text
        assert "read your notes" in shown and "Notes" in shown and "Other" in shown
        page = await ada.get(f"/settings/applications/{stranger.id}/withdraw")
        await ada.post(f"/settings/applications/{stranger.id}/withdraw", data=form_of(page))
        assert (await ada.get("/oauth/authorize", params=query)).status_code == 200
    assert (await stranger.refresh(first.refresh)).json()["error"] == "invalid_grant"


async def test_a_service_has_one_session_for_each_resource(app, notes):
    service = await register(app, name="Backup", redirect_uris=[])

    async def granted(**more: str) -> httpx2.Response:
        return await service.call("/oauth/token", grant_type="client_credentials", **more)

    plain, first, again = await granted(), await granted(resource=NOTES), await granted(resource=NOTES)
    sids = [claims_of(answer.json()["access_token"])["sid"] for answer in (plain, first, again)]
    assert sids[0] != sids[1] == sids[2]
    assert first.json()["scope"] == "notes:read notes:write"
    assert claims_of(first.json()["access_token"])["aud"] == [NOTES]
    assert (await granted(resource="https://other.example")).json()["error"] == "invalid_target"
    assert (await granted(resource=NOTES, scope="gateway")).json()["error"] == "invalid_scope"
    assert (await with_access(app, first.json()["access_token"], "GET", "/verify")).status_code == 401


async def test_removing_a_resource_ends_what_was_for_it_and_nothing_else(app, party, notes):
    async with person(app) as ada:
        tokens, plain = await party.sign_in(ada, resource=NOTES, scope="notes:read"), await party.sign_in(ada)
        pkce = Pkce.new()
        code = await party.code(ada, pkce, resource=NOTES, scope="notes:read")
        assert await app.authority.oauth.resources.remove(notes.id, by=OPERATOR) == 1
        assert (await party.exchange(code, pkce)).status_code == 400
    assert (await party.refresh(tokens.refresh)).json()["error"] == "invalid_grant"
    assert (await party.refresh(plain.refresh)).status_code == 200
    with pytest.raises(ResourceNotFound):
        await app.authority.oauth.resources.remove(notes.id, by=OPERATOR)


@SQLITE
async def test_administrators_register_show_list_and_remove_resources(app):
    wanted = {
        "uri": NOTES,
        "name": "Notes",
        "scopes": [{"name": "notes:read", "words": "read your notes"}, {"name": "x"}],
    }
    path = "/api/v1/admin/resources"
    async with person(app, "root") as root, person(app) as ada:
        assert (await ada.post(path, json=wanted)).status_code == 403
        added = await root.post(path, json=wanted)
        assert added.status_code == 201, added.text
        resource = added.json()["resource"]
        assert resource["scopes"] == [{"name": "notes:read", "words": "read your notes"}, {"name": "x", "words": "x"}]
        assert (resource["clients"], resource["listed"], resource["introspect"]) == ("house", [], [])
        assert (await root.post(path, json=wanted)).status_code == 409
        assert (await root.get(path)).json() == {"resources": [resource]}
        assert (await root.get(f"{path}/{resource['id']}")).json() == {"resource": resource}
        gone = await root.delete(f"{path}/{resource['id']}")
        assert gone.json() == {"ok": True, "id": resource["id"], "sessions": 0}
        for nothing in (resource["id"], "res_x", "x"):
            assert (await root.get(f"{path}/{nothing}")).status_code == 404
        kinds = [one["kind"] for one in (await root.get("/api/v1/admin/events?limit=5")).json()["events"]]
    assert {"resource.added", "resource.removed"} <= set(kinds)
    with pytest.raises(NotAllowed):
        await app.authority.oauth.resources.list(by=Caller(OPERATOR.user.__class__("user_x")))


GOOD = NewResource(NOTES, "Notes", (READ,))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"uri": ORIGIN}, "uri"),
        ({"uri": f"{ORIGIN}:443/"}, "uri"),
        *(
            ({"uri": uri}, "uri")
            for uri in ("", "x", "urn:x", "ftp://x", f"{NOTES}#f", "https://u@x", "https://x:0", "https://é")
        ),
        ({"uri": f"https://x/{'a' * 600}"}, "uri"),
        ({"name": ""}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "n" * 65}, "name"),
        ({"scopes": (READ, READ)}, "scopes"),
        ({"scopes": (ResourceScope("openid", ""),)}, "scopes"),
        ({"scopes": (ResourceScope("sessions:revoke", ""),)}, "scopes"),
        ({"scopes": (ResourceScope("a b", ""),)}, "scopes"),
        ({"scopes": (ResourceScope("s" * 65, ""),)}, "scopes"),
        ({"scopes": (ResourceScope("s", "w" * 121),)}, "scopes"),
        ({"scopes": tuple(ResourceScope(f"s{number}", "") for number in range(33))}, "scopes"),
        ({"clients": "everybody"}, "clients"),
        ({"clients": "listed"}, "listed"),
        ({"listed": ("client_" + "a" * 26,)}, "listed"),
        ({"clients": "listed", "listed": ("sess_" + "a" * 26,)}, "listed"),
        ({"introspect": ("x",)}, "introspect"),
        ({"introspect": ("client_" + "a" * 26,) * 101}, "introspect"),
    ],
)
def test_what_cannot_be_a_resource_is_refused_by_field(changes, field, clock):
    with pytest.raises(InvalidRequest) as refused:
        replace(GOOD, **changes).check("res_x", ORIGIN, clock())
    assert refused.value.fields["field"] == field


def test_what_two_spellings_have_in_common():
    same = ["https://x.example/a?b=c", "https://X.EXAMPLE/a?b=c", "HTTPS://x.example:443/a?b=c"]
    assert len({key_of(uri) for uri in same}) == 1
    assert key_of("http://[::1]:80/") == key_of("http://[::1]")
    others = [*same[:1], "https://x.example/a?b=C", "https://x.example/A?b=c", "https://x.example/a/?b=c", "http://x.example/a?b=c",
              "https://x.example:444/a?b=c"]  # fmt: skip
    assert len({key_of(uri) for uri in others}) == len(others)


def test_a_client_is_asked_for_by_its_own_scopes_and_the_resources(clock):
    client = Registration("Shop", redirect_uris=["https://x.example/"], scopes=["openid", "gateway"]).check(
        "client_x", clock()
    )
    assert GOOD.check("res_x", ORIGIN, clock()).askable_by(client) == ("openid", "notes:read")
