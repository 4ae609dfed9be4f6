"""What a credential is told of its user: as far as its scopes go, at every door that says something."""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import dataclass

import pytest

from ostiary.core.token import new_id
from ostiary.errors import NotAllowed
from tests.http.visitors import API, cli_token, held, script, visitor
from tests.oauth.party import claims_of, person
from tests.support.people import FIREFOX

IP = "203.0.113.7"
CHOSEN = ("openid", "profile", "email", "gateway", "sessions:read")


@dataclass
class Credential:
    """One that is tried, and what it may be told."""

    name: str
    token: str
    scopes: frozenset[str] | None  # of an access token
    is_admin: bool
    sees_places: bool

    def leaks(self, text: str) -> list[str]:
        """What is in an answer that should not be there."""
        told = {
            '"root"': self.scopes is None or "profile" in self.scopes,
            "root@example.org": self.scopes is None or "email" in self.scopes,
            "member": self.scopes is None or "profile" in self.scopes,
            "admin": self.is_admin,
            IP: self.sees_places,
            "Firefox": self.sees_places,
            "Linux": self.sees_places,
        }
        return [word for word, may in told.items() if not may and word in text]


@pytest.fixture
async def credentials(app, party) -> list[Credential]:
    """Of an administrator: a session, CLI tokens of each scope, access tokens with each choice of scopes."""
    async with person(app, "root") as root:
        tokens = await party.sign_in(root)
        found = [Credential("session", held(root), None, True, True)]
    for scope in ("sessions:read", "sessions:revoke", "tokens:manage", "gateway", "feed:read", "admin"):
        token = await cli_token(app, "root", scopes=[scope])
        is_admin = scope == "admin"
        found.append(Credential(f"cli {scope}", token, None, is_admin, is_admin or scope == "sessions:read"))
    good = claims_of(tokens.access)
    for count in range(len(CHOSEN) + 1):
        for scopes in itertools.combinations(CHOSEN, count):
            claims = {**good, "jti": new_id("key"), "scope": " ".join(scopes)}
            token = await app.authority.oauth.keys.sign_access_token(claims)
            seen = "sessions:read" in scopes
            found.append(Credential(f"access {' '.join(scopes)}", token, frozenset(scopes), False, seen))
    return found


async def test_no_door_tells_a_credential_more_than_its_scopes_say(app, party, credentials):
    """Every GET of the API without parameters, `/verify`, userinfo, introspection and `/verifications`."""
    async with visitor(app) as anybody:
        document = (await anybody.get("/api/openapi.json")).json()
    paths = [path for path, item in document["paths"].items() if "get" in item and "{" not in path]
    paths = [
        path for path in paths if path.startswith(API) and not path.endswith("/feed")
    ]  # it has no end, and tells of ids only
    assert f"{API}/auth/whoami" in paths and len(paths) > 8
    service = await cli_token(app, "root", scopes=["feed:read"])
    answered = set()
    for one in credentials:
        async with script(app, one.token) as client:
            for path in [*paths, "/verify", "/oauth/userinfo", "/oauth/sessions"]:
                answer = await client.get(path)
                if answer.status_code == 200:
                    answered.add(path)
                    if path == "/oauth/sessions" and one.scopes is not None:
                        continue  # a client of the house is told where its users are signed in by it
                    said = answer.text + " ".join(f'"{value}"' for value in answer.headers.values())
                    assert not one.leaks(_without_scopes(said)), (one.name, path, said)
        async with script(app, service) as program:
            asked = {"credentials": [{"token": one.token, "ip": IP, "user_agent": FIREFOX}]}
            answer = await program.post(f"{API}/verifications", json=asked)
            assert not one.leaks(_without_scopes(answer.text)), (one.name, answer.text)
        introspected = await party.introspect(one.token)
        assert introspected.json()["active"] == (one.scopes is not None)
        assert not one.leaks(introspected.text), (one.name, introspected.text)
    assert {f"{API}/auth/whoami", f"{API}/auth/sessions", "/verify", "/oauth/userinfo", "/oauth/sessions"} <= answered


async def test_a_credential_is_told_what_its_scopes_do_say(app, credentials):
    for one in credentials:
        async with script(app, one.token) as client:
            answer = (await client.get(f"{API}/auth/whoami")).json()
        user, session = answer["user"], answer["session"]
        assert user["id"].startswith("user_")
        is_named = one.scopes is None or "profile" in one.scopes
        assert (user["username"] == "root") == is_named, one.name
        assert (user["email"] is not None) == (one.scopes is None or "email" in one.scopes), one.name
        assert user["roles"] == ([*(["admin"] if one.is_admin else []), "member"] if is_named else []), one.name
        assert session is None or (session["ip"] == IP) == one.sees_places, one.name
        assert set(answer.get("grant", {}).get("scopes", ())) == (one.scopes or set()), one.name


async def test_an_id_token_says_what_its_scopes_say(app, party):
    async with person(app, "root") as root:
        tokens = await party.sign_in(root, scope="openid")
        said = json.loads(base64.urlsafe_b64decode(tokens.id.split(".")[1] + "=="))
    assert not {"preferred_username", "email", "roles"} & set(said)


async def test_naming_a_device_tells_a_token_nothing_of_where_it_is(app):
    """A CLI token that may name sessions and not see them is told the name that it gave."""
    token = await cli_token(app, "root", scopes=["sessions:revoke"])
    async with person(app, "root") as root:
        mine = (await root.get(f"{API}/auth/sessions/current")).json()["id"]
        async with script(app, token) as client:
            answer = await client.post(f"{API}/auth/sessions/{mine}/label", json={"label": "Desk"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["label"] == "Desk"
    assert IP not in answer.text and "Firefox" not in answer.text


@pytest.mark.parametrize("scope", ["sessions:read", "sessions:revoke", "tokens:manage", "feed:read", "admin"])
async def test_a_cli_token_needs_the_scope_gateway_at_verify(app, scope):
    async with script(app, await cli_token(app, "root", scopes=[scope])) as client:
        refused = await client.get("/verify")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        assert "ostiary-user" not in refused.headers
    async with script(app, await cli_token(app, "root", scopes=[scope, "gateway"])) as client:
        assert (await client.get("/verify")).headers["ostiary-user"] == "root"


async def test_gateway_is_given_by_no_default_and_not_within_admin(app):
    async with script(app, await cli_token(app, "root")) as client:
        assert (await client.get("/verify")).status_code == 403
    admin = await app.authority.verify(await cli_token(app, "root", scopes=["admin", "tokens:manage"]))
    with pytest.raises(NotAllowed):
        await app.authority.tokens.create(by=admin, scopes=["gateway"])
    ordinary = await app.authority.verify(await cli_token(app, "ada", scopes=["gateway"]))
    assert ordinary.token is not None and ordinary.token.scopes == ("gateway",)


def _without_scopes(text: str) -> str:
    """An answer without the names of scopes, one of which is a role's name, too."""
    return text.replace('"scopes":["admin"]', "")
