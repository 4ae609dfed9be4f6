"""What happens to a user is told to whoever listens: all of it, once, and to nobody else."""

from __future__ import annotations

import asyncio

import pytest

from ostiary.core.event import Event
from ostiary.errors import Conflict
from ostiary.feed import MAXIMUM_LISTENERS, MAXIMUM_WAITING, OVERLAP, Feed, Listener, Notice
from ostiary.storage import events
from tests.support import people

SOON = 5.0  # seconds: far more than a poll needs


@pytest.fixture
async def feed(authority, clock):
    feed = Feed(authority.database, clock)
    yield feed
    await feed.close()


async def happen(authority, clock, user_id="user_a", kind="session.started") -> None:
    async with authority.database.transaction() as db:
        await events.add(db, [Event(clock(), kind, user_id=user_id)])


async def test_what_happens_is_told_once_to_each_who_listens(authority, clock, feed):
    await happen(authority, clock)
    async with feed.listen("user_a") as first, feed.listen("user_a") as second:
        await happen(authority, clock, kind="session.revoked")
        for listener in (first, second):
            heard = await listener.next(SOON)
            assert isinstance(heard, Event) and heard.kind == "session.revoked"
        await feed.poll()
        await feed.poll()
        assert await first.next(0.01) is None


async def test_nobody_hears_of_another_user(authority, clock, feed):
    async with feed.listen("user_a") as one, feed.listen("user_b") as other:
        await happen(authority, clock, "user_b")
        assert isinstance(await other.next(SOON), Event)
        assert await one.next(0.01) is None


async def test_acts_of_the_authority_are_heard(authority, feed):
    user = await people.add_user(authority)
    async with feed.listen(user.id) as listener:
        started = await people.sign_in(authority)
        heard = await listener.next(SOON)
        assert isinstance(heard, Event) and heard.session_id == started.session.id


async def test_an_event_that_commits_after_a_later_one_is_told(authority, clock, feed):
    if authority.database.is_sqlite:
        pytest.skip("SQLite has one writer: positions are given in the order of commits")
    async with feed.listen("user_a") as listener:
        async with authority.database.transaction() as slow:
            await events.add(slow, [Event(clock(), "session.revoked", user_id="user_a")])
            await happen(authority, clock, kind="session.started")
            first = await listener.next(SOON)
            await feed.poll()
        second = await listener.next(SOON)
    assert isinstance(first, Event) and isinstance(second, Event)
    assert (first.kind, second.kind) == ("session.started", "session.revoked")
    assert first.position is not None and second.position is not None and second.position < first.position


async def test_what_is_older_than_the_overlap_is_not_read_again(authority, clock, feed):
    async with feed.listen("user_a") as listener:
        await happen(authority, clock)
        assert isinstance(await listener.next(SOON), Event)
        clock.advance(seconds=OVERLAP.total_seconds() + 1)
        await happen(authority, clock, kind="session.revoked")
        heard = await listener.next(SOON)
        assert isinstance(heard, Event) and heard.kind == "session.revoked"
        assert len(feed._told) == 1


async def test_a_listener_who_is_far_behind_is_told_to_look_for_itself():
    listener = Listener()
    for _ in range(MAXIMUM_WAITING + 1):
        listener.tell(Notice.AWAY)
    assert await listener.next(0.01) is Notice.LOST
    assert await listener.next(0.01) is None


async def test_closing_reaches_listeners_who_are_behind_too():
    listener = Listener()
    for _ in range(MAXIMUM_WAITING):
        listener.tell(Notice.AWAY)
    listener.tell(Notice.CLOSED)
    listener.skip()
    assert await listener.next(0.01) is Notice.CLOSED


async def test_a_user_has_a_bounded_number_of_listeners(authority, clock, feed):
    async with asyncio.TaskGroup() as group:
        done = asyncio.Event()
        ready = asyncio.Semaphore(0)

        async def listen() -> None:
            async with feed.listen("user_a"):
                ready.release()
                await done.wait()

        for _ in range(MAXIMUM_LISTENERS):
            group.create_task(listen())
        for _ in range(MAXIMUM_LISTENERS):
            await ready.acquire()
        with pytest.raises(Conflict):
            async with feed.listen("user_a"):
                pass
        async with feed.listen("user_b"):
            pass
        done.set()


async def test_who_listens_hears_that_the_process_ends(feed):
    async with feed.listen("user_a") as listener:
        feed.hang_up()
        assert await listener.next(SOON) is Notice.CLOSED
    async with feed.listen("user_a") as late:
        assert await late.next(SOON) is Notice.CLOSED


async def test_polling_stops_when_nobody_listens(feed):
    async with feed.listen("user_a"):
        task = feed._task
        assert task is not None
    await asyncio.wait_for(task, SOON)
    assert feed._task is None
