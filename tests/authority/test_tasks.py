"""What runs by itself survives, and one callback that raises harms nobody else."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from ostiary.authority import tasks as module
from ostiary.authority.batch import Batch
from ostiary.authority.tasks import Tasks
from ostiary.errors import StoreUnavailable
from tests.support.people import add_user, at, sign_in

PATIENCE = 20.0  # seconds
UNEXPECTED = [
    ValueError("what nobody expected"),
    StoreUnavailable(),
    KeyError("x"),
    asyncio.CancelledError(),
    OSError(),
]


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.005)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(module, "BACK_OFF", (0.0,))


@pytest.mark.parametrize("why", UNEXPECTED, ids=lambda why: type(why).__name__)
async def test_a_task_goes_on_whatever_its_step_raises_and_says_that_it_fails(impatient, why):
    tasks, heard = Tasks(), []
    tasks.changed += [_broken, lambda name, failures: heard.append((name, failures))]
    taken = itertools.count(1)

    async def step() -> None:
        if next(taken) <= 3:
            raise why
        await asyncio.sleep(0.001)

    tasks.begin("one", step)
    await until(lambda: len(heard) == 4)
    assert heard == [("one", 1), ("one", 2), ("one", 3), ("one", 0)]
    assert tasks.is_running("one") and not tasks.failing
    await tasks.stop("one")
    assert not tasks.is_running("one")


def _broken(*_: object) -> None:
    raise ValueError("a callback that raises")


@pytest.mark.parametrize("name", ["presence", "upkeep", "verifiers", "lag", "feed"])
async def test_each_task_of_a_node_goes_on_after_an_error_that_nobody_expected(
    make_authority, impatient, name, monkeypatch
):
    """Everything that it can do is broken for a while."""
    monkeypatch.setattr("ostiary.authority.presence.FLUSH_EVERY", 0.0)
    monkeypatch.setattr("ostiary.authority.upkeep.OFTEN", 0.0)
    async with make_authority() as node:
        node.verifiers.begin()
        node.upkeep.begin()
        node.verifiers._due.set()
        node.verifiers._measuring.committed([("sess_x", node.clock())], node.clock())
        opened = node.database.transaction, node.database.reading
        node.database.transaction = node.database.reading = _broken
        node.lags.note(1.0)
        node.presence._sessions["sess_x"] = None
        node.feed._wanted_at = asyncio.get_running_loop().time()
        node.feed._ensure_running()
        await until(lambda: node.tasks.failing.get(name, 0) > 1)
        node.database.transaction, node.database.reading = opened
        node.presence._sessions.clear()
        await until(lambda: name not in node.tasks.failing)
        assert node.tasks.is_running(name)


async def test_closing_goes_through_all_of_it_whatever_each_part_raises(make_authority):
    node = make_authority()
    await node.__aenter__()
    parts = [node.verifiers, node.upkeep, node.feed, node.presence, node._reader, node.database]
    called = []

    def breaking(part, name):
        async def end() -> None:
            called.append(part)
            await real()
            raise ValueError(f"{name} cannot end")

        real = getattr(part, name)
        setattr(part, name, end)

    for part in parts:
        breaking(part, "stop" if hasattr(part, "stop") else "close")
    await node.close()
    assert called == parts


async def test_an_observer_that_raises_keeps_nothing_from_the_others(authority, operator):
    await add_user(authority)
    heard: dict[str, int] = {}

    def noting(where):
        return lambda *_: heard.update({where: heard.get(where, 0) + 1})

    observed = {
        "listeners": authority.database.listeners, "woken": authority.feed.woken, "polled": authority.feed.polled,
        "ended_here": authority.feed.ended_here, "measured": authority.verifiers.measured,
    }  # fmt: skip
    for where, callbacks in observed.items():
        callbacks.insert(0, _broken)
        callbacks.append(noting(where))
    authority.verifiers.begin()
    started = await sign_in(authority)
    watching = asyncio.create_task(authority.feed.watch(started.session.id))
    await authority.feed.fresh()
    await authority.administration.revoke(started.session.id, by=operator)
    assert (await asyncio.wait_for(watching, PATIENCE)).session_id == started.session.id
    await until(lambda: heard.keys() == observed.keys())


@pytest.mark.parametrize("how", ["answered", "failed"])
async def test_a_callback_that_raises_leaves_nobody_else_of_its_batch_waiting(how):
    async def ask(keys):
        if how == "failed":
            raise StoreUnavailable
        return dict.fromkeys(keys, "row")

    for reading in (ask, lambda keys: dict.fromkeys(keys, "row")):
        batch: Batch[str] = Batch(reading, 1)
        told: list[object] = []

        def hear(row: object, error: object, told: list[object] = told) -> None:
            told.append(row or error)

        for key in ("a", "a", "b", "c"):
            batch.ask(key, _broken)
            batch.ask(key, hear)
        answer = batch.get("c")
        await asyncio.wait_for(asyncio.wait([answer]), PATIENCE)
        await until(lambda told=told: len(told) == 4)
        answer.exception()


async def test_the_clean_connection_of_a_reader_after_a_row_that_cannot_be_read(authority, operator):
    """It saw one old moment from then on, and accepted what had ended."""
    await add_user(authority)
    broken, good = await sign_in(authority), await sign_in(authority)
    caller = await authority.verify(good.token, at())
    date = "'not a date'" if authority.database.is_sqlite else "'infinity'"
    async with authority.database.transaction() as db:
        await db.exec_driver_sql(f"UPDATE sessions SET last_used_at = {date} WHERE id = '{broken.session.id}'")
    with pytest.raises(Exception, match=r"."):  # whatever the driver or the decoder says
        await authority.sessions.list_live(by=caller)
    await authority.administration.revoke(good.session.id, by=operator)
    with pytest.raises(Exception, match="ended"):
        await authority.verify(good.token, at())
