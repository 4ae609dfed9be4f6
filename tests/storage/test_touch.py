"""Use is recorded of what lives, and of nothing else: neither does it revive, nor does it change what was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ostiary.core.selector import Selector
from ostiary.storage import sessions, uses
from ostiary.storage.uses import Use
from tests.support.people import add_user, caller, sign_in


async def end_one(authority, operator, me) -> None:
    await authority.administration.revoke(me.session_id, by=operator)


async def end_by_plan(authority, operator, me) -> None:
    made = await authority.plans.make(Selector(user="ada"), by=operator)
    await authority.plans.apply(made.plan.id, by=operator)


async def disable(authority, operator, me) -> None:
    await authority.accounts.disable("ada", by=operator)


@pytest.mark.parametrize("end", [end_one, end_by_plan, disable])
async def test_use_is_not_written_to_what_was_ended(authority, operator, clock, end):
    await add_user(authority)
    started = await sign_in(authority)
    me = await caller(authority, started)
    await end(authority, operator, me)
    clock.advance(minutes=2)
    before = await row(authority, started.session.id)
    async with authority.database.transaction() as db:
        await uses.touch(db, {started.session.id: Use(clock(), "198.51.100.66", "late")}, authority.policy, clock())
        assert not await uses.record(db, started.session, Use(clock(), "198.51.100.66", "late"))
    assert await row(authority, started.session.id) == before


async def test_a_use_that_was_noted_before_an_ending_is_not_written_after_it(authority, operator, clock):
    await add_user(authority)
    started = await sign_in(authority)
    clock.advance(minutes=2)
    me = await caller(authority, started)  # noted, and not yet written
    await end_one(authority, operator, me)
    before = await row(authority, started.session.id)
    await authority.presence.flush()
    assert await row(authority, started.session.id) == before


async def test_use_is_not_written_to_what_was_idle_too_long(authority, clock):
    await add_user(authority)
    started = await sign_in(authority)
    policy = replace(authority.policy, idle_timeout=timedelta(minutes=30))
    clock.advance(minutes=31)
    async with authority.database.transaction() as db:
        await uses.touch(db, {started.session.id: Use(clock(), "198.51.100.66", "late")}, policy, clock())
    assert (await row(authority, started.session.id)).last_used_at == started.session.last_used_at


async def test_an_older_use_does_not_go_back(authority, clock):
    await add_user(authority)
    started = await sign_in(authority)
    async with authority.database.transaction() as db:
        await uses.touch(
            db,
            {started.session.id: Use(clock() - timedelta(hours=1), "198.51.100.66", "old")},
            authority.policy,
            clock(),
        )
    assert (await row(authority, started.session.id)).ip == started.session.ip


async def row(authority, session_id):
    async with authority.database.reading() as db:
        found = await sessions.find(db, session_id)
    assert found is not None
    return found
