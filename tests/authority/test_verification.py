"""Verification is batched, and never answered by a query that was sent before it began."""

from __future__ import annotations

import asyncio

import pytest

from ostiary.authority.batch import Batch
from ostiary.errors import SessionRevoked, StoreUnavailable
from tests.support.people import add_user, at, caller, sign_in


def count_reads(authority, monkeypatch) -> list[int]:
    sizes: list[int] = []
    batch = authority.verification._sessions
    original = batch._ask

    def counted(ids):
        sizes.append(len(ids))
        return original(ids)

    monkeypatch.setattr(batch, "_ask", counted)
    return sizes


async def test_200_concurrent_verifications_make_a_handful_of_statements(authority, monkeypatch):
    user = await add_user(authority)
    started = [await authority.sessions.start(user.id, client=at()) for _ in range(200)]
    await authority.verify(started[0].token)
    sizes = count_reads(authority, monkeypatch)
    who = await asyncio.gather(*(authority.verify(one.token) for one in started))
    assert [w.session.id for w in who] == [s.session.id for s in started]
    assert sum(sizes) == 200
    assert len(sizes) <= 5


async def test_a_verify_never_joins_a_query_that_was_already_sent(authority, monkeypatch):
    """The delayed query has read the row as live. A verify that begins after the revocation must not get its answer."""
    await add_user(authority)
    started = await sign_in(authority)
    me = await caller(authority, started)
    batch = authority.verification._sessions
    original = batch._ask
    sent, release = asyncio.Event(), asyncio.Event()

    async def delayed(ids):
        answer = original(ids)
        rows = await answer if asyncio.iscoroutine(answer) else answer
        if not sent.is_set():
            sent.set()
            await release.wait()
        return rows

    monkeypatch.setattr(batch, "_ask", delayed)
    early = asyncio.create_task(authority.verify(started.token))
    await sent.wait()
    await authority.sessions.log_out(by=me)
    late = asyncio.create_task(authority.verify(started.token))
    await asyncio.sleep(0.05)
    release.set()
    with pytest.raises(SessionRevoked):
        await late
    assert (await early).session.id == started.session.id  # it began before the revocation was acknowledged


async def test_questions_wait_for_a_lane_and_then_travel_together():
    asked: list[list[str]] = []
    gate = asyncio.Event()

    async def ask(ids):
        asked.append(list(ids))
        await gate.wait()
        return {key: key.upper() for key in ids}

    batch: Batch[str] = Batch(ask, lanes=1)
    first = batch.get("a")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [batch.get(key) for key in ("b", "c", "b")]
    gate.set()
    assert await asyncio.gather(first, *rest) == ["A", "B", "C", "B"]
    assert asked == [["a"], ["b", "c"]]


async def test_an_asker_who_leaves_takes_nobody_along():
    gate = asyncio.Event()

    async def ask(ids):
        await gate.wait()
        return dict.fromkeys(ids, 1)

    batch: Batch[int] = Batch(ask, lanes=1)
    leaver, stayer = batch.get("a"), batch.get("a")
    await asyncio.sleep(0)
    leaver.cancel()
    gate.set()
    assert await stayer == 1


async def test_a_failed_query_fails_its_askers_only():
    calls = 0

    async def ask(ids):
        nonlocal calls
        calls += 1
        if calls == 1:
            raise StoreUnavailable
        return dict.fromkeys(ids, 1)

    batch: Batch[int] = Batch(ask, lanes=2)
    with pytest.raises(StoreUnavailable):
        await batch.get("a")
    assert await batch.get("a") == 1
    assert await batch.get("b") == 1


async def test_a_very_large_burst_is_split_and_nobody_is_forgotten():
    async def ask(ids):
        await asyncio.sleep(0)
        assert len(ids) <= 512
        return {key: int(key) for key in ids}

    batch: Batch[int] = Batch(ask, lanes=2)
    assert await asyncio.gather(*(batch.get(str(n)) for n in range(3000))) == list(range(3000))


async def test_with_several_lanes_each_query_takes_half_so_that_nobody_waits_for_all():
    asked: list[int] = []
    gate = asyncio.Event()

    async def ask(ids):
        asked.append(len(ids))
        await gate.wait()
        return {key: int(key) for key in ids}

    batch: Batch[int] = Batch(ask, lanes=3)
    answers = [batch.get(str(number)) for number in range(100)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asked == [50, 25, 16]  # the last is no longer halved
    gate.set()
    assert await asyncio.gather(*answers) == list(range(100))
    assert asked == [50, 25, 16, 9]


async def test_with_one_lane_all_travel_together_as_nothing_else_could_be_under_way():
    asked: list[int] = []

    def ask(ids):
        asked.append(len(ids))
        return {key: int(key) for key in ids}

    batch: Batch[int] = Batch(ask, lanes=1)
    assert await asyncio.gather(*(batch.get(str(number)) for number in range(100))) == list(range(100))
    assert asked == [100]
