"""Plans: exactly the pinned sessions are ended, once each, and can be brought back for a while."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import timedelta
from typing import get_args

import pytest

from ostiary.authority import plans as plans_module
from ostiary.core.caller import Caller
from ostiary.core.duration import parse_duration
from ostiary.core.plan import Newer
from ostiary.core.selector import Selector, parse
from ostiary.core.token import new_id
from ostiary.errors import (
    Conflict,
    InvalidRequest,
    NotAllowed,
    PlanNotFound,
    PlanStale,
    SessionRevoked,
    StoreUnavailable,
    UserNotFound,
)
from ostiary.storage import events
from ostiary.storage import plans as stored
from tests.support.people import IPHONE, add_user, at, caller, sign_in

EVERYBODY = Selector()


async def crowd(authority, number=7, user="app|{}"):
    return [await authority.sessions.start(user.format(i % 3), client=at(f"203.0.113.{i}")) for i in range(number)]


async def is_live(authority, started) -> bool:
    try:
        await authority.verify(started.token)
    except SessionRevoked as why:
        assert why.fields["reason"] in ("bulk", "user", "user_all", "admin", "account_disabled")
        return False
    return True


async def trail(authority, kind):
    async with authority.database.reading() as db:
        return [e for e in await events.list_newest(db, limit=1000) if e.kind == kind]


async def test_exactly_the_pinned_sessions_are_ended_once_each(authority, operator):
    chosen, other = await crowd(authority), await authority.sessions.start("app|9", client=at("198.51.100.1"))
    made = await authority.plans.make(parse({"ip": "203.0.113.0/24"}), by=operator)
    assert (made.plan.count, made.plan.users, len(made.sample), made.plan.state) == (7, 3, 7, "planned")
    assert all([await is_live(authority, one) for one in chosen])
    done = await authority.plans.apply(made.plan.id, by=operator)
    assert (done.ended, done.state) == (7, "applied")
    again = await authority.plans.apply(made.plan.id, by=operator)
    assert again == done
    assert not any([await is_live(authority, one) for one in chosen])
    assert await is_live(authority, other)
    told = await trail(authority, "session.suspended")
    assert sorted(e.session_id for e in told) == sorted(one.session.id for one in chosen)
    assert {(e.reason, e.detail["plan_id"], e.by) for e in told} == {("bulk", made.plan.id, operator.name)}


async def test_what_ended_otherwise_is_not_counted_and_keeps_its_reason(authority, operator):
    first, *_ = await crowd(authority)
    made = await authority.plans.make(EVERYBODY, by=operator)
    await authority.administration.revoke(first.session.id, by=operator)
    assert (await authority.plans.apply(made.plan.id, by=operator)).ended == 6
    assert (await authority.sessions.find(first.session.id, by=operator)).revoked.reason == "admin"


async def test_a_sign_in_after_the_plan_makes_it_stale_and_is_never_ended(authority, operator):
    await crowd(authority)
    made = await authority.plans.make(EVERYBODY, by=operator)
    new = await authority.sessions.start("app|1", client=at())
    with pytest.raises(PlanStale) as refused:
        await authority.plans.apply(made.plan.id, by=operator)
    assert refused.value.fields == {"added": 1, "tolerance": 0}
    assert (await authority.plans.find(made.plan.id, by=operator)).ended == 0
    assert (await authority.plans.apply(made.plan.id, by=operator, tolerance=1)).ended == 7
    assert await is_live(authority, new)


@pytest.mark.parametrize("newer", get_args(Newer))
async def test_however_many_came_since_are_left_or_included_as_was_said(authority, operator, newer):
    """W1: also the caller's own session, which the plan of somebody else matches, and which no plan ends."""
    await add_user(authority, "root", admin=True)
    chosen = await crowd(authority)
    made = await authority.plans.make(EVERYBODY, by=operator)
    came = [await authority.sessions.start("app|1", client=at()) for _ in range(3)]
    own = await sign_in(authority, "root")
    done = await authority.plans.apply(made.plan.id, by=await caller(authority, own), newer=newer)
    assert (done.state, done.ended) == ("applied", 7 if newer == "leave" else 10)
    assert not any([await is_live(authority, one) for one in chosen])
    assert {await is_live(authority, one) for one in came} == {newer == "leave"}
    assert await is_live(authority, own)


async def test_a_plan_can_begin_for_fifteen_minutes(authority, clock, operator):
    await crowd(authority)
    made = await authority.plans.make(EVERYBODY, by=operator)
    clock.advance(minutes=15)
    with pytest.raises(PlanStale, match="expired"):
        await authority.plans.apply(made.plan.id, by=operator)


@contextmanager
def torn_apart(monkeypatch, **note):
    """The step that notes this is cut off after its sessions and their events, before its commit."""
    written = stored.change

    async def torn(db, plan_id, **values):
        if note.items() <= values.items():
            raise StoreUnavailable
        await written(db, plan_id, **values)

    with monkeypatch.context() as patched, pytest.raises(StoreUnavailable):
        patched.setattr(stored, "change", torn)
        yield


async def test_a_crash_in_the_middle_loses_nothing_and_repeats_nothing(authority, operator, monkeypatch):
    chosen = await crowd(authority, 10)
    made = await authority.plans.make(EVERYBODY, by=operator)
    monkeypatch.setattr(plans_module, "ENDED_AT_ONCE", 3)
    with torn_apart(monkeypatch, ended=6):
        await authority.plans.apply(made.plan.id, by=operator)
    half = await authority.plans.find(made.plan.id, by=operator)
    assert (half.state, half.ended, len(await trail(authority, "session.suspended"))) == ("applying", 3, 3)
    assert (await authority.plans.apply(made.plan.id, by=operator)).ended == 10
    assert len({e.session_id for e in await trail(authority, "session.suspended")}) == 10
    assert len(await trail(authority, "session.suspended")) == 10
    assert not any([await is_live(authority, one) for one in chosen])


async def test_one_plan_applied_by_two_at_once_ends_each_session_once(authority, make_authority, operator, monkeypatch):
    monkeypatch.setattr(plans_module, "ENDED_AT_ONCE", 2)
    await crowd(authority, 20)
    made = await authority.plans.make(EVERYBODY, by=operator)
    async with make_authority() as node:
        done = await asyncio.gather(*(one.plans.apply(made.plan.id, by=operator) for one in (authority, node)))
    assert [plan.ended for plan in done] == [20, 20]
    assert len(await trail(authority, "session.suspended")) == 20
    assert len(await trail(authority, "plan.applied")) == 1


async def test_what_was_half_applied_is_brought_back_even_by_an_undo_that_is_interrupted(
    authority, operator, monkeypatch
):
    chosen = await crowd(authority, 10)
    made = await authority.plans.make(EVERYBODY, by=operator)
    monkeypatch.setattr(plans_module, "ENDED_AT_ONCE", 3)
    await authority.plans.apply(made.plan.id, by=operator, limit=6)
    with torn_apart(monkeypatch, restored=6):
        await authority.plans.undo(made.plan.id, by=operator)
    half = await authority.plans.find(made.plan.id, by=operator)
    assert (half.state, half.restored, len(await trail(authority, "session.restored"))) == ("undoing", 3, 3)
    back = await authority.plans.undo(made.plan.id, by=operator)
    assert (back.state, back.restored, len(await trail(authority, "session.restored"))) == ("undone", 6, 6)
    assert all([await is_live(authority, one) for one in chosen])


async def test_a_limit_ends_some_and_says_that_there_is_more(authority, operator):
    await crowd(authority)
    made = await authority.plans.make(EVERYBODY, by=operator)
    part = await authority.plans.apply(made.plan.id, by=operator, limit=3)
    assert (part.ended, part.state) == (3, "applying")
    await authority.sessions.start("app|1", client=at())  # what has begun does not become stale
    assert (await authority.plans.apply(made.plan.id, by=operator)).ended == 7


async def test_an_undo_brings_back_exactly_what_the_plan_ended(authority, clock, operator):
    first, *rest = await crowd(authority)
    await authority.administration.revoke(first.session.id, by=operator)
    made = await authority.plans.make(EVERYBODY, by=operator)
    await authority.plans.apply(made.plan.id, by=operator)
    clock.advance(minutes=9)
    back = await authority.plans.undo(made.plan.id, by=operator)
    assert (back.restored, back.state) == (6, "undone")
    assert await authority.plans.undo(made.plan.id, by=operator) == back
    assert all([await is_live(authority, one) for one in rest])
    assert not await is_live(authority, first)
    told = await trail(authority, "session.restored")
    assert {e.session_id for e in told} == {one.session.id for one in rest}
    assert (len(told), told[0].detail) == (6, {"plan_id": made.plan.id})
    with pytest.raises(Conflict, match="was undone"):
        await authority.plans.apply(made.plan.id, by=operator)


async def test_after_the_window_what_ended_stays_ended(authority, clock, operator):
    one, *_ = await crowd(authority)
    made = await authority.plans.make(EVERYBODY, by=operator)
    with pytest.raises(Conflict, match="not applied"):
        await authority.plans.undo(made.plan.id, by=operator)
    await authority.plans.apply(made.plan.id, by=operator, undo_for=timedelta(minutes=1))
    clock.advance(minutes=1)
    with pytest.raises(Conflict, match="time to undo"):
        await authority.plans.undo(made.plan.id, by=operator)
    assert not await is_live(authority, one)


async def test_a_plan_applied_for_good_cannot_be_undone(authority, operator):
    await crowd(authority)
    made = await authority.plans.make(EVERYBODY, by=operator)
    await authority.plans.apply(made.plan.id, by=operator, undo_for=timedelta(0))
    with pytest.raises(Conflict, match="for good"):
        await authority.plans.undo(made.plan.id, by=operator)


async def test_what_its_user_ended_meanwhile_is_not_brought_back(authority, operator):
    """The thief's session is suspended; its owner ends it, too; the undo must not hand it back."""
    await add_user(authority)
    stolen, kept = await sign_in(authority), await sign_in(authority)
    named, everywhere = await authority.sessions.start("app|1", client=at()), await sign_in(authority)
    made = await authority.plans.make(EVERYBODY, by=operator)
    await authority.plans.apply(made.plan.id, by=operator)
    me = await caller(authority, await sign_in(authority))
    await authority.sessions.revoke(stolen.session.id, by=me)
    await authority.administration.revoke(named.session.id, by=operator)
    assert (await authority.plans.undo(made.plan.id, by=operator)).restored == 2
    assert [await is_live(authority, one) for one in (stolen, named, kept, everywhere)] == [False, False, True, True]


@pytest.mark.parametrize("act", ["revoke_all", "disable", "log_out"])
async def test_log_out_everywhere_and_a_disabled_account_outlast_an_undo(authority, operator, act):
    await add_user(authority)
    one = await sign_in(authority)
    made = await authority.plans.make(Selector(user="ada"), by=operator)
    await authority.plans.apply(made.plan.id, by=operator)
    if act == "revoke_all":
        await authority.sessions.revoke_all(by=await caller(authority, await sign_in(authority)))
    elif act == "disable":
        await authority.accounts.disable("ada", by=operator)
        await authority.accounts.enable("ada", by=operator)
    else:
        await authority.administration.log_out("ada", by=operator)
    assert (await authority.plans.undo(made.plan.id, by=operator)).restored == 0
    assert not await is_live(authority, one)


async def test_of_two_plans_only_the_one_that_ended_a_session_brings_it_back(authority, operator):
    await crowd(authority, 3)
    first = await authority.plans.make(EVERYBODY, by=operator)
    second = await authority.plans.make(EVERYBODY, by=operator)
    assert (await authority.plans.apply(first.plan.id, by=operator)).ended == 3
    assert (await authority.plans.apply(second.plan.id, by=operator)).ended == 0
    assert (await authority.plans.undo(second.plan.id, by=operator)).restored == 0
    assert (await authority.plans.undo(first.plan.id, by=operator)).restored == 3


async def test_only_live_sessions_are_planned(authority, clock, operator):
    await crowd(authority, 2)
    clock.advance(days=61)
    await crowd(authority, 3)
    assert (await authority.plans.make(EVERYBODY, by=operator)).plan.count == 3
    for wrong in ({"status": "expired"}, {"status": "revoked"}, {"reason": "user"}):
        with pytest.raises(InvalidRequest, match="live sessions"):
            await authority.plans.make(parse(wrong), by=operator)
    with pytest.raises(UserNotFound):
        await authority.plans.make(Selector(user="nobody"), by=operator)


async def test_who_plans_does_not_sign_themselves_out(authority):
    await add_user(authority, "root", admin=True)
    root = await caller(authority, await sign_in(authority, "root"))
    await crowd(authority, 3)
    made = await authority.plans.make(EVERYBODY, by=root)
    assert (made.plan.count, len(made.sample)) == (3, 3)
    assert (await authority.plans.apply(made.plan.id, by=root)).ended == 3
    assert root.session is not None
    assert (await authority.sessions.find(root.session.id, by=root)).revoked is None


async def test_nobody_but_an_administrator_plans_applies_or_undoes(authority, operator):
    await add_user(authority)
    ada = await caller(authority, await sign_in(authority))
    made = await authority.plans.make(EVERYBODY, by=operator)
    for act in (
        authority.plans.make(EVERYBODY, by=ada), authority.plans.find(made.plan.id, by=ada),
        authority.plans.apply(made.plan.id, by=ada), authority.plans.undo(made.plan.id, by=ada),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            await act
    assert await authority.verify((await sign_in(authority)).token)
    for wrong in (new_id("plan"), "plan_x", "' OR 1=1 --"):
        with pytest.raises(PlanNotFound):
            await authority.plans.apply(wrong, by=operator)


async def test_plans_are_forgotten_in_time(authority, clock, operator):
    await crowd(authority)
    made = await authority.plans.make(EVERYBODY, by=operator)
    await authority.retention.purge(by=Caller.operator("tests"))
    assert (await authority.plans.find(made.plan.id, by=operator)).count == 7
    clock.advance(days=3)
    await authority.retention.purge(by=operator)
    with pytest.raises(PlanNotFound):
        await authority.plans.find(made.plan.id, by=operator)


async def test_a_session_that_moved_after_the_plan_is_still_the_one_that_was_meant(authority, operator, clock):
    one = await authority.sessions.start("app|1", client=at("203.0.113.7"))
    made = await authority.plans.make(parse({"ip": "203.0.113.7"}), by=operator)
    clock.advance(minutes=5)
    await authority.verify(one.token, at("198.51.100.1", IPHONE))
    await authority.presence.flush()
    assert (await authority.plans.apply(made.plan.id, by=operator)).ended == 1


@pytest.mark.parametrize("text", ["0.0000001s", "0.0009s", ".000000001h"])
def test_what_is_shorter_than_a_millisecond_is_no_duration(text):
    """N6: it would read as none at all, and a plan applied with it would be final."""
    with pytest.raises(ValueError, match="a millisecond or more"):
        parse_duration(text)
    assert parse_duration("0.001s") == timedelta(milliseconds=1)


async def test_a_time_to_undo_below_a_millisecond_ends_nothing(authority, operator):
    one, *_ = await crowd(authority)
    made = await authority.plans.make(EVERYBODY, by=operator)
    with pytest.raises(InvalidRequest, match="undo_for"):
        await authority.plans.apply(made.plan.id, by=operator, undo_for=timedelta(microseconds=1))
    assert await is_live(authority, one)


async def test_whoever_applies_a_plan_is_not_ended_by_it(authority, operator):
    """Made by one administrator, applied by another whose own session it pins."""
    await add_user(authority, "root", admin=True)
    started = await sign_in(authority, "root")
    await crowd(authority, 3)
    made = await authority.plans.make(EVERYBODY, by=operator)
    assert made.plan.count == 4
    assert (await authority.plans.apply(made.plan.id, by=await caller(authority, started))).ended == 3
    assert await is_live(authority, started)
