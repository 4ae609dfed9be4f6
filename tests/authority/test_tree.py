"""What hangs under a session lives with it, and ends with it: whatever ends it, and however many act at once."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

import pytest
from sqlalchemy import select, update
from sqlalchemy.event import listen, remove

from ostiary.authority import Authority, Started
from ostiary.core.caller import Caller
from ostiary.core.event import Wanted
from ostiary.core.selector import Selector
from ostiary.core.session import Hold, Session
from ostiary.errors import OstiaryError, SessionExpired, SessionRevoked, Unauthenticated
from ostiary.storage import events, schema, sessions
from ostiary.storage.database import Connection, in_transaction
from tests.support.clock import Clock
from tests.support.people import at

USERS = ("user_a", "user_b")
OPERATOR = Caller.operator("tests")
HERE = at("203.0.113.7")
LONG = timedelta(hours=1)


@dataclass
class Wood:
    """Trees of sessions, and what anybody knows of them."""

    authority: Authority
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def database(self):
        return self.authority.database

    async def plant(self, user_id: str = "user_a", **opening) -> Session:
        """A sign-in on a device."""
        started = await self.authority.sessions.start(user_id, client=HERE, **opening)
        self.tokens[started.session.id] = started.token
        return started.session

    @in_transaction
    async def _grow(self, db: Connection, parent_id: str, hold: Hold):
        parent = await sessions.find(db, parent_id)
        assert parent is not None
        return await self.authority.sessions.start_under(db, parent, hold, client=HERE, kind="oauth")

    async def grow(self, parent: Session, hold: Hold = "bound") -> Session:
        """Something that a session lets in."""
        started: Started = await self._grow(parent.id, hold)
        self.tokens[started.session.id] = started.token
        return started.session

    async def is_accepted(self, session: Session) -> bool:
        try:
            await self.authority.verify(self.tokens[session.id], HERE)
        except Unauthenticated:
            return False
        return True

    async def refusal_of(self, session: Session) -> Unauthenticated:
        with pytest.raises(Unauthenticated) as refused:
            await self.authority.verify(self.tokens[session.id], HERE)
        return refused.value

    async def rows(self) -> dict[str, Session]:
        """All of them, as they were at one moment."""
        async with self.database.reading() as db:
            return {row.id: sessions.as_session(row) for row in await db.execute(select(*sessions.COLUMNS))}

    def faults(self, rows: dict[str, Session]) -> list[str]:
        """Live ones that are bound to one that is refused, and what they must not differ in."""
        now, policy, found = self.authority.clock(), self.authority.policy, []
        for one in rows.values():
            above = [rows[session_id] for session_id in one.path]
            if one.life(policy, now) == "live" and any(each.life(policy, now) != "live" for each in above):
                found.append(f"{one.id} lives, and of {one.path} one does not")
            if one.life(policy, now) == "suspended" and any(each.life(policy, now) == "ended" for each in above):
                found.append(f"{one.id} may come back, and of {one.path} one has ended")
            found += [f"{one.id} was used after {each.id}" for each in above if one.last_used_at > each.last_used_at]
        return found


@pytest.fixture
async def wood(authority):
    return Wood(authority)


async def events_of(authority, session: Session):
    async with authority.database.reading() as db:
        return await events.list_oldest(db, Wanted(session_id=session.id))


async def test_what_is_bound_ends_with_what_let_it_in_at_any_depth_and_what_stands_does_not(wood):
    root, other = await wood.plant(), await wood.plant()
    bound, standing = await wood.grow(root), await wood.grow(root, "standing")
    below = await wood.grow(bound)
    assert (below.path, below.parent_id, below.device_id, below.hold) == (
        (root.id, bound.id),
        bound.id,
        root.id,
        "bound",
    )
    assert (standing.path, standing.parent_id, standing.device_id) == ((), root.id, root.id)
    done = await wood.authority.administration.revoke(root.id, by=OPERATOR)
    assert (done.count, done.devices, done.session.id) == (3, 1, root.id)
    for one, reason in ((root, "admin"), (bound, "parent"), (below, "parent")):
        refused = await wood.refusal_of(one)
        assert isinstance(refused, SessionRevoked) and refused.fields["reason"] == reason
        (ending,) = [event for event in await events_of(wood.authority, one) if event.kind == "session.revoked"]
        because = {} if one is root else {"because": root.id, "because_reason": "admin"}
        assert (ending.reason, ending.detail, ending.by) == (reason, because, OPERATOR.name)
    assert await wood.is_accepted(standing) and await wood.is_accepted(other)


async def test_the_middle_of_a_tree_ends_alone_with_what_hangs_there(wood):
    root = await wood.plant()
    left, right = await wood.grow(root), await wood.grow(root)
    below = await wood.grow(left)
    await wood.authority.administration.revoke(left.id, by=OPERATOR)
    assert [await wood.is_accepted(one) for one in (root, left, below, right)] == [True, False, False, True]


async def test_a_loop_that_nobody_could_have_made_hangs_nothing(wood):
    root = await wood.plant()
    bound = await wood.grow(root)
    below = await wood.grow(bound)
    async with wood.database.transaction() as db:
        looped = update(schema.sessions).where(schema.sessions.c.id == root.id)
        await db.execute(looped.values(parent_id=below.id, path=(below.id,)))
    done = await asyncio.wait_for(wood.authority.administration.revoke(below.id, by=OPERATOR), 5)
    assert done.session.revoked is not None and done.session.revoked.reason == "admin"
    assert [await wood.is_accepted(one) for one in (root, bound)] == [False, False]


@pytest.mark.parametrize(
    ("extent", "standing", "left"),
    [
        ("session", False, "other standing"), ("session", True, "other"),
        ("below", False, "other root"), ("device", False, "other standing"), ("device", True, "other"),
    ],
)  # fmt: skip
async def test_an_ending_reaches_as_far_as_it_was_asked_to(wood, extent, standing, left):
    root, other = await wood.plant(), await wood.plant()
    world = {
        "root": root,
        "other": other,
        "bound": await wood.grow(root),
        "standing": await wood.grow(root, "standing"),
    }
    me = await wood.authority.verify(wood.tokens[other.id], HERE)
    named = world["bound"] if extent == "device" else root
    done = await wood.authority.sessions.revoke(named.id, by=me, extent=extent, standing=standing)
    assert {name for name, one in world.items() if await wood.is_accepted(one)} == set(left.split())
    assert (done.count, done.devices, done.is_own) == (4 - len(left.split()), int("root" not in left), False)


async def test_all_others_are_not_what_is_bound_together_with_the_one_that_asks(wood):
    mine, other = await wood.plant(), await wood.plant()
    app, agent, elsewhere = await wood.grow(mine), await wood.grow(mine, "standing"), await wood.grow(other)
    for holder in (mine, app):
        me = await wood.authority.verify(wood.tokens[holder.id], HERE)
        assert await wood.authority.sessions.count_others(by=me) == 3
    me = await wood.authority.verify(wood.tokens[mine.id], HERE)
    done = await wood.authority.sessions.revoke_others(by=me)
    assert done.renewed is not None
    wood.tokens[mine.id] = done.renewed.token
    assert (done.count, done.devices) == (3, 1)
    everything = (mine, app, agent, other, elsewhere)
    assert [await wood.is_accepted(one) for one in everything] == [True, True, False, False, False]


@pytest.mark.parametrize("limit", ["idle", "lifetime", "browser_idle", "shortened"])
async def test_what_is_bound_expires_at_the_instant_at_which_its_device_does(make_authority, clock, limit):
    idle = timedelta(hours=1) if limit == "idle" else timedelta(days=60)
    limits = {"idle_timeout": idle, "browser_idle": timedelta(hours=24)}
    async with make_authority(**limits, lifetime=timedelta(days=40)) as authority:
        wood = Wood(authority)
        root = await wood.plant(stays=False if limit == "browser_idle" else None)
        clock.advance(minutes=20)
        child = await wood.grow(root)
        below = await wood.grow(child)
        rows = await wood.rows()
        assert {rows[one.id].last_used_at for one in (root, child, below)} == {clock()}
        if limit == "shortened":
            async with make_authority(**limits, lifetime=timedelta(days=1)) as shorter:
                wood.authority = shorter
                await expire_together(wood, clock, [root, child, below], "lifetime")
        else:
            await expire_together(wood, clock, [root, child, below], "lifetime" if limit == "lifetime" else "idle")


async def expire_together(wood, clock, tree, limit):
    """Step by step to where the first ends, and a microsecond beside it."""
    rows = await wood.rows()
    (ends_at,) = {rows[one.id].ends_at(wood.authority.policy) for one in tree}
    clock.advance(seconds=(ends_at - clock()).total_seconds(), microseconds=-1)
    assert wood.faults(await wood.rows()) == []
    rows = await wood.rows()
    assert [rows[one.id].life(wood.authority.policy, clock()) for one in tree] == ["live"] * 3
    clock.advance(microseconds=1)
    for one in tree:
        refused = await wood.refusal_of(one)
        assert isinstance(refused, SessionExpired) and refused.fields["limit"] == limit


async def test_a_use_of_what_is_bound_is_a_use_of_its_device_and_of_no_other(wood, clock):
    root = await wood.plant()
    bound, standing = await wood.grow(root), await wood.grow(root, "standing")
    clock.advance(minutes=5)
    await wood.authority.verify(wood.tokens[standing.id], HERE)
    await wood.authority.presence.flush()
    assert (await wood.rows())[root.id].last_used_at < clock()
    await wood.authority.verify(wood.tokens[bound.id], at("198.51.100.99"))
    await wood.authority.presence.flush()
    rows = await wood.rows()
    assert rows[root.id].last_used_at == rows[bound.id].last_used_at == clock()
    assert (rows[root.id].ip, rows[bound.id].ip) == (HERE.ip, "198.51.100.99")


async def test_an_undo_brings_back_what_its_plan_took_and_nothing_under_what_stays_refused(wood):
    root = await wood.plant()
    child, ended_before = await wood.grow(root), await wood.grow(root)
    below = await wood.grow(child)
    await wood.authority.administration.revoke(ended_before.id, by=OPERATOR)
    plan = (await wood.authority.plans.make(Selector(q=root.id), by=OPERATOR)).plan
    applied = await wood.authority.plans.apply(plan.id, by=OPERATOR, undo_for=LONG)
    assert applied.ended == 3
    refused = await wood.refusal_of(below)
    assert refused.fields["reason"] == "parent" and "suspended_until" in refused.fields
    undone = await wood.authority.plans.undo(plan.id, by=OPERATOR)
    assert undone.restored == 3
    assert [await wood.is_accepted(one) for one in (root, child, below, ended_before)] == [True, True, True, False]
    again = (await wood.authority.plans.make(Selector(q=root.id), by=OPERATOR)).plan
    await wood.authority.plans.apply(again.id, by=OPERATOR, undo_for=LONG)
    await wood.authority.administration.revoke(child.id, by=OPERATOR)
    await wood.authority.plans.undo(again.id, by=OPERATOR)
    assert [await wood.is_accepted(one) for one in (root, child, below)] == [True, False, False]


@pytest.mark.parametrize("undone", ["child", "root"])
@pytest.mark.parametrize("applied", ["child", "root"])
async def test_two_plans_on_one_branch_let_go_of_it_when_both_are_undone(wood, applied, undone):
    root = await wood.plant()
    child = await wood.grow(root)
    plans = {}
    for name, one in (("child", child), ("root", root)):
        plans[name] = (await wood.authority.plans.make(Selector(q=one.id), by=OPERATOR)).plan.id
    for name in sorted(plans, key=lambda one: one != applied):
        await wood.authority.plans.apply(plans[name], by=OPERATOR, undo_for=LONG)
    first, second = sorted(plans, key=lambda one: one != undone)
    await wood.authority.plans.undo(plans[first], by=OPERATOR)
    assert wood.faults(await wood.rows()) == []
    await wood.authority.plans.undo(plans[second], by=OPERATOR)
    assert await wood.is_accepted(root) and await wood.is_accepted(child)


async def test_what_is_bound_counts_for_no_limit_of_devices(make_authority, clock):
    async with make_authority(max_sessions=2) as authority:
        wood = Wood(authority)
        root = await wood.plant()
        apps = [await wood.grow(root) for _ in range(3)]
        clock.advance(seconds=1)
        other = await wood.plant()
        assert all([await wood.is_accepted(one) for one in (root, other, *apps)])
        await wood.grow(other, "standing")
        assert not any([await wood.is_accepted(one) for one in (root, *apps)])


@pytest.mark.parametrize("_round", range(3))
async def test_no_live_session_ever_hangs_under_a_refused_one(make_authority, clock, _round):
    """Random trees, and all that can happen to them at once; looked at between any two commits, and at the end."""
    seed = random.randrange(10**9)
    async with make_authority(idle_timeout=timedelta(hours=2), lifetime=timedelta(hours=9)) as authority:
        world = Random(Wood(authority), random.Random(seed), clock)
        seen: list[str] = []

        async def look() -> None:
            while world.left > 0:
                seen.extend(world.wood.faults(await world.wood.rows()))
                await asyncio.sleep(0)

        await asyncio.gather(*(world.work() for _ in range(5)), look())
        await world.plant()  # whatever else has become of all
        await authority.presence.flush()
        seen += world.wood.faults(rows := await world.wood.rows())
        assert not seen, (seed, seen[:5])
        lives = {one.life(authority.policy, clock()) for one in rows.values()}
        assert "live" in lives and "ended" in lives, (seed, lives)
        for one in rows.values():
            if one.life(authority.policy, clock()) == "live":
                assert await world.wood.is_accepted(one), (seed, one.id)
            else:
                assert not await world.wood.is_accepted(one), (seed, one.id)


async def test_that_search_finds_a_session_that_outlives_its_parent(wood):
    """The oracle above can fail: an ending that forgets what hangs below is seen."""
    root = await wood.plant()
    await wood.grow(root)
    ended = {"revoked_at": wood.authority.clock(), "revoked_reason": "user", "revoked_by": "somebody"}
    async with wood.database.transaction() as db:
        await db.execute(update(schema.sessions).where(schema.sessions.c.id == root.id).values(**ended))
    assert len(wood.faults(await wood.rows())) == 1


class Random:
    """Acts of several at once on a few users' trees."""

    WEIGHTS: ClassVar = {"plant": 3, "grow": 10, "end": 4, "use": 8, "renew": 2, "plan": 3, "undo": 3, "settle": 1,
                         "wait": 1, "everything": 1}  # fmt: skip

    def __init__(self, wood: Wood, dice: random.Random, clock: Clock) -> None:
        self.wood, self.dice, self.clock, self.left = wood, dice, clock, 150
        self.authority = wood.authority
        self.known: list[Session] = []
        self.plans: list[str] = []

    async def work(self) -> None:
        while self.left > 0:
            self.left -= 1
            (name,) = self.dice.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))
            with contextlib.suppress(OstiaryError):  # refused: whoever was asked had ended
                await getattr(self, name if self.known else "plant")()
            await asyncio.sleep(self.dice.random() / 500)

    def any(self) -> Session:
        return self.dice.choice(self.known[-25:])

    async def plant(self) -> None:
        self.known.append(await self.wood.plant(self.dice.choice(USERS), stays=self.dice.choice([None, False, True])))

    async def grow(self) -> None:
        parent = self.any()
        if len(parent.path) < 3:
            hold: Hold = "standing" if parent.parent_id is None and self.dice.random() < 0.3 else "bound"
            self.known.append(await self.wood.grow(parent, hold))

    async def end(self) -> None:
        await self.authority.administration.revoke(self.any().id, by=OPERATOR)

    async def use(self) -> None:
        await self.authority.verify(self.wood.tokens[self.any().id], at(f"203.0.113.{self.dice.randrange(200)}"))
        if self.dice.random() < 0.3:
            await self.authority.presence.flush()

    async def renew(self) -> None:
        session = self.any()
        renewed = await self.authority.sessions.renew(self.wood.tokens[session.id], client=HERE)
        self.wood.tokens[session.id] = renewed.token

    async def plan(self) -> None:
        made = await self.authority.plans.make(Selector(q=self.any().id), by=OPERATOR)
        self.plans.append(made.plan.id)
        window = self.dice.choice([LONG, LONG, timedelta(milliseconds=1), timedelta(0)])
        await self.authority.plans.apply(made.plan.id, by=OPERATOR, undo_for=window)

    async def undo(self) -> None:
        if self.plans:
            await self.authority.plans.undo(self.dice.choice(self.plans), by=OPERATOR)

    async def settle(self) -> None:
        await self.authority.settling.settle()

    async def wait(self) -> None:
        self.clock.advance(minutes=self.dice.randrange(1, 90))

    async def everything(self) -> None:
        session = self.any()
        me = await self.authority.verify(self.wood.tokens[session.id], HERE)
        done = await self.dice.choice([self.authority.sessions.revoke_others, self.authority.sessions.revoke_all])(
            by=me
        )
        if done.renewed is not None:
            self.wood.tokens[session.id] = done.renewed.token


async def test_a_sign_out_with_nothing_below_asks_for_nothing_below(wood):
    root = await wood.plant()
    await wood.grow(root, "standing")
    me, asked = await wood.authority.verify(wood.tokens[root.id], HERE), []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement.split(maxsplit=1)[0])

    engine = wood.database.engine.sync_engine
    listen(engine, "before_cursor_execute", note)
    await wood.authority.sessions.log_out(by=me)
    remove(engine, "before_cursor_execute", note)
    own = [verb for verb in asked if verb != "BEGIN"]
    assert own == ["SELECT", "UPDATE", "INSERT", *(() if wood.database.is_sqlite else ("SELECT",))]  # it wakes others
    assert not await wood.is_accepted(root)
