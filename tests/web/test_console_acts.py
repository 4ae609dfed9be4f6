"""The console in an incident: many sessions at once and back again, a leaked credential, programs that remember."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from ostiary.authority import Started
from ostiary.core.caller import Caller
from ostiary.core.client import seen
from ostiary.errors import SessionRevoked
from tests.support import people
from tests.support.people import CHROME, at
from tests.web.surfer import token_of

NETWORK = "198.51.100.0/24"


async def three_in_a_network(surfer) -> list[Started]:
    user = await people.add_user(surfer.authority, "grace")
    return [
        await surfer.authority.sessions.start(user.id, client=seen(f"198.51.100.{number}", CHROME))
        for number in range(3)
    ]


async def works(surfer, started) -> bool:
    try:
        return bool(await surfer.authority.verify(started.token))
    except SessionRevoked:
        return False


async def plan(surfer, **filters: str) -> str:
    """Make a plan from the search's form. Its path."""
    answer = await surfer.submit("/admin/sessions?status=live", "/admin/plans", **filters)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def test_a_search_becomes_a_plan_that_ends_exactly_what_was_found_and_can_be_undone(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    chosen = await three_in_a_network(surfer)
    user = await people.add_user(surfer.authority, "linus")
    other = await surfer.authority.sessions.start(user.id, client=seen("203.0.113.9", CHROME))
    search = await surfer.get(f"/admin/sessions?ip={NETWORK}&status=live")
    assert "End all 3" in search.text
    path = await plan(surfer, ip=NETWORK, status="live")
    page = await surfer.get(path)
    assert "End 3 sessions?" in page.text and "of 1 user" in page.text and "198.51.100.0/24" in page.text
    late = await surfer.authority.sessions.start(chosen[0].session.user_id, client=seen("203.0.113.8", CHROME))
    assert all([await works(surfer, one) for one in chosen])
    await surfer.submit(path, f"{path}/apply", undo="10")
    page = await surfer.get(path)
    assert "3 sessions ended" in page.text and "bring 3 sessions back" in page.text
    assert not any([await works(surfer, one) for one in chosen])
    assert await works(surfer, other) and await works(surfer, late)
    await surfer.submit(path, f"{path}/undo")
    assert "3 sessions brought back" in (await surfer.get(path)).text
    assert all([await works(surfer, one) for one in chosen])


@pytest.mark.parametrize(("newer", "label"), [("leave", "End these 3; 2 newer stay"), ("include", "End all 5")])
async def test_who_signs_in_while_one_reads_stops_nobody(surfer, newer, label):
    """W1: the page says what came since, and each way is one press; also when yet another one comes before it."""
    await surfer.add_and_sign_in("ada", admin=True)
    chosen = await three_in_a_network(surfer)
    path = await plan(surfer, ip=NETWORK)
    came = [await newcomer(surfer, chosen) for _ in range(2)]
    page = await surfer.get(path)
    assert label in page.text
    last = await newcomer(surfer, chosen)
    answer = await surfer.submit(path, f"{path}/apply", newer=newer, undo="10")
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert not any([await works(surfer, one) for one in chosen])
    assert {await works(surfer, one) for one in (*came, last)} == {newer == "leave"}
    assert (await surfer.get("/admin")).status_code == 200  # the own session is spared


async def newcomer(surfer: Any, chosen: list[Started]) -> Started:
    user_id = chosen[0].session.user_id
    came: Started = await surfer.authority.sessions.start(user_id, client=seen("198.51.100.77", CHROME))
    return came


async def test_no_form_of_a_plan_leads_to_an_address_that_is_not_there(surfer):
    """W1: after a refusal the address is that of the act; what stands there must lead to the plan all the same."""
    await surfer.add_and_sign_in("ada", admin=True)
    await three_in_a_network(surfer)
    path = await plan(surfer, ip=NETWORK)
    refused = await surfer.submit(path, f"{path}/undo")
    assert refused.status_code == 409
    assert set(re.findall(r'action="(/admin/plans[^"]*)"', refused.text)) == {f"{path}/apply"}
    for act in ("apply", "undo"):
        again = await surfer.get(f"{path}/{act}")
        assert (again.status_code, again.headers["location"]) == (303, path)


async def test_a_plan_is_found_again_while_it_can_be_undone(surfer):
    """W2: from the console's own list, and from the events, with the time that is left."""
    await surfer.add_and_sign_in("ada", admin=True)
    await three_in_a_network(surfer)
    assert "Nothing was planned lately" in (await surfer.get("/admin/plans")).text
    path = await plan(surfer, ip=NETWORK)
    assert "Not applied" in (await surfer.get("/admin/plans")).text
    await surfer.submit(path, f"{path}/apply", undo="60")
    listed = (await surfer.get("/admin/plans")).text
    assert f'href="{path}"' in listed and "Can be undone" in listed and "3 ended" in listed
    assert f'href="{path}"' in (await surfer.get("/admin/events")).text
    assert 'href="/admin/plans"' in (await surfer.get("/admin")).text
    await surfer.submit(path, f"{path}/undo")
    listed = (await surfer.get("/admin/plans")).text
    assert "Undone" in listed and "3 brought back" in listed and "Can be undone" not in listed


async def test_what_is_newer_than_an_applied_plan_is_planned_again_with_the_same_filters(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    chosen = await three_in_a_network(surfer)
    path = await plan(surfer, ip=NETWORK)
    newer = await surfer.authority.sessions.start(chosen[0].session.user_id, client=seen("198.51.100.9", CHROME))
    page = await surfer.get(path)
    assert (
        'href="/admin/sessions?ip=198.51.100.0%2F24&amp;status=live"' in page.text
    )  # to cancel, and back to the search
    await surfer.submit(path, f"{path}/apply", undo="10", newer="leave")
    page = await surfer.get(path)
    assert "1 session</strong> that matches is live" in page.text
    kept = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    answer = await surfer.post("/admin/plans", kept | {"csrf_token": token_of(page)})
    again = await surfer.get(answer.headers["location"])
    assert "End 1 session?" in again.text and "198.51.100.0/24" in again.text
    await surfer.submit(answer.headers["location"], f"{answer.headers['location']}/apply", undo="10")
    assert not await works(surfer, newer)
    assert "is live" not in (await surfer.get(answer.headers["location"])).text


async def test_what_a_plan_suspended_has_its_own_number_on_the_first_page(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    await three_in_a_network(surfer)
    path = await plan(surfer, ip=NETWORK)
    await surfer.submit(path, f"{path}/apply", undo="10")
    number = r"Suspended by a plan now</dt><dd><a [^>]*>(\d+)<"
    assert re.findall(number, (await surfer.get("/admin")).text) == ["3"]
    await surfer.submit(path, f"{path}/undo")
    assert re.findall(number, (await surfer.get("/admin")).text) == ["0"]


async def test_the_history_of_a_user_names_who_did_it(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    await three_in_a_network(surfer)
    path = await plan(surfer, user="grace")
    await surfer.submit(path, f"{path}/apply", undo="0")
    page = await surfer.get("/admin/users/grace")
    assert "by ada" in page.text and "by user_" not in page.text


async def test_a_plan_that_was_applied_for_good_offers_no_undo(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    await three_in_a_network(surfer)
    path = await plan(surfer, ip=NETWORK)
    await surfer.submit(path, f"{path}/apply", undo="0")
    page = await surfer.get(path)
    assert "cannot be undone any more" in page.text and "/undo" not in page.text
    answer = await surfer.post(f"{path}/undo", {"csrf_token": token_of(page)})
    assert answer.status_code == 409 and "cannot be undone" in answer.text


async def test_the_administrators_own_session_is_never_part_of_a_plan(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    await three_in_a_network(surfer)
    path = await plan(surfer, status="live")
    await surfer.submit(path, f"{path}/apply")
    assert "3 sessions ended" in (await surfer.get(path)).text


async def test_a_plan_that_nobody_made_is_not_there(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    for plan_id in ("plan_" + "a" * 26, "plan", "sess_" + "a" * 26):
        assert (await surfer.get(f"/admin/plans/{plan_id}")).status_code == 404


async def test_a_leaked_token_is_looked_at_and_all_that_hangs_on_it_ends(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    leaked, *others = await three_in_a_network(surfer)
    by = await surfer.authority.verify(leaked.token, at())
    await surfer.authority.tokens.create(by=by, name="made with it")
    found = await surfer.submit("/admin/neutralise", credential=f"Cookie: __Host-session={leaked.token}")
    assert found.status_code == 200 and "its secret is right" in found.text and "made with it" in found.text
    assert leaked.token not in found.text and leaked.token.partition(".")[2] not in found.text
    assert await works(surfer, leaked)
    named = re.search(r'name="id" value="([^"]+)"', found.text)
    assert named is not None and named[1] == leaked.session.id
    done = await surfer.post("/admin/neutralise/apply", {"csrf_token": token_of(found), "id": named[1]})
    assert "1 session and 1 CLI token ended" in done.text
    assert not await works(surfer, leaked) and all([await works(surfer, one) for one in others])


@pytest.mark.parametrize("text", ["", "nonsense", "x" * 16_000, "<script>alert(1)</script>", "sess_" + "a" * 26])
async def test_what_is_no_credential_of_ours_is_said_and_never_repeated(surfer, text):
    await surfer.add_and_sign_in("ada", admin=True)
    answer = await surfer.submit("/admin/neutralise", credential=text)
    assert 400 <= answer.status_code < 500 and 'role="alert"' in answer.text
    assert not text or text not in answer.text


async def test_neutralising_ones_own_session_leads_out(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    own = surfer.cookies["__Host-session"].partition(".")[0]
    await surfer.submit("/admin/neutralise", "/admin/neutralise/apply", id=own)
    assert (await surfer.get("/admin")).status_code == 303


async def test_programs_that_remember_are_listed_with_how_far_they_are(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    assert "No program remembers sessions" in (await surfer.get("/admin/verifiers")).text
    admin = await surfer.authority.verify(surfer.cookies["__Host-session"], at())
    token = await surfer.authority.tokens.create(by=admin, name="shop", scopes=["feed:read"])
    answer = await surfer.client.get(
        "/api/v1/feed?hold=0&reader=shop-1&name=Shop", headers={"Authorization": f"Bearer {token.secret}"}
    )
    assert answer.status_code == 200
    page = (await surfer.get("/admin/verifiers")).text
    assert "Shop" in page and "shop-1" in page and "without news" in page


async def test_an_incident_is_walked_in_a_browser(visitors, site):
    root, grace = await site.user(admin=True), await site.user()
    stolen = [await site.sign_in(grace, at(f"192.0.2.{number}", CHROME)) for number in (1, 2)]
    visitor = await visitors()
    await visitor.sign_in(root)
    await visitor.goto("/admin/sessions")
    await visitor.page.get_by_label("Address or network").fill("192.0.2.0/24")
    await visitor.press("Search")
    await visitor.sees("2 sessions")
    await visitor.press("End all 2…")
    await visitor.sees("End 2 sessions?")
    await visitor.press("End these 2")
    await visitor.sees("2 sessions ended")
    assert not any(site.works(one) for one in stolen)
    await visitor.press("Undo: bring 2 sessions back")
    await visitor.sees("2 sessions brought back")
    assert all(site.works(one) for one in stolen)


@pytest.mark.parametrize(("label", "net"), [("newer stay", "198.18.1"), ("include what came since", "198.18.2")])
async def test_an_address_range_is_ended_while_sign_ins_go_on(visitors, site, label, net):
    """W1, acceptance: five more of the range sign in each second, faster than anybody reads; one press ends them."""
    root, grace = await site.user(admin=True), await site.user()
    first = [await site.sign_in(grace, at(f"{net}.{number}", CHROME)) for number in range(1, 14)]
    came, goes_on = [], True

    async def storm() -> None:
        while goes_on:
            came.append(await site.sign_in(grace, at(f"{net}.99", CHROME)))
            await asyncio.sleep(0.2)

    visitor = await visitors()
    await visitor.sign_in(root)
    await visitor.goto(f"/admin/sessions?ip={net}.0/24&status=live")
    await visitor.press("End all 13…")
    storming = asyncio.create_task(storm())
    try:
        await visitor.sees("End 13 sessions?")
        await asyncio.sleep(2)  # to read it
        await visitor.page.reload()
        before = list(came)
        await visitor.page.get_by_role("button", name=label).click()
        await visitor.page.get_by_role("heading", name="sessions ended").wait_for(timeout=30_000)
    finally:
        goes_on = False
        await storming
    assert not any(site.works(one) for one in first)
    assert len(before) >= 5 and {site.works(one) for one in before} == {label == "newer stay"}
    await visitor.goto("/admin/plans")
    await visitor.sees("Can be undone")
    assert "/apply" not in visitor.page.url


async def test_a_plan_of_another_person_is_no_members_business(surfer):
    await surfer.add_and_sign_in("ada", admin=True)
    await three_in_a_network(surfer)
    path = await plan(surfer, ip=NETWORK)
    await people.add_user(surfer.authority, "root", admin=True)
    await surfer.authority.accounts.set_roles("ada", ["member"], by=Caller.operator("tests"))
    assert (await surfer.get(path)).status_code == 404
