"""Signing people in through the SDK, against a real server: begin, come back, and what must never sign anybody in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from ostiary import errors
from ostiary.sdk import AsyncOstiary, AuthorizationRequest, CallbackMismatch, IdTokenInvalid, Ostiary
from ostiary.sdk.authorization import Kept, new_request
from tests.support.people import FIREFOX
from tests.support.processes import Server

CALLBACK = "https://app.example/callback"


@dataclass
class App:
    """An application's own server, and the browser of one of its users."""

    server: Server
    ostiary: Ostiary
    options: dict[str, str]
    username: str
    session: str

    def browse(self, request: AuthorizationRequest) -> str:
        """Where the browser, in which the user is signed in, comes back to."""
        held = {"cookie": f"__Host-session={self.session}", "user-agent": FIREFOX}
        answer = httpx2.get(request.url, headers=held)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


@pytest.fixture
def app(server, root, new_user) -> Iterator[App]:
    added = root.admin.clients.add("Shop", redirect_uris=[CALLBACK], post_logout_redirect_uris=["https://app.example/"])
    username = new_user()
    options = {"client_id": added.client.id, "client_secret": added.secret or ""}
    session = server.sign_in(username)[1]
    with Ostiary(server.url, **options) as ostiary:
        yield App(server, ostiary, options, username, session)


def test_a_person_signs_in(app):
    scope = "profile email sessions:read"
    request = app.ostiary.authorization_url(redirect_uri=CALLBACK, scope=scope, max_age=3600, login_hint=app.username)
    asked = dict(parse_qsl(urlsplit(request.url).query))
    assert (asked["scope"], asked["max_age"], asked["login_hint"]) == (f"openid {scope}", "3600", app.username)
    done = app.ostiary.callback(app.browse(request), request.checks)
    claims = done.claims
    assert claims.username == app.username
    assert claims.sub == app.ostiary.oauth.userinfo({"authorization": f"Bearer {done.tokens.access_token}"}).sub
    assert claims.auth_time is not None and datetime.now(UTC) - claims.auth_time < timedelta(minutes=1)
    assert claims.amr == ("pwd",)
    listed = app.ostiary.sessions.list({"authorization": f"Bearer {done.tokens.access_token}"})
    assert next(one for one in listed if one.is_current).id == claims.sid
    assert app.ostiary.verify_id_token(done.tokens.id_token) == claims
    with pytest.raises(errors.InvalidGrant):
        app.ostiary.callback(app.browse(request).replace("code=", "code=code_x"), request.checks)


def test_the_answer_is_taken_from_the_request_of_any_framework(app):
    def answer() -> tuple[str, AuthorizationRequest]:
        request = app.ostiary.authorization_url(redirect_uri=CALLBACK)
        return app.browse(request), request

    def given(location: str) -> list[object]:
        query = urlsplit(location).query
        return [
            location,
            query,
            dict(parse_qsl(query)),
            SimpleNamespace(headers={}, META={"QUERY_STRING": query}),
            SimpleNamespace(headers={}, scope={"query_string": query.encode()}),
            SimpleNamespace(headers={}, environ={"QUERY_STRING": query}),
        ]

    for number in range(len(given(""))):
        location, request = answer()
        assert app.ostiary.callback(given(location)[number], request.checks).claims.username == app.username
    with pytest.raises(TypeError):
        app.ostiary.callback(object(), answer()[1].checks)


async def test_the_async_client_does_the_same(app):
    async with AsyncOstiary(app.server.url, **app.options) as ostiary:
        request = ostiary.authorization_url(redirect_uri=CALLBACK)
        done = await ostiary.callback(await asyncio.to_thread(app.browse, request), request.checks)
        assert done.claims.username == app.username
        assert await ostiary.verify_id_token(done.tokens.id_token or "") == done.claims
        with pytest.raises(IdTokenInvalid):
            await ostiary.verify_id_token(done.tokens.access_token)


def test_an_answer_counts_only_in_the_browser_that_asked(app):
    mine, other = (app.ostiary.authorization_url(redirect_uri=CALLBACK) for _ in range(2))
    location = app.browse(mine)
    assert mine.checks != other.checks
    wrong = [
        (location, other.checks),
        (location, ""),
        (location, mine.checks[:-4]),
        (location, "é" * 40),
        (location, "A" * 3000),
        (location.replace("state=", "state=x"), mine.checks),
        (f"{location}&state=x", mine.checks),
        (location.partition("?")[0], mine.checks),
        (location.replace("iss=", "is="), mine.checks),
        (location.replace("iss=http", "iss=https"), mine.checks),
        (location.replace("code=", "cod="), mine.checks),
        (f"{location}&more={'x' * 9000}", mine.checks),
    ]
    for answer, checks in wrong:
        with pytest.raises(CallbackMismatch) as why:
            app.ostiary.callback(answer, checks)
        assert "code_" not in str(why.value)
    assert app.ostiary.callback(location, mine.checks).claims.username == app.username  # none of that used the code


def test_a_refusal_is_the_error_that_it_stands_for(app):
    request = app.ostiary.authorization_url(redirect_uri=CALLBACK, prompt="none")
    location = httpx2.get(request.url).headers["location"]  # nobody is signed in
    with pytest.raises(errors.LoginRequired):
        app.ostiary.callback(location, request.checks)
    checks = request.checks
    state = dict(parse_qsl(urlsplit(request.url).query))["state"]
    for word, kind in (
        ("access_denied", errors.AccessDenied),
        ("consent_required", errors.ConsentRequired),
        ("temporarily_unavailable", errors.StoreUnavailable),
        ("server_error", errors.ServerFault),
        ("something_newer", errors.InvalidRequest),
    ):
        with pytest.raises(kind) as why:
            app.ostiary.callback({"error": word, "state": state, "iss": app.server.url}, checks)
        assert why.value.__notes__ == [f"What to do: {kind.remedy}"]


def test_an_older_proof_than_was_asked_for_signs_nobody_in(app):
    asked = app.ostiary.authorization_url(redirect_uri=CALLBACK)
    done = app.ostiary.callback(app.browse(asked), asked.checks)
    assert app.ostiary.verify_id_token(done.tokens.id_token, max_age=0) == done.claims  # within the leeway
    with pytest.raises(IdTokenInvalid, match="nonce"):
        app.ostiary.verify_id_token(done.tokens.id_token, nonce="another")
    with Ostiary(app.server.url, client_id="client_a") as other, pytest.raises(IdTokenInvalid, match="aud"):
        other.verify_id_token(done.tokens.id_token)
    elsewhere = Ostiary(app.server.url, issuer="https://auth.example", **app.options)
    with elsewhere, pytest.raises(IdTokenInvalid, match="iss"):
        elsewhere.verify_id_token(done.tokens.id_token)
    with pytest.raises(IdTokenInvalid, match="key"):
        head, body, signature = done.tokens.id_token.split(".")
        app.ostiary.verify_id_token(f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}")


def test_browsers_go_to_the_issuer_and_the_application_to_its_url(app):
    with Ostiary(app.server.url, issuer="https://auth.example/", **app.options) as inside:
        assert inside.authorization_url(redirect_uri=CALLBACK).url.startswith("https://auth.example/oauth/authorize?")
        leaving = inside.logout_url(id_token="a.b.c", post_logout_redirect_uri="https://app.example/", state="x")
        assert leaving.startswith("https://auth.example/oauth/logout?client_id=client_")
        assert inside.oauth.discovery.openid()["issuer"] == app.server.url


def test_a_request_shows_no_secret_and_is_one_of_a_kind(app):
    first, second = (app.ostiary.authorization_url(redirect_uri=CALLBACK) for _ in range(2))
    for name in ("state", "nonce", "code_challenge"):
        one, two = (dict(parse_qsl(urlsplit(each.url).query))[name] for each in (first, second))
        assert one != two and len(one) >= 43
    assert first.checks not in repr(first)
    assert "secret" not in repr(Kept("secret1", "secret2", "secret3", CALLBACK))


def test_what_cannot_be_asked_is_refused_by_name():
    with pytest.raises(errors.ConfigurationError, match="client_id"):
        Ostiary("http://localhost").authorization_url(redirect_uri=CALLBACK)
    with pytest.raises(errors.ConfigurationError, match="state"):
        Ostiary("http://localhost", client_id="c").authorization_url(redirect_uri=CALLBACK, more={"state": "x"})
    with pytest.raises(errors.ConfigurationError, match="issuer"):
        Ostiary("http://localhost", issuer="auth.example")
    for options in ({"timeout": 0}, {"timeout": -1.0}, {"retries": -1}):
        with pytest.raises(errors.ConfigurationError, match=next(iter(options))):
            Ostiary("http://localhost").with_options(**options)


def test_other_parameters_go_along():
    more = {"ui_locales": "de", "resource": "https://api.example/"}
    made = new_request(
        "https://a", "c", redirect_uri=CALLBACK, scope="email", prompt=["login", "consent"], max_age=0, login_hint=None,
        more=more,
    )  # fmt: skip
    asked = dict(parse_qsl(urlsplit(made.url).query))
    assert more.items() <= asked.items()
    assert (asked["prompt"], asked["max_age"], asked["scope"]) == ("login consent", "0", "openid email")
