"""The authority's API and pages inside an application, and what another site could do to them."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from ostiary.integrations.fastapi import CurrentSession, Visitor, install
from ostiary.integrations.mount import api, api_and_pages

COOKIE = "__Host-session"


@pytest.fixture
def app(keeper) -> FastAPI:
    app = FastAPI()
    install(app, keeper)

    @app.post("/enter/{user_id}")
    async def enter(user_id: str, visit: Visitor) -> str:
        return (await visit.start(user_id)).session_id

    @app.get("/me")
    async def me(who: CurrentSession) -> str | None:
        return who.session_id

    app.mount("/identity", api(keeper))
    app.mount("/", api_and_pages(keeper))
    return app


async def test_the_api_under_a_path_knows_the_applications_users(app, browse):
    browser, other = browse(app), browse(app)
    mine = (await browser.post("/enter/7")).json()
    theirs = (await other.post("/enter/7")).json()
    listed = (await browser.get("/identity/api/v1/auth/sessions")).json()
    assert {one["id"]: one["is_current"] for one in listed} == {mine: True, theirs: False}
    assert (await browser.get("/identity/verify")).headers["ostiary-session"] == mine
    assert (await browser.get("/identity/healthz")).status_code == 200
    assert (await browser.post(f"/identity/api/v1/auth/sessions/{theirs}/revoke")).status_code == 200
    assert (await other.get("/me")).status_code == 401


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}])
async def test_another_site_changes_nothing_through_the_mounted_api(app, browse, headers):
    browser = browse(app)
    mine = (await browser.post("/enter/7")).json()
    root = "/identity/api/v1/auth"
    for path in ("/sessions/revoke-all", "/sessions/revoke-others", f"/sessions/{mine}/revoke", "/logout"):
        assert (await browser.post(f"{root}{path}", headers=headers)).status_code == 403, path
    assert (await browser.delete(f"{root}/sessions/{mine}", headers=headers)).status_code == 403
    assert (await browser.get("/me")).json() == mine


async def test_somebody_elses_session_is_not_found_and_nobody_is_an_administrator(app, browse):
    browser, other = browse(app), browse(app)
    await browser.post("/enter/7")
    theirs = (await other.post("/enter/8")).json()
    assert (await browser.post(f"/identity/api/v1/auth/sessions/{theirs}/revoke")).status_code == 404
    assert (await browser.get("/identity/api/v1/admin/users")).status_code == 403


async def test_the_pages_behind_the_applications_own_routes(app, browse):
    browser = browse(app)
    assert (await browser.get("/settings/sessions")).headers["location"].startswith("/sign-in")
    await browser.post("/enter/7")
    page = await browser.get("/settings/sessions")
    assert page.status_code == 200 and "Firefox on Linux" in page.text
    assert (await browser.get("/me")).status_code == 200
