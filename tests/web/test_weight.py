"""What a page costs, and what a user with five hundred sessions sees."""

from __future__ import annotations

import pytest

from tests.support.people import CHROME, FIREFOX, IPHONE, at
from tests.web.visitors import HERE

MOST_TRANSFERRED = 100_000  # bytes, of Settings → Sessions with an empty cache
SLOWEST = 1_000  # milliseconds until the first contentful paint
AGENTS = (CHROME, FIREFOX, IPHONE, "curl/8.5", None)


@pytest.fixture
async def crowd(site):
    """A user with 500 sessions of five kinds of device."""
    from ostiary.core.client import seen

    user = await site.user()
    for number in range(500):
        agent = AGENTS[number % len(AGENTS)]
        client = seen(f"203.0.113.{number % 250}", agent)
        await site.authority.sessions.start(user.id, client=client, amr=("pwd",))
    return user


async def transferred(visitor) -> int:
    """What came over the wire, by the browser's own account, headers included."""
    session = await visitor.context.new_cdp_session(visitor.page)
    await session.send("Network.enable")
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    await visitor.goto(HERE)
    await visitor.page.wait_for_load_state("load")
    await visitor.page.wait_for_timeout(500)
    await session.detach()
    return int(sum(sizes))


async def first_paint(visitor) -> float:
    """Milliseconds from the beginning of the navigation."""
    script = "performance.getEntriesByName('first-contentful-paint').map(one => one.startTime)[0] ?? null"
    for _ in range(40):
        found = await visitor.page.evaluate(script)
        if found is not None:
            return float(found)
        await visitor.page.wait_for_timeout(50)
    raise AssertionError("nothing was painted")


async def sign_in_and_forget_what_was_loaded(visitor, user) -> None:
    await visitor.sign_in(user)
    session = await visitor.context.new_cdp_session(visitor.page)
    await session.send("Network.clearBrowserCache")
    await session.detach()


async def test_the_sessions_page_is_light_and_quick(visitors, site):
    user = await site.user()
    for number in range(1, 4):
        await site.sign_in(user, at(f"203.0.113.{number}"))
    visitor = await visitors()
    await sign_in_and_forget_what_was_loaded(visitor, user)
    size = await transferred(visitor)
    paint = await first_paint(visitor)
    print(f"Settings → Sessions: {size} bytes transferred, first render after {paint:.0f} ms")
    assert 10_000 < size <= MOST_TRANSFERRED


async def test_five_hundred_sessions_are_grouped_by_device_and_paged(visitors, site, crowd):
    visitor = await visitors()
    await sign_in_and_forget_what_was_loaded(visitor, crowd)
    size = await transferred(visitor)
    paint = await first_paint(visitor)
    print(f"500 sessions: {size} bytes transferred, first render after {paint:.0f} ms")
    assert size <= MOST_TRANSFERRED
    text = await visitor.page.locator("#sessions").inner_text()
    assert "Other devices 500" in text and "100 sessions" in text
    assert await visitor.rows().count() == 1 + len(AGENTS)
    await visitor.follow("Show sessions of Chrome on Windows")
    await visitor.sees("Page 1 of 4")
    assert await visitor.rows().count() == 25
    await visitor.follow("Next")
    await visitor.sees("Page 2 of 4")
    await visitor.follow("All sessions")
    await visitor.follow("End 500 other sessions")
    await visitor.press("End 500 other sessions")
    await visitor.sees("500 other sessions ended.", within=15_000)
