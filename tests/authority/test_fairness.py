"""What many ask for at once is bounded, and leaves others their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy import insert

from ostiary.authority.measuring import LOOK_EVERY
from ostiary.core.policy import PRESETS
from ostiary.core.selector import parse
from ostiary.feed import commits
from ostiary.storage.reader import open_reader
from ostiary.storage.schema import sessions
from tests.support.people import add_user, at, sign_in

on_postgres = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@on_postgres
async def test_any_number_of_plans_at_once_are_made_and_nobody_waits_for_them(authority, operator):
    """Each held a connection while it asked for another one: with eight, none was left for any of them."""
    await add_user(authority)
    started = await sign_in(authority)
    making = [asyncio.create_task(authority.plans.make(parse({"user": "ada"}), by=operator)) for _ in range(24)]
    await asyncio.sleep(0)
    async with asyncio.timeout(15):
        await authority.sessions.start("user_x", client=at())
        plans = await asyncio.gather(*making)
    assert {one.plan.count for one in plans} == {1}
    assert (await authority.verify(started.token, at())).session_id == started.session.id


async def test_many_who_wait_for_an_ending_share_their_looks(authority, operator, clock):
    await add_user(authority)
    started = await sign_in(authority)
    await authority.administration.revoke(started.session.id, by=operator)
    late = _late(clock())
    authority.verifiers._measuring._rows = late  # a verifier that never hears of it
    waiting = [authority.verifiers.lag(started.session.id, by=operator, wait=0.5, anybodys=True) for _ in range(40)]
    began = time.monotonic()
    lags = await asyncio.gather(*waiting)
    assert not any(lag.is_everywhere for lag in lags)
    # As many as two would cost who come and go one after the other; each by itself, they were 640.
    assert late.looks <= 2 * (time.monotonic() - began) / LOOK_EVERY


class _late:  # noqa: N801 - used as a function
    def __init__(self, now) -> None:
        from ostiary.core.verifier import Verifier

        long = now + timedelta(days=1)
        before = now - timedelta(days=1)
        self.looks = 0
        self.found = [Verifier("a", "o", "r", None, None, before, None, long, now, now, 5.0)], now

    async def __call__(self):
        self.looks += 1
        return self.found


def test_what_is_remembered_of_endings_is_as_much_as_is_said(clock, monkeypatch):
    from ostiary.core.endings import Ended
    from ostiary.feed.reading import Poll

    monkeypatch.setattr(commits, "MAXIMUM_REMEMBERED", 100)
    known = commits.Commits()
    ids = [f"sess_{number}" for number in range(130)]
    for one in ids:
        entry = Ended(one, "user", None, clock())
        known.note(Poll(clock(), clock(), 0, [entry], ()), [])
        kept = list(known._ended_by)
        assert kept == ids[: ids.index(one) + 1][-100:]


HEAVY = 1000  # sessions of each user


@on_sqlite
async def test_long_lists_leave_others_their_turn(authority, clock):
    now = clock()
    started = await authority.sessions.start("user_0", client=at())
    async with authority.database.reading() as db:
        row = dict((await db.execute(sessions.select())).mappings().one())
    async with authority.database.transaction() as db:
        for user in range(16):
            rows = [row | {"id": f"sess_{user}_{number}", "user_id": f"user_{user}"} for number in range(HEAVY - 1)]
            await db.execute(insert(sessions), rows)
    reader = open_reader(authority.database)
    steps = []

    async def others() -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            steps.append(time.thread_time() - began)

    meanwhile = asyncio.create_task(others())
    await asyncio.sleep(0)
    began = time.thread_time()
    found = reader.lists([f"user_{user}" for user in range(16)], PRESETS["default"], now, 2000)
    assert not isinstance(found, Mapping)
    first = time.thread_time() - began
    lists = await found
    whole = time.thread_time() - began
    meanwhile.cancel()
    await reader.close()
    assert [len(one) for one in lists.values()] == [HEAVY, *[HEAVY - 1] * 15]
    assert len(steps) >= 15  # a turn for others after each of the long ones
    # One turn may have the garbage collector in it, which has nothing to do with the lists.
    assert sorted([first, *steps])[-2] < whole / 4
    assert started.session.id in {one.session.id for one in lists["user_0"]}
