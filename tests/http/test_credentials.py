"""Where a credential is accepted, and where it is not."""

from __future__ import annotations

import pytest

from tests.http.visitors import (
    API,
    COOKIE,
    NOBODYS_TOKEN,
    add_people,
    browser,
    cli_token,
    held,
    script,
    sign_in,
    signed_in,
    visitor,
)

# Which database makes no difference here.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WHOAMI = f"{API}/auth/whoami"


@pytest.fixture
async def token(app) -> str:
    async with signed_in(app) as client:
        return held(client)


@pytest.fixture
async def eves(app) -> str:
    async with signed_in(app, "eve") as client:
        return held(client)


async def asked(app, path: str = WHOAMI, **headers: str):
    async with visitor(app, **headers) as client:
        return await client.get(path)


@pytest.fixture(params=[WHOAMI, "/verify"])
def path(request) -> str:
    """The API and the gateway read credentials alike."""
    return str(request.param)


async def test_the_cookie_and_the_bearer_are_accepted(app, token, path):
    for headers in (
        {"cookie": f"{COOKIE}={token}"},
        {"cookie": f'a=b; {COOKIE}="{token}"; c=d'},
        {"cookie": f"a;b=c;{COOKIE}={token}"},
        {"authorization": f"Bearer {token}"},
        {"authorization": f"bearer   {token} "},
    ):
        assert (await asked(app, path, **headers)).status_code == 200, headers


@pytest.mark.parametrize(
    "headers",
    [
        {"cookie": "session={token}"},
        {"cookie": "__Secure-session={token}"},
        {"cookie": "__host-session={token}"},
        {"cookie": "{token}"},
        {"cookie": "x__Host-session={token}"},
        {"cookie": "__Host-session="},
        {"authorization": "{token}"},
        {"authorization": "Basic {token}"},
        {"authorization": "Token {token}"},
        {"x-session-token": "{token}"},
        {"proxy-authorization": "Bearer {token}"},
        {"x-forwarded-authorization": "Bearer {token}"},
    ],
)
async def test_nowhere_else_in_the_headers(app, token, path, headers):
    answer = await asked(app, path, **{name: value.format(token=token) for name, value in headers.items()})
    assert (answer.status_code, answer.json()["code"]) == (401, "no_credentials")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_never_in_the_query(app, token, path):
    for name in (COOKIE, "session", "token", "access_token", "authorization"):
        answer = await asked(app, f"{path}?{name}={token}")
        # What a proxy asks is read strictly, as a member that is spelt wrongly must not switch a rule off.
        refusal = (422, "invalid_request") if path == "/verify" else (401, "no_credentials")
        assert (answer.status_code, answer.json()["code"]) == refusal
        assert token.partition(".")[2] not in answer.text


async def test_never_in_the_body(app, token):
    async with visitor(app) as client:
        for body in ({"token": token}, {"access_token": token}, {COOKIE: token}, token):
            answer = await client.post(f"{API}/auth/sessions/revoke-all", json=body)
            assert (answer.status_code, answer.json()["code"]) == (401, "no_credentials")
        form = await client.post(f"{API}/auth/sessions/revoke-all", data={"access_token": token})
        assert form.json()["code"] == "no_credentials"


@pytest.mark.parametrize(
    "wrong",
    [
        "x",
        NOBODYS_TOKEN,
        f"sess_{'a' * 26}",
        f"user_{'a' * 26}.{'B' * 43}",
        f"setup_{'a' * 26}.{'B' * 43}",
        f"ost_{'a' * 26}.{'B' * 43}",
        "sess_' OR 1=1 --.x",
        "é" * 20,
        "a" * 5000,
        "%00",
    ],
)
async def test_what_nobody_was_given_is_invalid(app, path, wrong):
    for headers in ({"cookie": f"{COOKIE}={wrong}"}, {"authorization": f"Bearer {wrong}"}):
        async with visitor(app) as client:
            answer = await client.get(path, headers={name.encode(): value.encode() for name, value in headers.items()})
        assert (answer.status_code, answer.json()["code"]) == (401, "session_invalid")
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


async def test_a_wrong_secret_is_told_from_nothing(app, token, path):
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    answers = [
        await asked(app, path, cookie=f"{COOKIE}={one}", **{"x-request-id": "same"}) for one in (wrong, NOBODYS_TOKEN)
    ]
    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers


async def test_a_second_cookie_does_not_mask_a_good_one(app, token, path):
    for cookies in (
        f"{COOKIE}=junk; {COOKIE}={token}",
        f"{COOKIE}={token}; {COOKIE}=junk",
        f"{COOKIE}={NOBODYS_TOKEN}; {COOKIE}={token}",
        f"{COOKIE}={token}; {COOKIE}={token}",
        "; ".join([f"{COOKIE}=junk"] * 50 + [f"{COOKIE}={token}"]),
    ):
        assert (await asked(app, path, cookie=cookies)).status_code == 200, cookies


async def test_cookies_may_come_in_several_headers(app, token, path):
    async with visitor(app) as client:
        both = [("cookie", "a=b"), ("cookie", f"{COOKIE}={token}")]
        assert (await client.get(path, headers=both)).status_code == 200


async def test_how_many_are_looked_up_is_bounded(app, token, path):
    many = "; ".join(f"{COOKIE}=sess_{chr(ord('a') + number) * 26}.{'B' * 43}" for number in range(10))
    answer = await asked(app, path, cookie=f"{many}; {COOKIE}={token}")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_invalid")


async def test_an_ended_one_of_several_says_so(app, token, path):
    async with script(app, token) as client:
        await client.post(f"{API}/auth/logout")
    answer = await asked(app, path, cookie=f"{COOKIE}={NOBODYS_TOKEN}; {COOKIE}={token}; {COOKIE}=junk")
    assert answer.json()["code"] == "session_revoked"


async def test_two_users_at_once_are_nobody(app, token, eves, path):
    for headers in (
        {"cookie": f"{COOKIE}={token}", "authorization": f"Bearer {eves}"},
        {"cookie": f"{COOKIE}={eves}; {COOKIE}={token}"},
        {"cookie": f"{COOKIE}={token}", "authorization": f"Bearer {await cli_token(app, 'eve')}"},
    ):
        answer = await asked(app, path, **headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "session_invalid")


async def test_two_users_at_once_are_both_signed_out(app, token, eves):
    """Nobody acts as anybody by that: who presents a secret may always let go of it."""
    async with browser(app, cookie=f"{COOKIE}={token}", authorization=f"Bearer {eves}") as client:
        answer = await client.post(f"{API}/auth/logout")
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, True)
    for one in (token, eves):
        assert (await asked(app, authorization=f"Bearer {one}")).status_code == 401


async def test_of_one_user_the_bearer_acts(app, token):
    secret = await cli_token(app, scopes=["sessions:read"])
    answer = await asked(app, cookie=f"{COOKIE}={token}", authorization=f"Bearer {secret}")
    assert (answer.json()["session"], answer.json()["token"]["id"]) == (None, secret.partition(".")[0])


async def test_a_bearer_that_does_not_work_is_not_replaced_by_the_cookie(app, token, path):
    answer = await asked(app, path, cookie=f"{COOKIE}={token}", authorization=f"Bearer {NOBODYS_TOKEN}")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_invalid")


async def test_a_cookie_that_does_not_work_does_not_hinder_a_bearer(app, token, path):
    answer = await asked(app, path, cookie=f"{COOKIE}={NOBODYS_TOKEN}", authorization=f"Bearer {token}")
    assert answer.status_code == 200


async def test_two_authorizations_are_refused(app, token, path):
    async with visitor(app) as client:
        both = [("authorization", f"Bearer {token}"), ("authorization", "Basic YTpi")]
        assert (await client.get(path, headers=both)).json()["code"] == "session_invalid"


async def test_the_plain_cookie_counts_only_where_the_operator_allows_it(make_app):
    async with make_app(allow_plain_http=True) as app:
        await add_people(app.authority)
        async with browser(app, base="http://auth.test") as client:
            await sign_in(client)
            token = client.cookies["session"]
        assert (await asked(app, cookie=f"session={token}")).status_code == 200
    async with make_app() as app:
        assert (await asked(app, cookie=f"session={token}")).json()["code"] == "no_credentials"


async def test_malformed_credentials_ask_no_store(make_app):
    async with make_app(database_url="postgresql://nobody@127.0.0.1:9/nothing") as app:
        for wrong in ("x", f"sess_{'a' * 26}.short", "a" * 5000):
            assert (await asked(app, authorization=f"Bearer {wrong}")).json()["code"] == "session_invalid"
        assert (await asked(app, authorization=f"Bearer {NOBODYS_TOKEN}")).status_code == 503
