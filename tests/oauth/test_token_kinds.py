"""Every kind of token at every door, and access tokens that somebody has worked on."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import socket
from datetime import timedelta

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from ostiary.core.oauth.claims import read_access_token
from ostiary.core.token import new_id
from ostiary.errors import OstiaryError, SessionInvalid
from ostiary.storage import signing_keys
from tests.http.visitors import COOKIE, cli_token, held, visitor
from tests.oauth.party import GOODBYE, ORIGIN, Pkce, claims_of, person, with_access


async def test_asvs_9_2_2_each_kind_is_accepted_at_its_own_doors_only(app, party):
    pkce = Pkce.new()
    async with person(app) as ada, person(app) as phone:
        session_token = held(ada)
        tokens = await party.sign_in(ada)
        kinds = {
            "session": session_token,
            "cli": await cli_token(app, scopes=["sessions:read", "gateway"]),
            "access": tokens.access,
            "id": (await party.sign_in(phone)).id,  # of another device: as a hint it ends that one
            "refresh": tokens.refresh,
            "code": await party.code(ada, pkce),
            "client secret": f"{party.id}.{party.secret}",
            "setup": f"setup_{'a' * 26}.{'A' * 43}",
        }

    async def bearer(token: str, path: str) -> bool:
        async with visitor(app, authorization=f"Bearer {token}") as client:
            return bool((await client.get(path)).status_code == 200)

    async def cookie(token: str) -> bool:
        async with visitor(app, cookie=f"{COOKIE}={token}") as client:
            return bool((await client.get("/api/v1/auth/whoami")).status_code == 200)

    async def page(token: str) -> bool:
        async with visitor(app, cookie=f"{COOKIE}={token}") as client:
            return bool((await client.get("/settings/sessions")).status_code == 200)

    async def introspected(token: str) -> bool:
        return bool((await party.introspect(token)).json()["active"])

    async def hinted(token: str) -> bool:
        """Whether it says whose redirect URI that is; what is no ID token of ours is as good as none."""
        asked = {"id_token_hint": token, "post_logout_redirect_uri": GOODBYE}
        async with visitor(app) as client:
            return (await client.get("/oauth/end-session", params=asked)).status_code == 303

    async def refreshed(token: str) -> bool:
        return bool((await party.refresh(token)).status_code == 200)

    async def exchanged(token: str) -> bool:
        return bool((await party.exchange(token, pkce)).status_code == 200)

    doors = {
        "api": (lambda token: bearer(token, "/api/v1/auth/whoami"), {"session", "cli", "access"}),
        "verify": (lambda token: bearer(token, "/verify"), {"session", "cli", "access"}),
        "namespace": (lambda token: bearer(token, "/oauth/sessions"), {"access"}),
        "userinfo": (lambda token: bearer(token, "/oauth/userinfo"), {"access"}),
        "cookie": (cookie, {"session"}),
        "page": (page, {"session"}),
        "introspection": (introspected, {"access", "refresh"}),
        "end-session hint": (hinted, {"id"}),
        "refresh": (refreshed, {"refresh"}),
        "code": (exchanged, {"code"}),
    }
    for name, (ask, accepted) in doors.items():
        for kind, token in kinds.items():
            assert await ask(token) == (kind in accepted), f"{kind} at {name}"


async def refused(app, token: str) -> bool:
    try:
        await app.authority.verify(token)
    except SessionInvalid:
        return True
    return False


def part(value: dict) -> str:  # type: ignore[type-arg]
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_asvs_9_1_1_every_byte_flipped_is_refused(app, party):
    async with person(app) as ada:
        token = (await party.sign_in(ada)).access
    assert not await refused(app, token)
    for index in range(len(token)):
        flipped = token[:index] + chr(ord(token[index]) ^ 1) + token[index + 1 :]
        assert await refused(app, flipped), index
    # The last character has bits that decoding ignores: every other letter there is another token.
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=":
        assert letter == token[-1] or await refused(app, token[:-1] + letter)
    for other in (
        f"{token}=",
        f" {token}",
        f"{token}\n",
        token + "A",
        token[:-1],
        f".{token}",
        token.replace(".", ".."),
    ):
        assert await refused(app, other)


async def test_asvs_9_1_2_and_9_1_3_no_other_algorithm_and_no_key_of_the_tokens_own(app, party):
    async with person(app) as ada:
        token = (await party.sign_in(ada)).access
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    claims, body = claims_of(token), token.split(".")[1]
    own = RSAKey.generate_key(2048, auto_kid=False)
    public = next(key for key in await app.authority.oauth.keys.published() if key["alg"] == "RS256")
    with socket.create_server(("127.0.0.1", 0)) as sinkhole:
        sinkhole.setblocking(False)
        address = f"http://127.0.0.1:{sinkhole.getsockname()[1]}/keys"
        unsigned = [
            f"{part({**header, 'alg': alg})}.{body}.{signature}"
            for alg in ("none", "None", "NONE", "nOnE")
            for signature in ("", token.split(".")[2])
        ]
        confused = []
        for secret in (json.dumps(public), public["n"], "", base64.urlsafe_b64decode(public["n"] + "==")):
            raw = secret if isinstance(secret, bytes) else secret.encode()
            signed = f"{part({**header, 'alg': 'HS256'})}.{body}"
            mac = base64.urlsafe_b64encode(hmac.digest(raw, signed.encode(), hashlib.sha256)).rstrip(b"=").decode()
            confused.append(f"{signed}.{mac}")
        forged = [
            jwt.encode({**header, **more}, claims, own, algorithms=["RS256"])
            for more in (
                {},
                {"kid": new_id("key")},
                {"kid": "../../../../dev/null"},
                {"kid": "' OR 1=1 --"},
                {"typ": "JWT"},
                {"typ": "application/at+jwt"},
            )
        ]
        pointing = [
            f"{part({**header, **more})}.{body}.{token.split('.')[2]}"
            for more in (
                {"jku": address},
                {"x5u": address},
                {"jwk": own.as_dict(private=False)},
                {"x5c": ["AAAA"]},
                {"crit": ["exp"]},
                {"b64": False},
                {"kid": address},
                {"kid": None},
                {"alg": "RS512"},
                {"alg": "PS256"},
                {"alg": "ES256"},
            )
        ]
        for bad in [*unsigned, *confused, *forged, *pointing, "..", "a.b.c", f"{part([])}.{body}.x"]:  # type: ignore[arg-type]
            assert await refused(app, bad), bad
        with pytest.raises(BlockingIOError):
            sinkhole.accept()


async def test_made_up_keys_share_a_reading_of_the_real_ones(app, party, monkeypatch):
    async with person(app) as ada:
        token = (await party.sign_in(ada)).access
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    readings = []
    published = signing_keys.published

    async def counted(*arguments):
        readings.append(1)
        return await published(*arguments)

    monkeypatch.setattr(signing_keys, "published", counted)
    made_up = [f"{part({**header, 'kid': new_id('key')})}.{token.split('.', 1)[1]}" for _ in range(50)]
    assert all(await asyncio.gather(*(refused(app, text) for text in made_up)))
    assert len(readings) <= 3
    readings.clear()
    assert all(await asyncio.gather(*(refused(app, text) for text in made_up)))
    assert readings == []
    assert not await refused(app, token)


async def test_asvs_9_2_1_and_9_2_3_time_issuer_and_audience(app, party, clock):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
    good, keys = claims_of(tokens.access), app.authority.oauth.keys
    assert not await refused(app, await keys.sign_access_token(good))
    now = good["iat"]
    for changes in (
        {"aud": [party.id]},
        {"aud": party.id},
        {"aud": "https://other.test"},
        {"aud": None},
        {"iss": "https://other.test"},
        {"iss": f"{ORIGIN}/"},
        {"exp": now},
        {"exp": now - 1},
        {"exp": str(now + 60)},
        {"exp": None},
        {"iat": now + 61},
        {"client_id": "client_other"},
        {"sub": "user_other"},
        {"sid": f"sess_{'a' * 26}"},
        {"sid": "nonsense"},
        {"scope": None},
    ):
        assert await refused(app, await keys.sign_access_token({**good, **changes})), changes
    clock.advance(seconds=299)
    assert not await refused(app, tokens.access)
    clock.advance(seconds=1)
    assert await refused(app, tokens.access)
    with pytest.raises(SessionInvalid, match="expired"):
        read_access_token(good, issuer=ORIGIN, now=clock() + timedelta(seconds=1))


async def test_an_access_token_stops_with_its_session_at_every_door(app, party):
    """Ended by page API, by an administrator, by disabling the account: at the next request nothing works."""
    for end in ("own", "admin", "disabled"):
        async with person(app) as ada, person(app, "root") as root:
            tokens = await party.sign_in(ada)
            assert (await with_access(app, tokens.access, "GET", "/verify")).status_code == 200
            path = {
                "own": f"/api/v1/auth/sessions/{tokens.sid}/revoke",
                "admin": f"/api/v1/admin/sessions/{tokens.sid}/revoke",
                "disabled": "/api/v1/admin/users/ada/disable",
            }[end]
            assert (await (ada if end == "own" else root).post(path)).status_code == 200
        for door in ("/verify", "/api/v1/auth/whoami", "/oauth/sessions", "/oauth/userinfo"):
            assert (await with_access(app, tokens.access, "GET", door)).status_code == 401
        assert (await party.introspect(tokens.access)).text == '{"active":false}'
        assert (await party.refresh(tokens.refresh)).status_code == 400


async def test_an_access_token_never_acts_as_an_administrator_or_as_the_person(app, party):
    async with person(app, "root") as root:
        tokens = await party.sign_in(root)
    calls: list[tuple[str, str, dict[str, object]]] = [
        ("GET", "/api/v1/admin/users", {}),
        ("GET", "/api/v1/admin/clients", {}),
        ("POST", "/api/v1/auth/cli-token", {"json": {}}),
        ("GET", "/api/v1/auth/cli-tokens", {}),
        ("POST", "/api/v1/auth/reauthenticate", {"json": {"password": "correct horse battery"}}),
        ("POST", "/api/v1/auth/revoke-all", {"json": {"tokens": True}}),
    ]
    for method, path, more in calls:
        answer = await with_access(app, tokens.access, method, path, **more)
        assert answer.status_code in {403, 404}, path


async def test_use_by_a_clients_server_does_not_move_the_user(app, party, clock):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
        clock.advance(minutes=3)
        assert (await with_access(app, tokens.access, "GET", "/oauth/sessions")).status_code == 200
        await app.authority.presence.flush()
        assert (await party.refresh(tokens.refresh)).status_code == 200
        rows = (await ada.get("/api/v1/auth/sessions")).json()
    row = next(row for row in rows if row["id"] == tokens.sid)
    assert (row["ip"], row["last_used_at"]) == ("203.0.113.7", "2026-01-15T12:03:00Z")


async def test_nothing_of_a_token_reaches_the_log(app, party, capsys):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
        await with_access(app, tokens.access, "GET", "/oauth/sessions", params={"x": secrets.token_hex(4)})
        await party.refresh(tokens.refresh)
    written = "".join(capsys.readouterr())
    for secret in (tokens.access, tokens.refresh.partition(".")[2], tokens.id, str(party.secret)):
        assert secret not in written


async def test_a_store_that_is_away_is_503_and_ends_nothing(app, party, monkeypatch):
    from ostiary.errors import StoreUnavailable

    async with person(app) as ada:
        tokens = await party.sign_in(ada)

    def away(_: object) -> object:
        raise StoreUnavailable

    monkeypatch.setattr(app.authority.verification._sessions, "_ask", away)
    answer: httpx2.Response = await with_access(app, tokens.access, "GET", "/oauth/sessions")
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert issubclass(StoreUnavailable, OstiaryError)
