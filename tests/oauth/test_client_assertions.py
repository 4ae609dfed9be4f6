"""Clients that prove themselves by a signature (RFC 7523, `private_key_jwt`): by each assertion once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from ostiary.core.caller import Caller
from ostiary.core.oauth.assertion import TYPE, check_keys
from ostiary.core.oauth.client import Registration
from ostiary.errors import Conflict, InvalidRequest
from tests.http.visitors import ORIGIN, visitor
from tests.oauth.party import CALLBACK, Party, Pkce, claims_of, fields_of, person, register

EC = ECKey.generate_key("P-256", parameters={"kid": "one"})
RSA = RSAKey.generate_key(2048, parameters={"kid": "two"})
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def public(*keys: Any) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


@pytest.fixture
async def signing(app) -> Party:
    """A confidential client with two keys and no secret."""
    party = await register(app, name="Signing", jwks=public(EC, RSA))
    assert party.secret is None and not party.client.is_public
    return party


def assertion(party: Party, clock: Any, key: Any = EC, alg: str = "ES256", **changes: Any) -> str:
    now = int(clock().timestamp())
    claims = {"iss": party.id, "sub": party.id, "aud": f"{ORIGIN}/oauth/token", "exp": now + 60, "iat": now}
    claims |= {"jti": Pkce.new().verifier}
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid} if key.kid else {"alg": alg}, claims, key, algorithms=[alg])


async def proved(party: Party, text: str, path: str = "/oauth/token", **form: str) -> Any:
    sent = {"client_assertion_type": TYPE, "client_assertion": text, **form}
    async with party.server() as server:
        return await server.post(path, data={"grant_type": "refresh_token", "refresh_token": "x", **sent})


async def test_a_client_that_signs_gets_tokens_asks_about_them_and_gives_them_back(app, signing, clock):
    pkce = Pkce.new()
    async with person(app) as ada:
        code = await signing.code(ada, pkce)
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": pkce.verifier, "redirect_uri": CALLBACK}
    exchanged = await proved(signing, assertion(signing, clock), **form)
    assert exchanged.status_code == 200, exchanged.text
    token = exchanged.json()["access_token"]
    for audience, key, alg in (
        (ORIGIN, RSA, "RS256"), ([ORIGIN, "https://other.example"], RSA, "PS256"),
        (f"{ORIGIN}/oauth/introspect", EC, "ES256"),
    ):  # fmt: skip
        text = assertion(signing, clock, key, alg, aud=audience)
        asked = await proved(signing, text, "/oauth/introspect", token=token, client_id=signing.id)
        assert asked.json()["active"] is True, asked.text
    done = await proved(signing, assertion(signing, clock), "/oauth/revoke", token=token)
    assert done.status_code == 200


async def test_each_assertion_works_once_on_whichever_node(app, make_app, signing, clock):
    text = assertion(signing, clock)
    async with make_app() as other:
        elsewhere = Party(other, signing.client, None)
        answers = await asyncio.gather(*(proved(one, text) for one in (signing, elsewhere) * 4))
    errors = sorted(answer.json()["error"] for answer in answers)
    assert errors == ["invalid_client"] * 7 + ["invalid_grant"]  # whom the client is, was taken once


@SQLITE
async def test_what_is_not_of_the_client_for_us_and_now_proves_nothing(app, party, signing, clock):
    now = int(clock().timestamp())
    other = await register(app, name="Other", jwks=public(ECKey.generate_key("P-256")))
    strange = ECKey.generate_key("P-256", parameters={"kid": "one"})
    wrong = [
        assertion(signing, clock, strange),
        assertion(other, clock), assertion(signing, clock, sub=other.id), assertion(signing, clock, iss=other.id),
        assertion(signing, clock, aud="https://other.example/oauth/token"), assertion(signing, clock, aud=None),
        assertion(signing, clock, aud=[]), assertion(signing, clock, aud={"a": ORIGIN}),
        assertion(signing, clock, exp=now), assertion(signing, clock, exp=None), assertion(signing, clock, exp="soon"),
        assertion(signing, clock, exp=now + 661), assertion(signing, clock, exp=True),
        assertion(signing, clock, iat=now + 61), assertion(signing, clock, nbf=now + 61),
        assertion(signing, clock, jti=None), assertion(signing, clock, jti=""),
        assertion(signing, clock, jti="j" * 257),
        assertion(signing, clock, jti=7),
        jwt.encode({"alg": "HS256"}, {"iss": signing.id, "sub": signing.id, "aud": ORIGIN, "exp": now + 60, "jti": "x"},
                   OctKey.import_key(str(EC.as_dict(private=False)))),
        assertion(signing, clock).rpartition(".")[0] + ".", "", "x", "a.b.c",
        f"{signing.id}.x", assertion(signing, clock)[:-4] + "AAAA",
        assertion(party, clock), "x" * 5000,
    ]  # fmt: skip
    for text in wrong:
        answer = await proved(signing, text)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), text
    assert (await proved(signing, assertion(signing, clock), client_id=other.id)).status_code == 401
    good = assertion(signing, clock)
    assert (await proved(signing, good, client_assertion_type="urn:x")).status_code == 401
    assert (await proved(signing, good, client_secret="A" * 43)).json()["error"] == "invalid_request"
    assert (await proved(signing, good)).json()["error"] == "invalid_grant"  # nothing of this used it up


@SQLITE
async def test_it_has_no_other_way_to_prove_itself(app, signing):
    async with visitor(app) as client:
        for more in ({}, {"client_secret": "A" * 43}):
            form = {"grant_type": "client_credentials", "client_id": signing.id, **more}
            assert (await client.post("/oauth/token", data=form)).status_code == 401
    with pytest.raises(Conflict):
        await app.authority.oauth.clients.rotate_secret(signing.id, by=Caller.operator("tests"))


SMALL = {"kty": "RSA", "n": "AQAB" * 40, "e": "AQAB"}


@SQLITE
@pytest.mark.parametrize(
    "keys",
    [
        {}, {"keys": []}, {"keys": "x"}, {"keys": [1]}, {"keys": [{"kty": "oct", "k": "AAAA"}]},
        {"keys": [{"kty": "EC"}]},
        {"keys": [EC.as_dict(private=True)]}, {"keys": [SMALL]}, {"keys": public(EC)["keys"] * 11},
        {"keys": [{**EC.as_dict(private=False), "x": "A" * 5000}]},
    ],
)  # fmt: skip
async def test_what_is_no_key_set_is_not_registered(app, keys):
    with pytest.raises(InvalidRequest) as refused:
        await register(app, jwks=keys)
    assert refused.value.fields["field"] == "jwks"


def test_a_public_client_has_no_keys_and_no_exception_of_pkce(clock):
    assert check_keys(public(EC, RSA)) == public(EC, RSA)
    for changes, field in (({"jwks": public(EC)}, "jwks"), ({"pkce": "nonce"}, "pkce")):
        with pytest.raises(InvalidRequest) as refused:
            Registration("Page", is_public=True, redirect_uris=[CALLBACK], **changes).check("client_x", clock())
        assert refused.value.fields["field"] == field
    with pytest.raises(InvalidRequest):
        Registration("Shop", redirect_uris=[CALLBACK], pkce="never").check("client_x", clock())  # type: ignore[arg-type]


async def test_rfc9700_2_1_1_a_confidential_client_that_says_so_may_send_a_nonce_instead_of_a_challenge(app, party):
    lax = await register(app, name="Passport", pkce="nonce")
    without = {"code_challenge": None, "code_challenge_method": None}
    async with person(app) as ada:
        for client, more, allowed in (
            (lax, {"nonce": "n"}, True), (lax, {}, False), (lax, {"nonce": "n", "scope": "profile"}, False),
            (lax, {"nonce": "n", "code_challenge_method": "S256"}, False), (party, {"nonce": "n"}, False),
        ):  # fmt: skip
            answer = await ada.get("/oauth/authorize", params=client.query(Pkce.new(), **{**without, **more}))
            assert ("code" in fields_of(answer)) == allowed, more
            if not allowed:
                assert fields_of(answer)["error"] == "invalid_request"
        pkce = Pkce.new()
        code = await lax.code(ada, pkce, nonce="n", **without)
        stolen = await lax.exchange(code, pkce)  # RFC 9700 4.8.2: a verifier without a challenge
        assert stolen.json()["error"] == "invalid_grant"
        code = await lax.code(ada, pkce, nonce="n", **without)
        exchanged = await lax.exchange(code, pkce, code_verifier=None)
        assert claims_of(exchanged.json()["id_token"])["nonce"] == "n"
        code = await lax.code(ada, pkce, nonce="n")  # and with one it holds as for everybody
        assert (await lax.exchange(code, pkce, code_verifier=None)).json()["error"] == "invalid_grant"
