"""A FastAPI application with its own users: sessions of theirs, and whoever tries to use somebody else's."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection

from ostiary.core.account import User
from ostiary.core.token import mint
from ostiary.integrations.embedded import Embedded
from ostiary.integrations.fastapi import CurrentSession, Identity, Visitor, install, optional_session, require
from ostiary.integrations.visit import visit_of
from tests.integrations.conftest import OURS
from tests.support import people

COOKIE = "__Host-session"


@pytest.fixture
def users() -> dict[str, User]:
    """The application's own: by name."""
    return {"ada": User("7", "ada", roles=("editor",)), "bob": User("8", "bob")}


@pytest.fixture
def app(keeper, users) -> FastAPI:
    return application(keeper, users)


def application(keeper: Embedded, users: dict[str, User]) -> FastAPI:
    app = FastAPI()

    def identify(connection: HTTPConnection) -> User | None:
        identity = visit_of(connection.scope).identity
        return next((user for user in users.values() if identity and user.id == identity.user_id), None)

    install(app, keeper, identify=identify)

    @app.post("/sign-in/{name}")
    async def sign_in(name: str, visit: Visitor) -> dict[str, str]:
        begun = await visit.start(users[name].id, amr=("pwd",))
        return {"session": begun.session_id}

    @app.post("/sign-out")
    async def sign_out(visit: Visitor) -> dict[str, bool]:
        await visit.sign_out()
        return {"ok": True}

    @app.get("/me")
    async def me(who: CurrentSession) -> dict[str, Any]:
        return {"user": who.user.id, "name": who.user.username, "session": who.session_id}

    @app.post("/act")
    async def act(who: CurrentSession) -> str:
        return who.user_id

    @app.get("/edit")
    async def edit(who: Annotated[Identity, Depends(require(role="editor"))]) -> str:
        return who.user_id

    @app.get("/publish")
    async def publish(who: Annotated[Identity, Depends(require(role="editor", scope="sessions:read"))]) -> str:
        return who.user_id

    @app.get("/")
    async def home(who: Annotated[Identity | None, Depends(optional_session)]) -> str:
        return who.user_id if who else "nobody"

    @app.get("/public")
    async def public() -> str:
        return "public"

    @app.get("/sessions")
    async def sessions(visit: Visitor) -> list[dict[str, Any]]:
        return [{"id": one.id, "name": one.name, "current": one.is_current} for one in await visit.list()]

    @app.post("/sessions/{session_id}/revoke")
    async def revoke(session_id: str, visit: Visitor) -> None:
        await visit.revoke(session_id)

    @app.post("/log-out-everywhere")
    async def log_out_everywhere(visit: Visitor) -> int:
        return await visit.revoke_all()

    return app


async def test_two_devices_one_ends_the_other_and_then_both(app, browse):
    laptop, phone = browse(app), browse(app, people.IPHONE)
    assert (await laptop.get("/me")).status_code == 401
    await laptop.post("/sign-in/ada")
    other = (await phone.post("/sign-in/ada")).json()["session"]
    assert (await laptop.get("/me")).json()["name"] == "ada"
    listed = (await laptop.get("/sessions")).json()
    assert {one["name"] for one in listed} == {"Firefox on Linux", "Mobile Safari on iOS"}
    assert [one["id"] for one in listed if not one["current"]] == [other]
    assert (await laptop.post(f"/sessions/{other}/revoke")).status_code == 200
    refused = await phone.get("/me")
    assert refused.status_code == 401 and refused.json()["code"] == "session_revoked"
    assert refused.headers["content-type"] == "application/problem+json" and "www-authenticate" in refused.headers
    await phone.post("/sign-in/ada")
    assert (await laptop.post("/log-out-everywhere")).json() == 2
    assert COOKIE not in laptop.cookies
    for browser in (laptop, phone):
        assert (await browser.get("/me")).status_code == 401


async def test_the_cookie_is_the_servers_own(app, browse):
    answer = await browse(app).post("/sign-in/ada")
    assert answer.headers["set-cookie"].split("; ", 1)[1] == "Path=/; HttpOnly; Secure; SameSite=Lax"
    assert answer.headers["set-cookie"].startswith(f"{COOKIE}=sess_")
    assert answer.headers["cache-control"] == "no-store"


async def test_what_somebody_was_shown_stays_out_of_shared_caches(app, browse):
    browser = browse(app)
    await browser.post("/sign-in/ada")
    assert (await browser.get("/me")).headers["cache-control"] == "private"
    assert "cache-control" not in (await browser.get("/public")).headers


async def test_signing_out_ends_the_session_and_always_works(app, browse, keeper):
    browser = browse(app)
    await browser.post("/sign-in/ada")
    held = browser.cookies[COOKIE]
    answer = await browser.post("/sign-out")
    assert answer.headers["clear-site-data"] and COOKIE not in browser.cookies
    thief = browse(app, cookie=f"{COOKIE}={held}")
    assert (await thief.get("/me")).json()["reason"] == "logout"
    assert (await browser.post("/sign-out")).status_code == 200
    assert (await thief.post("/sign-out")).status_code == 200


async def test_a_session_that_the_client_brings_is_never_adopted_at_sign_in(app, browse, keeper):
    planted = await keeper.authority.sessions.start("8", client=people.at())
    victim = browse(app)
    victim.cookies.set(COOKIE, planted.token, domain="app.example.test")
    begun = (await victim.post("/sign-in/ada")).json()["session"]
    assert begun != planted.session.id and victim.cookies[COOKIE] != planted.token
    attacker = browse(app, cookie=f"{COOKIE}={planted.token}")
    assert (await attacker.get("/me")).status_code == 401  # it ended, as the victim's browser forgot it
    made_up = mint("sess")
    victim.cookies.set(COOKIE, made_up.text, domain="app.example.test")
    assert (await victim.post("/sign-in/ada")).json()["session"] != made_up.id


async def test_signing_in_to_a_browser_ends_no_bearers_session(app, browse, keeper):
    program = await keeper.authority.sessions.start("8", client=people.at())
    await browse(app, authorization=f"Bearer {program.token}").post("/sign-in/ada")
    assert (await browse(app, authorization=f"Bearer {program.token}").get("/me")).json()["user"] == "8"


async def test_nobody_acts_as_somebody_else_by_adding_a_credential(app, browse, keeper):
    ada = await keeper.authority.sessions.start("7", client=people.at())
    bob = await keeper.authority.sessions.start("8", client=people.at())
    both = browse(app, cookie=f"{COOKIE}={ada.token}; {COOKIE}={bob.token}")
    assert (await both.get("/me")).status_code == 401
    mixed = browse(app, cookie=f"{COOKIE}={ada.token}", authorization=f"Bearer {bob.token}")
    assert (await mixed.get("/me")).status_code == 401
    only = browse(app, authorization=f"Bearer {bob.token}")
    assert (await only.get("/me")).json()["user"] == "8"


async def test_a_session_of_somebody_else_looks_like_none_at_all(app, browse):
    ada, bob = browse(app), browse(app)
    mine = (await ada.post("/sign-in/ada")).json()["session"]
    await bob.post("/sign-in/bob")
    foreign = await bob.post(f"/sessions/{mine}/revoke")
    missing = await bob.post(f"/sessions/{mint('sess').id}/revoke")
    nonsense = await bob.post("/sessions/%00'/revoke")
    for answer in (foreign, missing, nonsense):
        body = answer.json()
        assert answer.status_code == 404 and body.pop("request_id")
        assert body == {k: v for k, v in foreign.json().items() if k != "request_id"}
    assert (await ada.get("/me")).status_code == 200


async def test_headers_and_cookies_that_claim_to_be_somebody_are_nothing(app, browse):
    forged = {
        "ostiary-user": "ada", "ostiary-session": mint("sess").id, "ostiary-roles": "admin", "x-forwarded-user": "ada",
        "ostiary.visit": "ada", "cookie": f"{COOKIE}={mint('sess').text}; session={mint('sess').text}; user=7",
    }  # fmt: skip
    browser = browse(app, **forged)
    assert (await browser.get("/me")).json()["code"] == "session_invalid"
    assert (await browser.get("/")).json() == "nobody"
    for bearer in ("", "x", "sess_", "a.b.c", "\xff", "Bearer"):
        odd = {"authorization": f"Bearer {bearer}".encode("latin-1")}
        assert (await browse(app).get("/me", headers=odd)).status_code == 401


async def test_a_scope_that_came_with_a_visit_gets_a_new_one(app, keeper):
    """Whoever is in front of the middleware, it asks for itself."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    forged = Identity(User("7", "ada"), "session", session_id="sess_x")
    scope = {
        "type": "http", "method": "GET", "path": "/me", "raw_path": b"/me", "root_path": "", "query_string": b"",
        "headers": [], "client": ("203.0.113.7", 1), "scheme": "https", "server": ("app.example.test", 443),
        "ostiary.visit": forged, "state": {"ostiary.visit": forged},
    }  # fmt: skip
    await app(scope, receive, send)
    assert sent[0]["status"] == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": None, "origin": "https://evil.example"},
        {"sec-fetch-site": None, "origin": "null"},
        {"sec-fetch-site": None, "origin": "https://app.example.test.evil.example"},
        {"sec-fetch-site": None},
    ],
)
async def test_a_page_of_another_origin_changes_nothing_with_the_cookie(app, browse, headers):
    browser = browse(app)
    await browser.post("/sign-in/ada")
    if headers["sec-fetch-site"] is None:
        del browser.headers["sec-fetch-site"]
    headers = {name: value for name, value in headers.items() if value is not None}
    for path in ("/act", "/sign-out", "/log-out-everywhere"):
        assert (await browser.post(path, headers=headers)).status_code == 403
    if headers:
        assert (await browser.post("/sign-in/bob", headers=headers)).status_code == 403
    browser.headers |= OURS
    assert (await browser.get("/me")).json()["name"] == "ada"
    assert (await browser.post("/act")).status_code == 200


async def test_a_role_is_the_applications_own_and_is_asked_for_each_time(app, browse, users):
    ada, bob = browse(app), browse(app)
    await ada.post("/sign-in/ada")
    await bob.post("/sign-in/bob")
    assert (await ada.get("/edit")).status_code == 200
    refused = await bob.get("/edit")
    assert refused.status_code == 403 and refused.json()["role"] == "editor"
    users["ada"] = User("7", "ada")
    assert (await ada.get("/edit")).status_code == 403
    del users["ada"]
    assert (await ada.get("/me")).status_code == 401


async def test_a_token_does_not_have_its_users_roles_but_where_a_scope_says_so(app, browse, keeper, users):
    user = await people.add_user(keeper.authority, "carol")
    users["carol"] = User(user.id, "carol", roles=("editor", "admin"))
    signed_in = await people.caller(keeper.authority, await people.sign_in(keeper.authority, "carol"))
    made = await keeper.authority.tokens.create(name="robot", by=signed_in, scopes=("sessions:read", "gateway"))
    robot = browse(app, authorization=f"Bearer {made.secret}")
    assert (await robot.get("/me")).json()["session"] is None
    assert (await robot.get("/edit")).status_code == 403
    assert (await robot.get("/publish")).status_code == 200


async def test_plain_http_gets_no_cookie(app, browse):
    answer = await browse(app).post("http://app.example.test/sign-in/ada")
    assert answer.status_code == 422 and "set-cookie" not in answer.headers


async def test_limits_hold_as_everywhere(app, browse, clock, keeper):
    browser = browse(app)
    await browser.post("/sign-in/ada")
    clock.advance(seconds=keeper.authority.policy.lifetime.total_seconds())
    assert (await browser.get("/me")).json()["code"] == "session_expired"


async def test_with_the_store_away_it_is_503_and_nobody_is_signed_out(browse, users):
    away = Embedded("postgresql://nobody@127.0.0.1:1/none")
    app = application(away, users)
    browser = browse(app, cookie=f"{COOKIE}={mint('sess').text}")
    for path in ("/me", "/", "/edit", "/sign-out", "/sign-in/ada"):
        answer = await browser.request("POST" if "sign" in path else "GET", path)
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable"), path
        assert "set-cookie" not in answer.headers and answer.headers["retry-after"]
    assert (await browser.get("/public")).status_code == 200
    assert (await browse(app).get("/me")).status_code == 401  # nothing was sent: no store is asked
    await away.close()
