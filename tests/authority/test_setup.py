"""The first administrator's link, and retention."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from ostiary.errors import InvalidRequest, NotAllowed, SetupCodeNotFound
from tests.support.people import PASSWORD, add_user, at, caller, sign_in


async def test_the_link_makes_one_administrator_and_is_gone(authority):
    code = await authority.setup.make_code()
    assert await authority.setup.is_open(code)
    user = await authority.setup.complete(code, "root", PASSWORD, client=at())
    assert "admin" in user.roles
    assert not await authority.setup.is_open(code)
    with pytest.raises(SetupCodeNotFound):
        await authority.setup.complete(code, "second", PASSWORD, client=at())
    assert await authority.setup.make_code() is None
    assert await sign_in(authority, "root")


async def test_of_two_who_use_the_link_at_once_one_becomes_administrator(authority, operator):
    code = await authority.setup.make_code()
    tries = [authority.setup.complete(code, f"root{n}", PASSWORD, client=at()) for n in range(3)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(1 for one in done if isinstance(one, SetupCodeNotFound)) == 2
    assert len((await authority.accounts.list(by=operator))[0]) == 1


async def test_a_link_expires_and_a_newer_one_replaces_it(authority, clock):
    old = await authority.setup.make_code()
    new = await authority.setup.make_code()
    assert not await authority.setup.is_open(old)
    assert await authority.setup.is_open(new)
    clock.advance(hours=24)
    assert not await authority.setup.is_open(new)


async def test_a_link_is_of_no_use_once_there_is_an_account(authority):
    code = await authority.setup.make_code()
    await add_user(authority)
    with pytest.raises(SetupCodeNotFound):
        await authority.setup.complete(code, "root", PASSWORD, client=at())


async def test_a_name_that_cannot_be_leaves_the_link_working(authority):
    code = await authority.setup.make_code()
    with pytest.raises(InvalidRequest):
        await authority.setup.complete(code, "", PASSWORD, client=at())
    assert await authority.setup.complete(code, "root", PASSWORD, client=at())


@pytest.mark.parametrize("code", ["", "setup_" + "a" * 26 + "." + "A" * 43, "x" * 5000])
async def test_a_guessed_code_opens_nothing(authority, code):
    await authority.setup.make_code()
    assert not await authority.setup.is_open(code)


async def test_purging_removes_what_is_past_retention_and_nothing_that_lives(authority, clock, operator):
    await add_user(authority)
    gone = await sign_in(authority)
    await authority.sessions.log_out(by=await caller(authority, gone))
    clock.advance(days=40)
    lives = await sign_in(authority)
    clock.advance(days=51)
    assert (await authority.retention.purge(by=operator)).sessions == 1
    assert await authority.verify((await authority.sessions.renew(lives.token, client=at())).token)
    left = (await authority.administration.search(by=operator)).sessions
    assert [session.id for session in left] == [lives.session.id]
    with pytest.raises(InvalidRequest):
        await authority.retention.purge(by=operator, older_than=timedelta(0))
    with pytest.raises(NotAllowed):
        await authority.retention.purge(by=await caller(authority, await sign_in(authority)))
