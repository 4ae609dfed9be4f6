"""A Flask application with its own users, and threads that wait."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient

from ostiary.core.account import User
from ostiary.core.token import mint
from ostiary.integrations.embedded import Embedded
from ostiary.integrations.flask import Ostiary, current_session, optional_session, require, visit
from tests.integrations.conftest import ORIGIN, OURS

COOKIE = "__Host-session"
USERS = {"ada": User("7", "ada", roles=("editor",)), "bob": User("8", "bob")}


def application(make_keeper) -> tuple[Flask, Ostiary]:
    app = Flask(__name__)

    def identify(_: Request) -> User | None:
        asked = visit.identity
        return next((user for user in USERS.values() if asked and user.id == asked.user_id), None)

    extension = Ostiary(app, make_keeper, identify=identify)

    @app.post("/sign-in/<name>")
    def sign_in(name: str):
        return {"session": visit.start(USERS[name].id).session_id}

    @app.post("/sign-out")
    def sign_out():
        visit.sign_out()
        return {}

    @app.get("/me")
    def me():
        return {"name": current_session.user.username, "session": current_session.session_id}

    @app.get("/edit")
    @require(role="editor")
    def edit():
        return "edited"

    @app.get("/")
    def home():
        who = optional_session()
        return who.user_id if who else "nobody"

    @app.get("/sessions")
    def sessions():
        return [one.id for one in visit.list()]

    @app.post("/sessions/<session_id>/revoke")
    def revoke(session_id: str):
        visit.revoke(session_id)
        return {}

    @app.post("/log-out-everywhere")
    def log_out_everywhere():
        return {"count": visit.revoke_all()}

    return app, extension


@pytest.fixture
def app(settings, clock) -> Iterator[Flask]:
    app, extension = application(lambda: Embedded(settings, clock=clock))
    yield app
    extension.close()


class Browser:
    def __init__(self, app: Flask, **headers: str) -> None:
        self.client: FlaskClient = app.test_client()
        self.headers = {**OURS, **headers}

    def __call__(self, method: str, path: str, **headers: str):
        sent = {name: value for name, value in (self.headers | headers).items() if value}
        return self.client.open(path, method=method, base_url=ORIGIN, headers=sent)


def test_one_device_ends_the_other_and_then_all(app):
    laptop, phone = Browser(app), Browser(app)
    assert laptop("GET", "/me").status_code == 401
    laptop("POST", "/sign-in/ada")
    other = phone("POST", "/sign-in/ada").json["session"]
    assert len(laptop("GET", "/sessions").json) == 2 and other in laptop("GET", "/sessions").json
    assert laptop("POST", f"/sessions/{other}/revoke").status_code == 200
    refused = phone("GET", "/me")
    assert (refused.status_code, refused.json["code"]) == (401, "session_revoked")
    phone("POST", "/sign-in/ada")
    assert laptop("POST", "/log-out-everywhere").json == {"count": 2}
    assert laptop("GET", "/me").status_code == phone("GET", "/me").status_code == 401


def test_many_threads_share_one_authority(app):
    browsers = [Browser(app) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda one: one("POST", "/sign-in/ada"), browsers))
        found = list(threads.map(lambda one: one("GET", "/me").json["session"], browsers))
    assert len(set(found)) == 8


def test_roles_origins_and_foreign_sessions(app):
    ada, bob = Browser(app), Browser(app)
    mine = ada("POST", "/sign-in/ada").json["session"]
    bob("POST", "/sign-in/bob")
    assert ada("GET", "/edit").status_code == 200 and bob("GET", "/edit").status_code == 403
    assert bob("POST", f"/sessions/{mine}/revoke").status_code == 404
    for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": ""}):
        assert ada("POST", "/log-out-everywhere", **headers).status_code == 403
        assert ada("POST", "/sign-out", **headers).status_code == 403
    assert (
        ada("POST", "/log-out-everywhere", **{"sec-fetch-site": "", "origin": "https://evil.test"}).status_code == 403
    )
    answer = ada("GET", "/me")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "private"
    out = ada("POST", "/sign-out")
    assert "clear-site-data" in out.headers and ada("GET", "/").text == "nobody"


def test_a_session_that_the_client_brings_is_never_adopted(app):
    attacker, victim = Browser(app), Browser(app)
    attacker("POST", "/sign-in/bob")
    planted = attacker.client.get_cookie(COOKIE, "app.example.test")
    assert planted is not None
    victim.client.set_cookie(COOKIE, planted.value, domain="app.example.test", secure=True)
    assert victim("GET", "/me").json["name"] == "bob"
    victim("POST", "/sign-in/ada")
    assert victim("GET", "/me").json["name"] == "ada"
    assert attacker("GET", "/me").status_code == 401


def test_with_the_store_away_it_is_503():
    app, extension = application(lambda: Embedded("postgresql://nobody@127.0.0.1:1/none"))
    browser = Browser(app)
    browser.client.set_cookie(COOKIE, mint("sess").text, domain="app.example.test", secure=True)
    for method, path in (
        ("GET", "/me"),
        ("GET", "/"),
        ("GET", "/edit"),
        ("POST", "/sign-out"),
        ("POST", "/sign-in/ada"),
    ):
        answer = browser(method, path)
        assert answer.status_code == 503 and "set-cookie" not in answer.headers, path
    extension.close()
