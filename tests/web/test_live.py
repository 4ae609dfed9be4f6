"""An open page follows its sessions by itself, and is honest when it cannot."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ostiary.authority import Authority
from tests.support.people import CHROME, at
from tests.web.conftest import serve
from tests.web.visitors import HERE, Site, Visitors

AT_ONCE = 2_000  # milliseconds: the promise is under two seconds


async def own_session_id(visitor) -> str:
    return str(await visitor.page.locator("#sessions .row.current").get_attribute("id"))


async def following(visitor) -> None:
    """Wait until the page's stream is open, so that what follows is told and not found."""
    looked = "performance.getEntriesByType('resource').some(one => one.name.includes('/settings/sessions/list'))"
    for _ in range(100):  # not `wait_for_function`, which needs `eval`: the page's policy forbids it
        if await visitor.page.evaluate(looked):
            return
        await visitor.page.wait_for_timeout(50)
    raise AssertionError("the page does not follow its sessions")


async def test_the_list_changes_by_itself_when_a_session_starts_or_ends_elsewhere(visitors, site):
    user = await site.user()
    visitor = await visitors()
    await visitor.sign_in(user)
    await following(visitor)
    other = await site.sign_in(user, at("203.0.113.9", CHROME))
    await visitor.page.get_by_role("heading", name="Chrome on Windows").wait_for(timeout=AT_ONCE)
    status = visitor.page.locator("#heard")
    assert await status.inner_text() == "Your sessions changed: 2 live now."
    caller = await site.authority.verify(other.token, at())
    await site.authority.sessions.log_out(by=caller)
    await visitor.page.get_by_role("heading", name="Chrome on Windows").wait_for(state="detached", timeout=AT_ONCE)
    assert await status.inner_text() == "Your sessions changed: 1 live now."


@pytest.mark.parametrize("admin", [False, True])
async def test_a_page_whose_session_was_ended_elsewhere_says_why_in_under_two_seconds(visitors, site, admin):
    user = await site.user()
    visitor = await visitors()
    await visitor.sign_in(user)
    await following(visitor)
    session_id = await own_session_id(visitor)
    if admin:
        root = await site.user(admin=True)
        by = await site.authority.verify((await site.sign_in(root)).token, at())
        await site.authority.administration.revoke(session_id, by=by)
        words = "An administrator ended this session."
    else:
        by = await site.authority.verify((await site.sign_in(user)).token, at())
        await site.authority.sessions.revoke(session_id, by=by)
        words = "This session was ended from another of your sessions."
    ended = time.monotonic()
    await visitor.page.get_by_text(words).wait_for(timeout=AT_ONCE)
    print(f"own session ended -> sign-in page with the reason: {time.monotonic() - ended:.2f} s")
    assert visitor.page.url.startswith(f"{site.url}/sign-in?next=")
    await visitor.type_sign_in(user)
    await visitor.page.wait_for_url(f"**{HERE}")


async def test_what_a_person_has_open_stays_open_when_the_list_changes(visitors, site):
    user = await site.user()
    first = await site.sign_in(user, at("203.0.113.1"))
    visitor = await visitors()
    await visitor.sign_in(user)
    await following(visitor)
    await visitor.page.locator(f"#{first.session.id} summary").click()
    await site.sign_in(user, at("203.0.113.9", CHROME))
    await visitor.page.get_by_role("heading", name="Chrome on Windows").wait_for(timeout=AT_ONCE)
    assert await visitor.page.locator(f"#{first.session.id} details").get_attribute("open") is not None
    assert await visitor.page.evaluate("document.activeElement.tagName") == "SUMMARY"


async def test_an_act_of_a_session_that_has_ended_leads_to_the_sign_in_page(visitors, site):
    user = await site.user()
    visitor = await visitors(java_script_enabled=False)
    await visitor.sign_in(user)
    await visitor.follow("Password")
    other = await site.authority.verify((await site.sign_in(user)).token, at())
    await site.authority.sessions.revoke_all(by=other)
    await visitor.follow("Sessions")
    await visitor.sees("You signed out everywhere. Sign in to go on.")


async def test_what_an_open_page_asks_for_by_itself_does_not_keep_its_session_from_expiring(surfer, clock):
    await surfer.add_and_sign_in()
    by = await surfer.authority.verify(surfer.cookies["__Host-session"])
    assert by.session is not None

    async def last_used():
        await surfer.authority.presence.flush()
        return (await surfer.authority.sessions.find(by.session.id, by=by)).last_used_at

    began = await last_used()
    clock.advance(minutes=10)
    assert (await surfer.get("/settings/sessions/list")).status_code == 200
    assert await last_used() == began
    assert (await surfer.get(HERE)).status_code == 200
    assert await last_used() == clock()


async def test_an_expired_session_says_so(visitors, site):
    user = await site.user()
    visitor = await visitors()
    await visitor.sign_in(user)
    await move_last_use(site.authority, await own_session_id(visitor), site.authority.clock() - timedelta(days=61))
    await visitor.page.reload()
    await visitor.sees("Your session expired because it was not used for a while.")


async def move_last_use(authority: Authority, session_id: str, to) -> None:
    """Turn the row's clock: the server is a process of its own, with the real time."""
    from sqlalchemy import update

    from ostiary.storage.schema import sessions

    async with authority.database.transaction() as db:
        await db.execute(update(sessions).where(sessions.c.id == session_id).values(last_used_at=to))


@pytest.fixture
async def fragile(browser, tmp_path) -> AsyncIterator[tuple[Site, Visitors]]:
    """A site of this test's own, which it may stop."""
    async for site in serve(tmp_path):
        visitors = Visitors(browser, site, tmp_path)
        yield site, visitors
        await visitors.leave()


async def test_a_page_says_that_it_may_be_out_of_date_while_the_server_is_down_and_recovers(fragile):
    site, visitors = fragile
    user = await site.user()
    visitor = await visitors()
    await visitor.sign_in(user)
    await following(visitor)
    began = time.monotonic()
    site.server.stop()
    stopped = time.monotonic() - began
    assert stopped < 3, f"open streams held the server for {stopped:.1f} s"
    notice = visitor.page.get_by_text("This list may be out of date.")
    await notice.wait_for(timeout=6_000)
    await site.sign_in(user, at("203.0.113.9", CHROME))
    site.server.start()
    await visitor.page.get_by_role("heading", name="Chrome on Windows").wait_for(timeout=15_000)
    await notice.wait_for(state="hidden")


async def test_a_user_has_at_most_twenty_streams(site):
    import httpx2

    user = await site.user()
    started = await site.sign_in(user)
    url, cookie = f"{site.url}/settings/sessions/events", {"Cookie": f"__Host-session={started.token}"}
    async with httpx2.AsyncClient(limits=httpx2.Limits(max_connections=None), headers=cookie, timeout=10) as client:
        streams = [client.build_request("GET", url) for _ in range(20)]
        answers = [await client.send(one, stream=True) for one in streams]
        assert {answer.status_code for answer in answers} == {200}
        assert (await client.get(url)).status_code == 409
        for answer in answers:
            await answer.aclose()


async def test_a_stream_needs_somebody(site):
    status, headers, body = site.server.get("/settings/sessions/events")
    assert (status, body) == (401, "") and headers["cache-control"] == "no-store"
