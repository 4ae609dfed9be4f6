"""The console: only administrators find it, and it tells and does what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ostiary.core.caller import Caller
from ostiary.core.client import seen
from tests.support import people
from tests.support.people import CHROME, IPHONE, at
from tests.web.crawl import Known, routes

ABSENT = Known("sess_" + "a" * 26, "ost_" + "a" * 26, "grace", "client_" + "a" * 26, "plan_" + "a" * 26)


def console(method: str, known: Known = ABSENT) -> list[str]:
    found = [path for path in routes(method, known) if path.startswith("/admin")]
    assert len(found) > 3
    return found


async def test_to_everybody_but_administrators_the_console_is_not_there(surfer):
    await people.add_user(surfer.authority, "grace")
    await surfer.add_and_sign_in("ada")
    nothing = await surfer.get("/admin/nothing")
    for path in console("GET"):
        answer = await surfer.get(path)
        assert answer.status_code == 404, path
        assert "grace" not in answer.text, path
    assert nothing.status_code == 404 and "There is nothing here" in nothing.text
    assert 'href="/admin"' not in (await surfer.get("/settings/sessions")).text


async def test_nobody_but_an_administrator_can_make_the_console_act(surfer):
    user = await people.add_user(surfer.authority, "grace")
    started = await surfer.authority.sessions.start(user.id, client=at())
    await surfer.add_and_sign_in("ada")
    token = (await surfer.get("/settings/password")).text.partition('name="csrf_token" value="')[2].partition('"')[0]
    for path in console("POST", replace(ABSENT, session_id=started.session.id)):
        assert (await surfer.post(path, {"csrf_token": token})).status_code == 404, path
    assert (await surfer.authority.verify(started.token)).user.id == user.id


async def test_signed_out_the_console_leads_to_the_sign_in_page_and_back(surfer):
    for path in console("GET"):
        answer = await surfer.get(path)
        if "/numbers" not in path:
            assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=/admin"), path


async def test_an_administrator_without_the_role_any_more_loses_the_console_at_the_next_request(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    await people.add_user(surfer.authority, "root", admin=True)
    assert (await surfer.get("/admin")).status_code == 200
    await surfer.authority.accounts.set_roles("ada", ["member"], by=Caller.operator("tests"))
    assert (await surfer.get("/admin")).status_code == 404


async def test_the_overview_counts_what_is_there(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    user = await people.add_user(surfer.authority, "grace")
    for agent in (CHROME, CHROME, IPHONE):
        await surfer.authority.sessions.start(user.id, client=seen("203.0.113.9", agent), application_id="shop")
    page = (await surfer.get("/admin")).text
    assert '<dd><a href="/admin/sessions">4</a></dd>' in page
    assert "Chrome on Windows" in page and "shop" in page
    same = await surfer.get("/admin/numbers?span=day&seen=" + page.partition("seen=")[2].partition('"')[0])
    assert same.status_code == 204


async def test_an_open_console_does_not_count_as_use(surfer, clock):
    await surfer.add_and_sign_in("ada", admin=True)
    policy = surfer.authority.policy
    clock.advance(seconds=policy.idle_timeout.total_seconds() / 2)
    for path in ("/admin/numbers", "/admin/events/list"):
        assert (await surfer.get(path)).status_code == 200
    clock.advance(seconds=policy.idle_timeout.total_seconds() / 2)
    assert (await surfer.get("/admin")).status_code == 303


async def test_the_search_finds_by_address_range_and_says_exactly_how_many(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    user = await people.add_user(surfer.authority, "grace")
    for number in range(60):
        await surfer.authority.sessions.start(user.id, client=seen(f"198.51.100.{number}", CHROME))
    page = (await surfer.get("/admin/sessions?ip=198.51.100.0/24&status=live")).text
    assert "60 sessions" in page and page.count('class="row"') == 50
    more = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    rest = (await surfer.get("/admin/sessions" + more)).text
    assert rest.count('class="row"') == 10 and "60 sessions" in rest
    assert "1 session<" in (await surfer.get("/admin/sessions?ip=198.51.100.7&status=")).text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("ip=nonsense", "Address or network: "),
        ("created_before=yesterday", "Signed in before (UTC): "),
        ("reason=because", "Ended: "),
        ("q=sess_", "Name, id, label or address: "),
    ],
)
async def test_a_filter_that_cannot_be_is_said_beside_the_form(surfer, query, says):
    await surfer.add_and_sign_in("ada", admin=True)
    answer = await surfer.get(f"/admin/sessions?{query}")
    assert answer.status_code == 422 and says in answer.text and 'aria-invalid="true"' in answer.text


async def test_what_is_searched_for_is_shown_escaped(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    for path in ("/admin/sessions?q=", "/admin/sessions?user=", "/admin/users?username=", "/admin/events?user="):
        answer = await surfer.get(path + "%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        assert answer.status_code in {200, 422} and "<script>alert" not in answer.text, path


async def test_ending_anybodys_session_refuses_its_next_request_and_leads_back(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    user = await people.add_user(surfer.authority, "grace")
    started = await surfer.authority.sessions.start(user.id, client=at("203.0.113.9", CHROME))
    path = f"/admin/sessions/{started.session.id}/end"
    answer = await surfer.submit(path, home="/admin/users/grace")
    assert answer.status_code == 303 and answer.headers["location"] == "/admin/users/grace"
    assert "The session was ended." in (await surfer.get("/admin/users/grace")).text
    session, _ = await surfer.authority.administration.find(started.session.id, by=Caller.operator("tests"))
    assert session.revoked is not None and session.revoked.reason == "admin"
    again = await surfer.submit(path)
    assert again.headers["location"] == "/admin/sessions"
    assert "had ended before" in (await surfer.get("/admin/sessions")).text


@pytest.mark.parametrize(
    "home", ["//evil.example", "https://evil.example", "/\\evil.example", "/settings/sessions", ""]
)
async def test_an_act_leads_back_to_the_console_only(surfer, home):
    await surfer.add_and_sign_in("ada", admin=True)
    user = await people.add_user(surfer.authority, "grace")
    started = await surfer.authority.sessions.start(user.id, client=at())
    answer = await surfer.submit(f"/admin/sessions/{started.session.id}/end", home=home)
    assert answer.headers["location"] == "/admin/sessions"


async def test_signing_a_user_out_and_disabling_them_ends_everything(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    user = await people.add_user(surfer.authority, "grace")
    started = await surfer.authority.sessions.start(user.id, client=at())
    by = await surfer.authority.verify(started.token, at())
    await surfer.authority.tokens.create(by=by, name="backup script")
    page = (await surfer.get("/admin/users/grace")).text
    assert "backup script" in page and started.session.id in page
    assert "<strong>1 live session</strong>" in (await surfer.get("/admin/users/grace/sign-out")).text
    await surfer.submit("/admin/users/grace/sign-out")
    page = (await surfer.get("/admin/users/grace")).text
    assert "1 session ended." in page and "Not signed in anywhere." in page and "backup script" in page
    await surfer.submit("/admin/users/grace/disable")
    page = (await surfer.get("/admin/users/grace")).text
    assert "The user was disabled" in page and "No program can act as this user" in page
    await surfer.submit("/admin/users/grace/enable")
    assert "can sign in again" in (await surfer.get("/admin/users/grace")).text


async def test_signing_oneself_out_leads_out(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    answer = await surfer.submit("/admin/users/ada/sign-out")
    assert answer.headers["location"] == "/signed-out" and (await surfer.get("/admin")).status_code == 303


async def test_a_user_who_never_signed_in_has_a_page(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    await people.add_user(surfer.authority, "grace")
    page = await surfer.get("/admin/users/grace")
    assert page.status_code == 200 and "Not signed in anywhere." in page.text


async def test_a_name_that_was_typed_leads_to_its_user(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    await people.add_user(surfer.authority, "grace")
    assert (await surfer.get("/admin/users?username=GRACE")).headers["location"] == "/admin/users/grace"
    assert "no user of that name" in (await surfer.get("/admin/users?username=nobody")).text
    assert (await surfer.get("/admin/users/nobody")).status_code == 404


async def test_an_open_page_of_events_shows_what_happens_without_being_touched(visitors, site):
    root, grace = await site.user(admin=True), await site.user()
    visitor = await visitors()
    await visitor.sign_in(root)
    await visitor.goto(f"/admin/events?user={grace.username}")
    await visitor.sees("User added")
    await site.sign_in(grace, at("203.0.113.9", CHROME))
    await visitor.page.get_by_role("heading", name="Signed in").wait_for(timeout=6000)
    assert await visitor.page.locator("#events li").count() == 2
    await visitor.press("Pause")
    await visitor.page.get_by_role("button", name="Go on").wait_for()


async def test_charts_are_drawn_and_their_tables_say_the_same(visitors, site):
    root = await site.user(admin=True)
    visitor = await visitors()
    await visitor.sign_in(root)
    await visitor.goto("/admin?span=week")
    await visitor.page.locator("#chart-sign-ins canvas").wait_for()
    await visitor.page.locator("#table-sign-ins summary").click()
    cells = await visitor.page.locator("#table-sign-ins tbody tr:last-child td").all_inner_texts()
    assert int(cells[0]) >= 1


async def test_a_session_is_ended_by_keyboard_in_a_dialog(visitors, site):
    root, grace = await site.user(admin=True), await site.user()
    started = await site.sign_in(grace, at("203.0.113.9", CHROME))
    visitor = await visitors()
    await visitor.sign_in(root)
    await visitor.goto(f"/admin/users/{grace.username}")
    await visitor.page.locator(f"#end-{started.session.id}").focus()
    await visitor.page.keyboard.press("Enter")
    await visitor.page.get_by_role("dialog").wait_for()
    await visitor.page.get_by_role("button", name="End session").focus()
    await visitor.page.keyboard.press("Enter")
    await visitor.sees("The session was ended.")
    assert not site.works(started)
