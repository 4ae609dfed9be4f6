"""What happens to a user is told to whoever listens: all of it, once, and to nobody else."""

from __future__ import annotations

import asyncio

import pytest

from ostiary.core.endings import Ended
from ostiary.core.event import Event
from ostiary.errors import Conflict, StoreUnavailable
from ostiary.feed import Listener, Notice
from ostiary.feed import feed as loop
from ostiary.feed.listening import MAXIMUM_LISTENERS, MAXIMUM_WAITING
from ostiary.storage import events
from tests.support import people

SOON = 5.0  # seconds: far more than a poll needs


@pytest.fixture
def feed(authority):
    return authority.feed


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
        await feed.fresh()
        await feed.fresh()
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


async def test_a_user_has_a_bounded_number_of_listeners(feed):
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


async def test_polling_stops_when_nobody_has_wanted_it_for_a_while(authority, feed, monkeypatch):
    async with feed.listen("user_a"):
        assert authority.tasks.is_running("feed")
        monkeypatch.setattr(loop, "KEEP_GOING", 0.0)
    async with asyncio.timeout(SOON):
        while authority.tasks.is_running("feed"):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    monkeypatch.undo()
    async with feed.listen("user_a"):
        assert authority.tasks.is_running("feed")


# Watching one session.


async def test_the_end_of_a_watched_session_is_told(authority, operator):
    await people.add_user(authority)
    one, other = await people.sign_in(authority), await people.sign_in(authority)
    watching = [asyncio.create_task(authority.feed.watch(started.session.id)) for started in (one, one, other)]
    await asyncio.sleep(0.05)
    await authority.administration.revoke(one.session.id, by=operator)
    for task in watching[:2]:
        ended = await asyncio.wait_for(task, SOON)
        assert (ended.session_id, ended.reason) == (one.session.id, "admin")
    await authority.feed.fresh()
    assert not watching[2].done()
    watching[2].cancel()


async def test_a_session_that_has_ended_is_told_at_once(authority, operator):
    await people.add_user(authority)
    started = await people.sign_in(authority)
    await authority.administration.revoke(started.session.id, by=operator)
    ended = await asyncio.wait_for(authority.feed.watch(started.session.id), SOON)
    assert isinstance(ended, Ended) and ended.user_id == started.session.user_id
    assert not authority.feed._audience.watched


async def test_another_node_is_told_too(authority, make_authority, operator):
    await people.add_user(authority)
    started = await people.sign_in(authority)
    async with make_authority() as node:
        watching = asyncio.create_task(node.feed.watch(started.session.id))
        await asyncio.sleep(0.05)
        await authority.administration.revoke(started.session.id, by=operator)
        assert (await asyncio.wait_for(watching, SOON)).session_id == started.session.id


async def test_a_watched_session_hears_that_the_process_ends(authority):
    await people.add_user(authority)
    started = await people.sign_in(authority)
    watching = asyncio.create_task(authority.feed.watch(started.session.id))
    await asyncio.sleep(0.05)
    authority.feed.hang_up()
    with pytest.raises(StoreUnavailable):
        await watching
