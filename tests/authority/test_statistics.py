"""Numbers for administrators."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ostiary.authority.statistics import SPANS, largest
from ostiary.core.caller import Caller
from ostiary.core.client import seen
from ostiary.errors import NotAllowed, StoreUnavailable, WrongCredentials
from ostiary.storage import lags as stored
from tests.support.people import CHROME, IPHONE, add_user, at, caller, sign_in


async def test_totals_count_what_is_live_and_what_happened_in_a_day(authority, clock, operator):
    await add_user(authority)
    await add_user(authority, "grace")
    old = await sign_in(authority)
    await authority.administration.revoke(old.session.id, by=operator)
    clock.advance(days=2)
    await sign_in(authority)
    await sign_in(authority)
    await sign_in(authority, "grace")
    gone = await sign_in(authority, "grace")
    await authority.administration.revoke(gone.session.id, by=operator)
    with pytest.raises(WrongCredentials):
        await authority.sign_in.with_password("grace", "wrong password", client=at())
    found = await authority.statistics.totals(by=operator)
    assert (found.sessions, found.users) == (3, 2)
    assert (found.started, found.ended, found.refused) == (4, 1, 1)


@pytest.mark.parametrize("span", SPANS)
async def test_each_step_counts_what_happened_in_it(authority, clock, operator, span):
    await add_user(authority)
    empty = await authority.statistics.over_time(span, by=operator)
    assert len(empty.begins) >= 48 and not any(empty.started) and empty.ended == {}
    assert empty.begins[-1] <= clock() < empty.begins[-1] + empty.step
    first = await sign_in(authority)
    clock.advance(seconds=empty.step.total_seconds())
    second = await sign_in(authority)
    await authority.administration.revoke(first.session.id, by=operator)
    await authority.sessions.log_out(by=await caller(authority, second))
    found = await authority.statistics.over_time(span, by=operator)
    assert list(found.started[-2:]) == [1, 1] and sum(found.started) == 2
    assert {reason: (sum(line), line[-1]) for reason, line in found.ended.items()} == {
        "admin": (1, 1),
        "logout": (1, 1),
    }
    clock.advance(seconds=empty.step.total_seconds() * (len(empty.begins) + 1))
    assert not any((await authority.statistics.over_time(span, by=operator)).started)


async def test_measured_lags_of_all_nodes_come_together(authority, make_authority, clock, operator):
    async with make_authority() as node:
        for seconds, where in ((0.02, authority), (0.04, authority), (0.3, node)):
            for note in where.verifiers.measured:  # as measuring does, once an ending is refused everywhere
                note(seconds)
        await authority.lags.write()
        await node.lags.write()
        await node.lags.write()  # nothing is counted twice
    for span in SPANS:
        found = await authority.statistics.over_time(span, by=operator)
        assert (found.slowest_lag[-1], round(found.mean_lag[-1], 3)) == (0.3, 0.12)
        assert not any(found.slowest_lag[:-1])
    clock.advance(days=32)
    await authority.retention.purge(by=operator)
    async with authority.database.reading() as db:
        assert await stored.since(db, clock() - timedelta(days=100)) == []


async def test_lags_that_cannot_be_written_wait(authority, monkeypatch, operator):
    authority.lags.note(0.5)

    async def away(*_):
        raise StoreUnavailable

    with monkeypatch.context() as broken, pytest.raises(StoreUnavailable):
        broken.setattr(stored, "add", away)
        await authority.lags.write()
    authority.lags.note(0.1)
    await authority.lags.write()
    found = await authority.statistics.over_time("day", by=operator)
    assert (found.slowest_lag[-1], round(found.mean_lag[-1], 3)) == (0.5, 0.3)


async def test_live_sessions_are_counted_by_what_they_are_of(authority, operator):
    user = await add_user(authority)
    for agent, ip, application in (
        (CHROME, "203.0.113.1", "shop"),
        (CHROME, "203.0.113.1", None),
        (IPHONE, None, "wiki"),
    ):
        await authority.sessions.start(user.id, client=seen(ip, agent), application_id=application)
    gone = await authority.sessions.start(user.id, client=seen("203.0.113.2", CHROME), application_id="shop")
    await authority.administration.revoke(gone.session.id, by=operator)
    assert await authority.statistics.by_application(by=operator) == [("shop", 1), ("wiki", 1)]
    assert await authority.statistics.by_client(by=operator) == [("Chrome on Windows", 2), ("Mobile Safari on iOS", 1)]
    assert await authority.statistics.by_address(by=operator) == [("203.0.113.1", 2)]


async def test_the_numbers_are_an_administrators(authority):
    await add_user(authority)
    by: Caller = await caller(authority, await sign_in(authority))
    statistics = authority.statistics
    for asked in (
        statistics.totals(by=by),
        statistics.over_time("day", by=by),
        statistics.by_application(by=by),
        statistics.by_client(by=by),
        statistics.by_address(by=by),
        authority.tokens.list_of(by.user.id, by=by),
    ):
        with pytest.raises(NotAllowed):
            await asked


def test_counts_of_one_name_are_put_together():
    assert largest([("b", 1), ("a", 2), ("b", 3), ("c", 2)], 2) == [("b", 4), ("a", 2)]
