"""Access tokens: read here, refused here when they are bad, and dead with their session."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from ostiary.core.oauth.claims import ACCESS_TYPE
from ostiary.core.token import new_id
from ostiary.errors import SessionInvalid, SessionRevoked, Unauthenticated
from ostiary.sdk import Ostiary
from ostiary.sdk.verifier import CannotProve, Verifier
from ostiary.sdk.verifier.access_tokens import AccessTokens
from tests.acceptance.conftest import add_people
from tests.support import databases
from tests.support.people import PASSWORD
from tests.support.processes import Server, serving

SOON = 5.0


@pytest.fixture(scope="module")
def issuing(tmp_path_factory):
    """A server that issues access tokens, an administrator, a verifier's credential, and a client with `feed:read`."""
    home = tmp_path_factory.mktemp("issuing")
    url = asyncio.run(databases.new_sqlite(home, home / "template.db"))
    add_people(url, root="admin member")
    with serving(url, home) as server, Ostiary(server.url) as ostiary:
        root = ostiary.for_token(ostiary.auth.sign_in("root", PASSWORD).token or "")
        yield server, root


class Client:
    """A client of its own, with the access token that it got for itself."""

    def __init__(self, issuing: Any) -> None:
        self.server, self.root = issuing
        added = self.root.admin.clients.add("service", scopes=["gateway", "feed:read"])
        self.id, self.secret = added.client.id, added.secret
        self.token = self.fetch()
        self.claims = part(self.token, 1)
        self.kid = part(self.token, 0)["kid"]

    def fetch(self) -> str:
        with Ostiary(self.server.url, client_id=self.id, client_secret=self.secret) as own:
            return own.oauth.client_credentials().access_token

    def verifier(self, **options: Any) -> Verifier:
        options = {
            "client_id": self.id,
            "client_secret": self.secret,
            "issuer": self.claims["iss"],
            "audience": self.id,
            **options,
        }
        return Verifier(self.server.url, **options)


@pytest.fixture
def client(issuing) -> Client:
    return Client(issuing)


def part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def encoded(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def asked(server: Server) -> int:
    return server.answered("/api/v1/verifications")


async def test_it_is_read_here_and_its_session_asked_about_once(client):
    async with client.verifier() as verifier:
        await verifier.wait_until_fresh()
        before = asked(client.server)
        found = await verifier.verify(client.token)
        for _ in range(20):
            assert await verifier.verify(client.token) == found
        assert asked(client.server) - before == 1
        assert (found.user.id, found.client_id, found.scopes) == (client.id, client.id, ("gateway", "feed:read"))
        assert found.session is not None and found.session.id == client.claims["sid"]
        another = await asyncio.to_thread(client.fetch)  # of the same session: nobody needs to be asked
        assert (await verifier.verify(another)).session == found.session
        assert asked(client.server) - before == 1


async def test_it_dies_with_its_session(client):
    async with client.verifier() as verifier:
        await verifier.wait_until_fresh()
        await verifier.verify(client.token)
        await asyncio.to_thread(client.root.admin.sessions.revoke, client.claims["sid"])
        ends_at = time.monotonic() + SOON
        with pytest.raises(SessionRevoked):
            while time.monotonic() < ends_at:
                await verifier.verify(client.token)
                await asyncio.sleep(0.01)


async def test_when_its_session_is_restored_it_works_again_at_once(client):
    own = await asyncio.to_thread(client.root.tokens.create, "verifier", scopes=["feed:read"])
    other = await asyncio.to_thread(client.fetch)
    signed_in = await asyncio.to_thread(client.root.auth.sign_in, "root", PASSWORD)
    root = {"authorization": f"Bearer {signed_in.token}"}
    async with client.verifier(client_id=None, client_secret=None, token=own.token) as verifier:
        await verifier.wait_until_fresh()
        await verifier.verify(client.token)
        async with httpx2.AsyncClient(base_url=f"{client.server.url}/api/v1/admin/sessions", headers=root) as http:
            made = await http.post("plan", json={"user": client.id, "status": "live"})
            path = f"plan/{made.json()['plan_id']}"
            assert (await http.post(f"{path}/apply", json={})).json()["count"] == 1
            for token in (client.token, other):  # each is remembered as refused
                with pytest.raises(SessionRevoked):
                    await until_refused(verifier, token)
            assert (await http.post(f"{path}/undo")).json()["restored"] == 1
        ends_at = time.monotonic() + SOON  # far less than a refusal is remembered
        for token in (client.token, other):
            while True:
                try:
                    assert (await verifier.verify(token)).session is not None
                    break
                except SessionRevoked:
                    assert time.monotonic() < ends_at
                    await asyncio.sleep(0.01)


async def until_refused(verifier: Verifier, token: str) -> None:
    ends_at = time.monotonic() + SOON
    while time.monotonic() < ends_at:
        await verifier.verify(token)
        await asyncio.sleep(0.01)


async def test_forged_tokens_are_refused_without_asking(client):
    async with client.verifier() as verifier:
        await verifier.wait_until_fresh()
        await verifier.verify(client.token)
        async with httpx2.AsyncClient() as http:
            (public,) = [
                one
                for one in (await http.get(f"{client.server.url}/.well-known/jwks.json")).json()["keys"]
                if one["kid"] == client.kid
            ]
        head, body, signature = client.token.split(".")
        mine = RSAKey.generate_key(2048)
        right = {"alg": "RS256", "typ": ACCESS_TYPE, "kid": client.kid}
        pem = RSAKey.import_key(public).as_pem(private=False)
        hashed = f"{encoded(right | {'alg': 'HS256'})}.{body}"

        def signed(header: dict[str, Any], claims: dict[str, Any] = client.claims, key: Any = mine) -> str:
            return jwt.encode(header, claims, key, algorithms=["RS256", "PS256"])

        forged = {
            "changed claims": f"{head}.{encoded(client.claims | {'sub': 'user_root'})}.{signature}",
            "no signature": f"{head}.{body}.",
            "another signature": f"{head}.{body}.{encoded(b'x' * 256)}",
            "alg none": f"{encoded(right | {'alg': 'none'})}.{body}.",
            "alg None": f"{encoded(right | {'alg': 'None'})}.{body}.{signature}",
            "hmac with the public key": f"{hashed}.{encoded(hmac.digest(pem, hashed.encode(), 'sha256'))}",
            "my own key under its id": signed(right),
            "my own key in the header": signed(right | {"jwk": mine.as_dict(private=False)}),
            "my own key elsewhere": signed(right | {"jku": "https://evil.example/jwks.json"}),
            "an unknown key": signed(right | {"kid": new_id("key")}),
            "no key": signed({"alg": "RS256", "typ": ACCESS_TYPE}),
            "another algorithm of the same key": signed(right | {"alg": "PS256"}),
            "an ID token": signed(right | {"typ": "JWT"}),
            "critical": f"{encoded(right | {'crit': ['exp'], 'exp': 1})}.{body}.{signature}",
            "base64 in another spelling": f"{head}.{body}.{signature[:-1]}{'B' if signature[-1] == 'A' else 'A'}",
            "padding": f"{head}.{body}.{signature}==",
            "not JSON": f"{encoded(b'{')}.{body}.{signature}",
            "empty": "..",
        }
        before = asked(client.server)
        for name, token in forged.items():
            with pytest.raises(SessionInvalid):
                await verifier.verify(token)
                raise AssertionError(name)
        assert asked(client.server) == before
        await verifier.verify(client.token)


async def test_claims_are_held_against_what_they_must_be() -> None:
    """With a key of ours in the authority's place: everything is signed rightly, and only the claims differ."""
    from datetime import UTC, datetime

    key = RSAKey.generate_key(2048)
    kid, now = new_id("key"), datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
    at = int(now.timestamp())
    fetched = 0

    async def fetch() -> dict[str, Any]:
        nonlocal fetched
        fetched += 1
        small = {"kty": "RSA", "alg": "RS256", "kid": "key_small", "n": "u" * 171, "e": "AQAB"}
        return {"keys": [7, small, key.as_dict(private=False) | {"kid": kid, "alg": "RS256", "use": "sig"}]}

    tokens = AccessTokens(fetch, lambda: 100.0, issuer="https://auth", audience="client_a")
    right = {
        "iss": "https://auth", "aud": ["client_a", "https://auth"], "sub": "user_a", "client_id": "client_a",
        "sid": new_id("sess"), "jti": "1", "scope": "openid", "iat": at, "exp": at + 300,
    }  # fmt: skip

    def signed(**changes: Any) -> str:
        claims = {name: value for name, value in (right | changes).items() if value is not None}
        return jwt.encode({"alg": "RS256", "typ": ACCESS_TYPE, "kid": kid}, claims, key, algorithms=["RS256"])

    token = signed()
    assert (await tokens.read(token, now)).session_id == right["sid"]
    assert tokens.recall(token, now) is not None
    assert tokens.recall(token, datetime.fromtimestamp(at + 300, UTC)) is None  # remembered, and expired
    wrong: list[dict[str, Any]] = [
        {"iss": "https://evil"}, {"aud": "client_a"}, {"aud": ["client_a"]}, {"aud": ["https://auth"]}, {"exp": at},
        {"exp": None}, {"exp": "never"}, {"exp": True}, {"iat": at + 3600}, {"sid": None}, {"sid": "sess_x"},
        {"sub": None}, {"scope": None}, {"client_id": 7},
    ]  # fmt: skip
    for changes in wrong:
        with pytest.raises(SessionInvalid):
            await tokens.read(signed(**changes), now)
    assert fetched == 1
    tokens.forget()
    assert tokens.recall(token, now) is None
    await tokens.read(token, now)
    assert fetched == 2


async def test_after_a_rotation_at_once_the_old_key_is_not_believed(client):
    async with client.verifier() as verifier:
        await verifier.wait_until_fresh()
        await verifier.verify(client.token)
        await asyncio.to_thread(client.root.admin.keys.rotate, at_once=True)
        ends_at = time.monotonic() + SOON
        with pytest.raises(Unauthenticated):
            while time.monotonic() < ends_at:
                await verifier.verify(client.token)
                await asyncio.sleep(0.01)
        fresh = await asyncio.to_thread(client.fetch)
        assert part(fresh, 0)["kid"] != client.kid
        assert (await verifier.verify(fresh)).client_id == client.id


async def test_without_the_feed_the_authority_reads_it(client):
    verifier = client.verifier()
    before = asked(client.server)
    for _ in range(2):
        assert (await verifier.verify(client.token)).client_id == client.id
    for _ in range(100):  # the server's log may come a moment after its answer
        if asked(client.server) - before == 2:
            break
        await asyncio.sleep(0.02)
    assert asked(client.server) - before == 2
    await verifier.close()


async def test_a_client_that_is_removed_loses_its_verifier(client):
    async with client.verifier(max_staleness=1.0) as verifier:
        await verifier.wait_until_fresh()
        await verifier.verify(client.token)
        await asyncio.to_thread(client.root.admin.clients.remove, client.id)
        ends_at = time.monotonic() + SOON
        with pytest.raises((CannotProve, Unauthenticated)):
            while time.monotonic() < ends_at:
                await verifier.verify(client.token)
                await asyncio.sleep(0.01)


async def test_made_up_keys_cost_the_authority_one_look_in_five_seconds():
    fetched: list[float] = []
    moment = 100.0

    async def keys() -> dict[str, Any]:
        fetched.append(moment)
        return {"keys": []}

    reading = AccessTokens(keys, lambda: moment, issuer="https://auth.example", audience=None)

    def made_up() -> str:
        header = {"alg": "RS256", "kid": new_id("key"), "typ": ACCESS_TYPE}
        written = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
        return f"{written}.e30.AAAA"

    for passed in (0.0, 1.0, 4.999, 5.0, 9.999):
        moment = 100.0 + passed
        for _ in range(3):
            with pytest.raises(SessionInvalid):
                await reading.read(made_up(), datetime.now(UTC))
    assert fetched == [100.0, 105.0]
