"""ID tokens that nobody should accept, made by somebody who has a key; and one that everybody should."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from ostiary.sdk import IdTokenInvalid
from ostiary.sdk.id_tokens import LEEWAY, key_id, read_id_token
from ostiary.sdk.signing_keys import RETRY, KeyCache

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
KID = f"key_{'a' * 26}"
KEY = RSAKey.generate_key(2048)
HEADER = {"alg": "RS256", "kid": KID, "typ": "JWT"}
GOOD: dict[str, Any] = {
    "iss": "https://auth.example",
    "sub": "user_a",
    "aud": "client_a",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 300,
    "nonce": "n",
    "auth_time": int(NOW.timestamp()) - 60,
    "amr": ["pwd"],
    "sid": "sess_a",
}


def signed(**changes: Any) -> str:
    claims = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return jwt.encode(HEADER, claims, KEY)


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def read(text: str, key: Any = KEY, *, now: datetime = NOW, max_age: int | None = None) -> Any:
    return read_id_token(
        text, key, issuer="https://auth.example", client_id="client_a", now=now, nonce="n", max_age=max_age
    )


def test_a_good_one_is_read():
    told = read(signed(preferred_username="ada", email="ada@example.org"), max_age=60)
    assert (told.sub, told.sid, told.username, told.email) == ("user_a", "sess_a", "ada", "ada@example.org")
    assert told.auth_time == NOW - timedelta(minutes=1)
    assert read(signed(aud=["client_a"], azp="client_a", auth_time=None, amr=None)).auth_time is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "client_b"}, "aud"),
        ({"aud": ["client_a", "client_b"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"azp": "client_b"}, "aud"),
        ({"nonce": "m"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"iat": GOOD["iat"] + 61}, "iat"),
        ({"iat": None}, "iat"),
        ({"iat": True}, "iat"),
        ({"exp": GOOD["iat"] - 61}, "exp"),
        ({"exp": 10**20}, "exp"),
        ({"exp": None}, "exp"),
        ({"sub": None}, "sub"),
        ({"sub": 7}, "sub"),
        ({"auth_time": GOOD["iat"] - 121}, "auth_time"),
        ({"auth_time": None}, "auth_time"),
    ],
)
def test_one_wrong_claim_and_it_says_which(changes, word):
    with pytest.raises(IdTokenInvalid, match=word) as why:
        read(signed(**changes), max_age=60)
    assert why.value.status == 401


def test_it_expires_at_its_time_with_the_leeway_not_before():
    end = NOW + timedelta(seconds=300) + LEEWAY
    assert read(signed(), now=end - timedelta(seconds=1))
    with pytest.raises(IdTokenInvalid, match="exp"):
        read(signed(), now=end)


def test_nobody_elses_key_signs_for_the_authority():
    for key in (RSAKey.generate_key(2048), None):
        with pytest.raises(IdTokenInvalid, match="key"):
            read(signed(), key)
    # The public key as the secret of an HMAC (RFC 8725 2.1), and no signature at all.
    parts = [base64url(json.dumps(part).encode()) for part in ({**HEADER, "alg": "HS256"}, GOOD)]
    forged = ".".join([*parts, base64url(hmac.digest(KEY.as_pem(private=False), ".".join(parts).encode(), "sha256"))])
    for text in (forged, "", "a.b", "a.b.c", signed().rpartition(".")[0] + "."):
        with pytest.raises(IdTokenInvalid):
            key_id(text)
            read(text)


def test_made_up_key_ids_do_not_make_everybody_ask():
    cache = KeyCache()
    assert cache.may_look(0.0)
    cache.keep({"keys": []}, 0.0)
    assert not cache.may_look(RETRY - 0.1)
    assert cache.may_look(RETRY)
    public = KEY.as_dict(private=False)
    for wrong in ({**public, "alg": "RS512"}, {**public, "kty": "oct"}, KEY.as_dict(private=True), 7, {}):
        cache.keep({"keys": [{"kid": KID, "alg": "RS256", **wrong} if isinstance(wrong, dict) else wrong]}, 0.0)
        assert (cache.find(KID) is not None) is False, wrong
    cache.keep({"keys": [{**public, "kid": KID, "alg": "RS256"}]}, 0.0)
    assert cache.find(KID) is not None
