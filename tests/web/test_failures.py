"""When something is wrong, a person gets a page that says what, and a program gets a problem."""

from __future__ import annotations

import pytest

from ostiary.authority import Authority
from ostiary.settings import Settings
from ostiary.storage import migrate
from tests.support import people
from tests.support.databases import PrivatePostgres
from tests.support.people import PASSWORD, SERVED_PASSWORDS, at
from tests.support.processes import serving
from tests.web.visitors import HERE, Site, Visitors


async def test_where_nothing_is_a_browser_gets_a_page_and_a_program_a_problem(surfer):
    page = await surfer.get("/nothing/here")
    assert page.status_code == 404 and "There is nothing here" in page.text
    problem = await surfer.get("/nothing/here", Accept="*/*")
    assert problem.status_code == 404 and problem.json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/auth/sessions", "/api/nothing"])
async def test_the_api_answers_problems_to_browsers_too(surfer, path):
    answer = await surfer.get(path)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_query_that_cannot_be_is_said_on_a_page(surfer):
    await surfer.add_and_sign_in()
    answer = await surfer.get("/settings/sessions?page=none")
    assert answer.status_code == 422 and answer.headers["content-type"].startswith("text/html")


async def test_a_form_from_before_the_last_sign_in_says_so_and_changes_nothing(surfer):
    await surfer.add_and_sign_in()
    answer = await surfer.post("/settings/sessions/end-all", {"csrf_token": "0" * 80})
    assert answer.status_code == 403 and "This page was open for too long" in answer.text
    assert (await surfer.get(HERE)).status_code == 200


async def test_a_script_that_finds_nobody_signed_in_is_told_where_to_go(surfer):
    headers = {"HX-Request": "true", "HX-Current-URL": "https://auth.example.test/settings/sessions?page=2"}
    answer = await surfer.get("/settings/sessions/list", **headers)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=/settings/sessions%3Fpage%3D2"
    headers["HX-Current-URL"] = "https://auth.example.test//evil.example/x"
    answer = await surfer.get("/settings/sessions/list", **headers)
    assert answer.headers["hx-redirect"] == "/sign-in"


async def test_a_disabled_or_signed_out_user_finds_out_why_only_with_the_right_secret(surfer):
    await surfer.add_and_sign_in()
    token = surfer.cookies["__Host-session"]
    by = await surfer.authority.verify(token, at())
    await surfer.authority.sessions.revoke_all(by=by)
    led = await surfer.get(HERE)
    assert led.status_code == 303
    assert "You signed out everywhere." in (await surfer.get("/sign-in")).text
    surfer.cookies["__Host-session"] = token[:-4] + "AAAA"
    assert "You signed out everywhere." not in (await surfer.get("/sign-in")).text


async def test_a_label_that_is_too_long_is_refused_on_a_page(surfer):
    await surfer.add_and_sign_in()
    own = surfer.cookies["__Host-session"].partition(".")[0]
    answer = await surfer.submit(f"/settings/sessions/{own}/label", label="x" * 65)
    assert answer.status_code == 422 and "Use at most 64 characters." in answer.text


async def test_a_name_that_cannot_be_is_said_where_the_token_is_made(surfer):
    await surfer.add_and_sign_in()
    answer = await surfer.submit("/settings/tokens/new", name="x" * 65, days="30", scope="sessions:read")
    assert answer.status_code == 422 and "use 1 to 64 printable characters" in answer.text
    answer = await surfer.submit("/settings/tokens/new", name="x", days="31", scope="sessions:read")
    assert answer.status_code == 422


async def test_a_member_cannot_give_a_scope_that_only_administrators_have(surfer):
    await surfer.add_and_sign_in()
    assert 'value="admin"' not in (await surfer.get("/settings/tokens/new")).text
    answer = await surfer.submit("/settings/tokens/new", name="x", days="30", scope="admin")
    assert answer.status_code == 403 and "You can&#39;t do this here" in answer.text


async def test_new_passwords_that_differ_change_nothing(surfer):
    await surfer.add_and_sign_in()
    answer = await surfer.submit("/settings/password", current=PASSWORD, new="good enough 1", again="good enough 2")
    assert answer.status_code == 422 and "The two new passwords are not the same." in answer.text
    assert await people.sign_in(surfer.authority)


async def test_with_the_store_away_there_is_never_an_empty_list_and_nobody_is_signed_out(browser, tmp_path):
    directory = tmp_path / "postgres"
    directory.mkdir()
    with PrivatePostgres(directory) as postgres:
        settings = Settings(database_url=postgres.url, **SERVED_PASSWORDS)
        async with Authority(settings) as authority:
            await migrate.upgrade(authority.database)
            with serving(postgres.url, tmp_path) as server:
                site = Site(server, authority)
                visitors = Visitors(browser, site, tmp_path)
                user = await site.user()
                visitor = await visitors()
                await visitor.sign_in(user)
                postgres.stop()
                await visitor.page.get_by_text("This list may be out of date.").wait_for(timeout=15_000)
                assert await visitor.rows().count() == 1
                assert await visitor.goto(HERE) == 503
                await visitor.sees("Couldn't load your sessions")
                assert await visitor.page.locator("#sessions").count() == 0
                postgres.start()
                for _ in range(20):
                    if await visitor.goto(HERE) == 200:
                        break
                    await visitor.page.wait_for_timeout(300)
                assert await visitor.rows().count() == 1
                await visitors.leave()
