"""What gives or takes power asks for a fresh sign-in, at every operation of the API (ASVS 5.0 7.5.1, 7.5.3)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from ostiary.core.caller import Caller
from ostiary.core.oauth.client import Registration
from ostiary.core.oauth.resource import NewResource
from ostiary.storage.schema import metadata
from tests.http.visitors import API, cli_token, script, signed_in, visitor
from tests.support.people import PASSWORD
from tests.support.routes import operations

NEW = "another correct horse battery"
# Why an operation that changes something does not ask.
EXEMPT = {
    "sign_in": "it is the sign-in",
    "set_up": "nobody is signed in yet",
    "sign_out": "one's own way out is never held up",
    "reauthenticate": "it proves the password",
    "change_password": "it takes the password that holds now",
    "revoke_session": "one's own sessions: `step_up_age`",
    "delete_session": "one's own sessions: `step_up_age`",
    "revoke_other_sessions": "one's own sessions: `step_up_age`",
    "revoke_all_sessions": "one's own sessions: `step_up_age`",
    "label_session": "a name gives no power",
    "revoke_cli_token": "one's own credential ends: somebody who has just found a leak is not held up",
    "make_plan": "nothing ends by it",
    "preview_neutralise": "nothing ends by it",
    "verifications": "services only; nothing changes",
} | dict.fromkeys(
    (one.id for one in operations() if one.speaks != "problem"),
    "for OAuth clients and access tokens: no session gets power by it, and no access token acts as an administrator",
)
BODIES: dict[str, dict[str, Any]] = {
    "create_cli_token": {"name": "ci"},
    "mint_session": {"expire_after": "1h"},
    "add_user": {"username": "new", "password": NEW},
    "set_password": {"new": NEW},
    "set_roles": {"roles": ["admin", "member"]},
    "add_client": {"name": "Shop", "redirect_uris": ["https://shop.example/cb"]},
    "add_resource": {"uri": "https://wiki.example/mcp", "name": "Wiki"},
}


@pytest.fixture
def make_app(make_app):
    return lambda **changes: make_app(**{"key": "k" * 43, **changes})


async def described(app: Any) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Every operation that could change something, by its id."""
    async with visitor(app) as anybody:
        paths = (await anybody.get("/api/openapi.json")).json()["paths"]
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, item in paths.items()
        for method, operation in item.items()
        if method not in {"get", "head", "options"}
    }


async def content(app: Any) -> dict[str, Any]:
    async with app.authority.database.reading() as db:
        return {
            table.name: sorted((tuple(row) for row in await db.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
            if table.name not in {"leases", "sessions", "verifiers"}
        }


async def things(app: Any, client: Any) -> dict[str, str]:
    """Something for each parameter of a path."""
    operator = Caller.operator("tests")
    added = await app.authority.oauth.clients.add(
        Registration(name="Shop", redirect_uris=["https://shop.example/cb"]), by=operator
    )
    resource = await app.authority.oauth.resources.add(
        NewResource(uri="https://notes.example/mcp", name="Notes"), by=operator
    )
    async with script(app, await cli_token(app, "root", scopes=["admin"])) as robot:
        plan = (await robot.post(f"{API}/admin/sessions/plan", json={"user": "ada"})).json()["plan_id"]
    async with signed_in(app) as ada:
        session = (await ada.get(f"{API}/auth/sessions/current")).json()["id"]
    token = (await client.post(f"{API}/auth/cli-token", json={"name": "mine"})).json()["id"]
    return {
        "username": "eve",
        "session_id": session,
        "client_id": added.client.id,
        "plan_id": plan,
        "resource_id": resource.id,
        "token_id": token,
    }


async def test_every_operation_of_power_asks_for_a_fresh_sign_in_and_writes_nothing(app, clock):
    async with signed_in(app, "root") as root:
        named = await things(app, root)
        clock.advance(minutes=15, seconds=1)
        assert (await root.get(f"{API}/auth/whoami")).status_code == 200  # reads go on
        found = await described(app)
        asked = sorted(set(found) - set(EXEMPT))
        assert set(EXEMPT) <= {one.id for one in operations()} and len(asked) >= 18
        before = await content(app)
        for name in asked:
            method, path, operation = found[name]
            body = BODIES.get(name)
            if name == "neutralise":
                body = {"credential": named["session_id"]}
            more: dict[str, Any] = {"json": body} if body else {}
            answer = await root.request(method, path.format(**named), **more)
            assert (answer.status_code, answer.json().get("code")) == (401, "reauthentication_required"), (
                name,
                answer.text,
            )
            assert answer.json()["max_age"] == 900
            challenge = answer.headers["www-authenticate"]
            assert 'error="insufficient_user_authentication"' in challenge  # RFC 9470 3
            assert 'max_age="900"' in challenge or "max_age=900" in challenge
            declared = operation["responses"]["401"]["content"]["application/problem+json"]["examples"]
            assert "reauthentication_required" in declared, name
        after = await content(app)
        assert {name: rows for name, rows in after.items() if rows != before[name]} == {}


async def test_after_the_password_was_proved_again_they_are_done(app, clock):
    async with signed_in(app, "root") as root:
        clock.advance(hours=1)
        assert (await root.post(f"{API}/auth/cli-token", json={})).status_code == 401
        assert (await root.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})).status_code == 200
        assert (await root.post(f"{API}/auth/cli-token", json={})).status_code == 201
        assert (await root.post(f"{API}/admin/users/eve/disable")).status_code == 200


async def test_a_cli_token_goes_as_far_as_its_scopes_and_is_not_asked(app, clock):
    token = await cli_token(app, "root", scopes=["admin", "tokens:manage"])
    clock.advance(days=30)
    async with script(app, token) as robot:
        assert (await robot.post(f"{API}/admin/users/eve/disable")).status_code == 200
        assert (await robot.post(f"{API}/auth/cli-token", json={"scopes": ["tokens:manage"]})).status_code == 201


async def test_a_session_that_an_administrator_made_gives_no_power_however_young_it_is(app):
    async with signed_in(app, "root") as root:
        made = await root.post(f"{API}/admin/users/root/sessions", json={"expire_after": "1h"})
    token = made.json()["cookie"].partition("=")[2].partition(";")[0]
    async with script(app, token) as minted:
        assert (await minted.get(f"{API}/auth/whoami")).status_code == 200
        for path, body in (
            ("/auth/cli-token", {}),
            ("/admin/users", {"username": "new", "password": NEW}),
            ("/admin/users/eve/sessions", {"expire_after": "1h"}),
            ("/admin/users/eve/password", {"new": NEW}),
        ):
            answer = await minted.post(API + path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (401, "reauthentication_required"), path
        proved = await minted.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})
        assert (proved.status_code, proved.json()["code"]) == (403, "not_allowed")
