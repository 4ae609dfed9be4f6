"""Nodes whose clocks differ, on one database: what one of them ends, no other accepts, whatever the hour there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from ostiary.authority import Authority
from ostiary.core.oauth.client import Registration
from ostiary.core.selector import Selector
from ostiary.errors import OstiaryError, ReauthenticationRequired
from ostiary.storage import accounts, sessions, store_time
from ostiary.storage.cli_tokens import find_any
from ostiary.storage.schema import refusals
from tests.oauth.conftest import KEY
from tests.support.people import add_user, at, caller, sign_in

OFFSETS = {"61 minutes": timedelta(minutes=61), "100 days": timedelta(days=100)}


@dataclass
class Off:
    """A clock that is wrong by some span."""

    clock: Callable[[], datetime]
    by: timedelta

    def __call__(self) -> datetime:
        return self.clock() + self.by


@pytest.fixture(params=["acting ahead", "acting behind", "accepting ahead", "accepting behind"])
def clocks(request, clock):
    """Of who acts, and of who accepts; for each span."""
    who, where = request.param.split()
    sign = 1 if where == "ahead" else -1
    return lambda span: (Off(clock, sign * span), clock) if who == "acting" else (clock, Off(clock, sign * span))


async def log_out(acting, operator, _):
    await acting.administration.log_out("ada", by=operator)


async def disable(acting, operator, _):
    await acting.accounts.disable("ada", by=operator)


async def delete(acting, operator, _):
    await acting.accounts.delete("ada", by=operator)


async def set_password(acting, operator, _):
    await acting.accounts.set_password("ada", "another long password", by=operator)


async def erase(acting, operator, _):
    await acting.privacy.erase("ada", by=operator)


async def revoke_all(acting, _, __):
    await acting.sessions.revoke_all(by=await caller(acting, await sign_in(acting)), tokens=True)


async def revoke_others(acting, _, __):
    await acting.sessions.revoke_others(by=await caller(acting, await sign_in(acting)))


async def disown(acting, _, token):
    await acting.sessions.disown(token.split(".")[0], by=await caller(acting, await sign_in(acting)))


async def revoke(acting, operator, token):
    await acting.administration.revoke(token.split(".")[0], by=operator)


async def neutralise(acting, operator, token):
    await acting.neutralising.apply(token, by=operator)


async def plan(acting, operator, _):
    made = await acting.plans.make(Selector(user="ada"), by=operator)
    await acting.plans.apply(made.plan.id, by=operator)


ENDINGS = [log_out, disable, delete, set_password, erase, revoke_all, revoke_others, disown, revoke, neutralise, plan]
ALSO_TOKENS = [disable, delete, erase, revoke_all]


async def accepts(node: Authority, credential: str) -> bool:
    try:
        await node.verify(credential)
    except OstiaryError:
        return False
    return True


@pytest.mark.parametrize("end", ENDINGS)
async def test_what_one_node_ends_no_other_accepts_whatever_its_clock_says(settings, clocks, operator, end):
    for span in OFFSETS.values():
        acting_clock, accepting_clock = clocks(span)
        async with (
            Authority(settings, clock=acting_clock) as acting,
            Authority(settings, clock=accepting_clock) as accepting,
        ):
            user = await add_user(accepting)
            started = await accepting.sessions.start(user.id, client=at(), lifetime=timedelta(hours=1))
            assert await accepts(accepting, started.token)
            made = await accepting.tokens.create(by=await caller(accepting, started), expires_in=timedelta(hours=1))
            await end(acting, operator, started.token)
            assert not await accepts(accepting, started.token)
            if end in (*ALSO_TOKENS, neutralise):
                assert not await accepts(accepting, made.secret)
            async with accepting.database.transaction() as db:
                await accounts.remove(db, user.id)


@pytest.mark.parametrize("span", [timedelta(days=2), timedelta(days=-2)], ids=["ahead", "behind"])
async def test_what_a_wrong_clock_can_do_ends_with_it(settings, clock, span):
    """The table of docs/concepts/clocks.md. Each pair is what the right node says, and the wrong one."""
    off, is_behind = Off(clock, span), span < timedelta(0)
    async with Authority(settings, clock=clock) as right, Authority(settings, clock=off) as wrong:

        async def both(ask):
            return await ask(right), await ask(wrong)

        code = str(await right.setup.make_code())
        assert await both(lambda node: node.setup.is_open(code)) == (True, is_behind)
        clock.advance(hours=24)
        assert await both(lambda node: node.setup.is_open(code)) == (False, is_behind)

        user, lifetime = await add_user(right), timedelta(days=4)
        longer = await wrong.sessions.start(user.id, client=at(), lifetime=lifetime)
        assert longer.session.expires_at == clock() + span + lifetime
        started = await right.sessions.start(user.id, client=at(), lifetime=lifetime, amr=("pwd",))
        me = await caller(right, started)

        async def is_fresh(node):
            try:
                await node.tokens.create(by=me)
            except ReauthenticationRequired:
                return False
            return True

        assert await both(is_fresh) == (True, is_behind)
        clock.advance(minutes=15, seconds=1)
        assert await both(is_fresh) == (False, is_behind)
        clock.advance(days=3)
        assert await both(lambda node: accepts(node, started.token)) == (True, is_behind)
        clock.advance(days=1)
        assert await both(lambda node: accepts(node, started.token)) == (False, is_behind)
        off.by = timedelta(0)
        assert await both(lambda node: accepts(node, started.token)) == await both(is_fresh) == (False, False)
        assert await both(lambda node: accepts(node, longer.token)) == (not is_behind, not is_behind)


async def test_a_client_that_is_removed_holds_nothing_anywhere(settings, clocks, operator):
    acting_clock, accepting_clock = clocks(timedelta(minutes=61))
    ours = replace(settings, key=KEY, public_url="https://sessions.example")
    async with Authority(ours, clock=acting_clock) as acting, Authority(ours, clock=accepting_clock) as accepting:
        user = await add_user(accepting)
        client = (await accepting.oauth.clients.add(Registration("Night job"), by=operator)).client
        started = await accepting.sessions.start(
            user.id, client=at(), kind="oauth", client_id=client.id, lifetime=timedelta(hours=1)
        )
        await acting.oauth.clients.remove(client.id, by=operator)
        assert not await accepts(accepting, started.token)


async def test_the_count_that_people_are_told_is_of_what_lived(authority, operator, clock):
    user = await add_user(authority)
    for _ in range(3):
        await authority.sessions.start(user.id, client=at(), lifetime=timedelta(hours=1))
    clock.advance(hours=2)
    await sign_in(authority)
    assert (await authority.accounts.disable("ada", by=operator)).count == 1


async def test_a_plan_counts_and_undoes_what_lived_and_ends_what_had_expired_for_good(authority, operator, clock):
    user = await add_user(authority)
    old = await authority.sessions.start(user.id, client=at(), lifetime=timedelta(hours=1))
    clock.advance(hours=2)
    new = await sign_in(authority)
    made = await authority.plans.make(Selector(user="ada"), by=operator)
    applied = await authority.plans.apply(made.plan.id, by=operator)
    assert (made.plan.count, applied.ended) == (1, 1)
    await authority.plans.undo(made.plan.id, by=operator)
    assert await accepts(authority, new.token)
    async with authority.database.reading() as db:
        row = await sessions.find(db, old.session.id)
    assert row is not None and row.revoked is not None and row.revoked.suspended_until is None


async def test_a_token_that_had_expired_is_revoked_with_all_others(authority, operator, clock):
    await add_user(authority)
    me = await caller(authority, await sign_in(authority))
    made = await authority.tokens.create(by=me, expires_in=timedelta(hours=1))
    clock.advance(hours=2)
    await authority.accounts.disable("ada", by=operator)
    async with authority.database.reading() as db:
        found = await find_any(db, made.token.id)
    assert found is not None and found[0].revoked_at is not None


# What all nodes forget goes by the store's clock. The difference that is measured is turned, as a test cannot turn the
# clock of PostgreSQL.


@pytest.fixture
def ahead(monkeypatch):
    """This machine's clock is ahead of the store's by so much, and so is the authority's."""

    def turn(clock, span: timedelta) -> None:
        async def measured(_) -> timedelta:
            return span

        monkeypatch.setattr(store_time, "ahead", measured)
        clock.now += span

    return turn


async def test_a_node_that_is_ahead_purges_nothing_that_lives(authority, operator, clock, ahead):
    await add_user(authority)
    started = await sign_in(authority)
    ahead(clock, timedelta(days=400))
    gone = await authority.retention.purge(by=operator)
    assert (gone.sessions, gone.events, gone.forgotten) == (0, 0, 0)
    clock.now -= timedelta(days=400)
    assert await accepts(authority, started.token)


async def test_a_node_that_is_ahead_forgets_no_failure_that_others_count(authority, clock, ahead):
    await add_user(authority)
    for _ in range(3):
        with pytest.raises(OstiaryError):
            await authority.sign_in.with_password("ada", "wrong", client=at())
    counted = await _failures(authority)
    ahead(clock, timedelta(minutes=61))
    with pytest.raises(OstiaryError):
        await authority.sign_in.with_password("ada", "wrong", client=at())
    assert await _failures(authority) == counted + 1


async def test_a_node_that_is_ahead_makes_nothing_final_that_can_still_be_undone(authority, operator, clock, ahead):
    started = await authority.sessions.start("app|1", client=at())
    made = await authority.plans.make(Selector(user="app|1"), by=operator)
    await authority.plans.apply(made.plan.id, by=operator, undo_for=timedelta(hours=1))
    ahead(clock, timedelta(minutes=61))
    assert await authority.settling.settle() == 0
    assert (await authority.plans.undo(made.plan.id, by=operator)).restored == 1
    assert await authority.verify(started.token, at())


async def test_a_use_by_a_node_that_is_ahead_is_written_down_by_the_stores_clock(authority, clock, ahead):
    await add_user(authority)
    started = await sign_in(authority)
    clock.advance(minutes=5)
    true = clock()
    ahead(clock, timedelta(days=10))
    await authority.verify(started.token, at())
    await authority.presence.flush()
    async with authority.database.reading() as db:
        row = await sessions.find(db, started.session.id)
    assert row is not None and row.last_used_at == true


async def _failures(authority) -> int:
    async with authority.database.reading() as db:
        return int((await db.execute(select(func.count()).select_from(refusals))).scalar_one())


async def test_a_slow_answer_of_the_store_is_no_wrong_clock(authority):
    async with authority.database.reading() as db:
        assert abs(await store_time.ahead(db)) < timedelta(seconds=2)


async def test_a_difference_is_told_once_while_it_lasts(authority, clock, ahead, caplog):
    told: list[float] = []
    authority.clocks.measured.append(told.append)
    await authority.clocks.measure()
    ahead(clock, timedelta(minutes=61))
    for _ in range(3):
        await authority.clocks.measure()
    assert told[1:] == [3660.0] * 3
