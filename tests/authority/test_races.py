"""What must hold when acts overlap. Each test forces the interleaving; none of them hopes for it."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from ostiary.authority import sign_in as sign_in_module
from ostiary.authority.ending import end_user
from ostiary.core.selector import Selector
from ostiary.errors import OstiaryError, SessionInvalid, SessionRevoked, TokenRevoked, WrongCredentials
from ostiary.storage import accounts, sessions, subjects
from tests.support.people import PASSWORD, add_user, at, caller, sign_in


async def test_a_sign_in_that_began_before_log_out_everywhere_cannot_survive_it(authority):
    user = await add_user(authority)
    me = await caller(authority, await sign_in(authority))
    began = await authority.sessions.begin(user.id)
    await authority.sessions.revoke_all(by=me)
    with pytest.raises(SessionInvalid):
        await authority.sessions.start(user.id, client=at(), began=began)
    assert await authority.sessions.start(user.id, client=at(), began=await authority.sessions.begin(user.id))


async def test_two_cut_offs_in_one_instant_are_two(authority, operator):
    user = await add_user(authority)
    me = await caller(authority, await sign_in(authority))
    await authority.sessions.revoke_all(by=me)
    began = await authority.sessions.begin(user.id)
    await authority.administration.log_out("ada", by=operator)
    with pytest.raises(SessionInvalid):
        await authority.sessions.start(user.id, client=at(), began=began)


@pytest.mark.parametrize("act", ["revoke_all", "revoke_others", "password", "disable", "delete", "admin log out"])
async def test_a_password_sign_in_under_way_does_not_survive_an_ending(authority, operator, monkeypatch, act):
    """The password has been found right, and then, before the session is written, everything of the user ends."""
    await add_user(authority)
    me = await caller(authority, await sign_in(authority))
    checked = asyncio.Event()
    go_on = asyncio.Event()
    original = sign_in_module.SignIn._check

    async def stop_after_check(self, username, password, client):
        found = await original(self, username, password, client)
        if client.request_id == "slow":
            checked.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(sign_in_module.SignIn, "_check", stop_after_check)
    slow = asyncio.create_task(sign_in(authority, client=at(request_id="slow")))
    await checked.wait()
    match act:
        case "revoke_all":
            await authority.sessions.revoke_all(by=me)
        case "revoke_others":
            await authority.sessions.revoke_others(by=me)
        case "password":
            await authority.sign_in.change_password(PASSWORD, "another long password", by=me)
        case "disable":
            await authority.accounts.disable("ada", by=operator)
        case "delete":
            await authority.accounts.delete("ada", by=operator)
        case "admin log out":
            await authority.administration.log_out("ada", by=operator)
    go_on.set()
    with pytest.raises((SessionInvalid, WrongCredentials)):
        await slow
    left = (await authority.administration.search(Selector(status="active"), by=operator)).sessions
    assert [s.id for s in left] == ([me.session_id] if act in {"revoke_others", "password"} else [])


async def test_a_start_in_an_open_transaction_is_seen_by_the_ending_that_waits_for_it(authority, operator):
    """The start has written its row but not committed; the ending must wait, and then end that row too."""
    user = await add_user(authority)
    async with authority.database.transaction() as db:
        started = await authority.sessions.start_within(db, user.id, client=at(), kind="browser")
        ending = asyncio.create_task(authority.administration.log_out("ada", by=operator))
        await asyncio.sleep(0.2)
        assert not ending.done()
    await ending
    with pytest.raises(SessionRevoked):
        await authority.verify(started.token)


async def test_an_ending_in_an_open_transaction_bars_the_start_that_waits_for_it(authority, operator, clock):
    user = await add_user(authority)
    began = await authority.sessions.begin(user.id)
    async with authority.database.transaction() as db:
        await end_user(db, user.id, reason="admin", by=operator, now=clock.now)
        start = asyncio.create_task(authority.sessions.start(user.id, client=at(), began=began))
        await asyncio.sleep(0.2)
        assert not start.done()
    with pytest.raises(SessionInvalid):
        await start


async def test_a_change_of_roles_reaches_the_start_that_it_waits_for(authority, operator):
    """The start has read the roles and written them into its row, but not committed."""
    user = await add_user(authority, admin=True)
    await add_user(authority, "root", admin=True)
    async with authority.database.transaction() as db:
        started = await authority.sessions.start_within(db, user.id, client=at(), kind="browser")
        change = asyncio.create_task(authority.accounts.set_roles("ada", ["member"], by=operator))
        await asyncio.sleep(0.2)
        assert not change.done()
    await change
    assert (await authority.verify(started.token)).user.roles == ("member",)


async def test_a_start_that_waits_for_a_change_of_roles_says_the_new_ones(authority):
    user = await add_user(authority, admin=True)
    async with authority.database.transaction() as db:
        await subjects.hold(db, user.id)
        await accounts.set_roles(db, user.id, ("member",), authority.clock())
        start = asyncio.create_task(authority.sessions.start(user.id, client=at()))
        await asyncio.sleep(0.2)
        assert not start.done()
    assert (await authority.verify((await start).token)).user.roles == ("member",)


async def test_a_renewal_that_waits_for_an_ending_fails(authority, operator, clock):
    user = await add_user(authority)
    started = await sign_in(authority)
    async with authority.database.transaction() as db:
        await end_user(db, user.id, reason="user_all", by=operator, now=clock.now)
        renewal = asyncio.create_task(authority.sessions.renew(started.token, client=at()))
        await asyncio.sleep(0.2)
        assert not renewal.done()
    with pytest.raises((SessionRevoked, SessionInvalid)):
        await renewal


async def test_a_token_cannot_be_made_by_a_session_that_ended_meanwhile(authority, operator, clock):
    user = await add_user(authority)
    me = await caller(authority, await sign_in(authority))
    async with authority.database.transaction() as db:
        await end_user(db, user.id, reason="user_all", by=operator, now=clock.now)
        creation = asyncio.create_task(authority.tokens.create(by=me))
        await asyncio.sleep(0.2)
        assert not creation.done()
    with pytest.raises(SessionRevoked):
        await creation
    assert (await authority.accounts.find("ada", by=operator)).tokens == 0


async def test_a_session_minted_by_an_administrator_who_was_just_ended_is_refused(authority, operator):
    await add_user(authority, "root", admin=True)
    await add_user(authority)
    admin = await caller(authority, await sign_in(authority, "root"))
    await authority.administration.log_out("root", by=operator)
    with pytest.raises(SessionRevoked):
        await authority.administration.mint("ada", by=admin, expire_after=timedelta(hours=1))


async def test_a_revoked_token_rotates_nothing(authority):
    await add_user(authority)
    me = await caller(authority, await sign_in(authority))
    minted = await authority.tokens.create(by=me)
    token = await authority.verify(minted.secret)
    await authority.tokens.revoke(minted.token.id, by=me)
    with pytest.raises(TokenRevoked):
        await authority.tokens.rotate(minted.token.id, by=token)


async def test_of_two_revocations_one_is_kept_and_told_once(authority):
    await add_user(authority)
    started = await sign_in(authority)
    me = await caller(authority, await sign_in(authority))
    done = await asyncio.gather(*(authority.sessions.revoke(started.session.id, by=me) for _ in range(10)))
    assert len({one.session.revoked for one in done}) == 1
    async with authority.database.reading() as db:
        count = await db.exec_driver_sql("SELECT count(*) FROM events WHERE kind = 'session.revoked'")
        assert count.scalar_one() == 1


async def test_of_two_renewals_with_one_secret_one_wins(authority):
    await add_user(authority)
    started = await sign_in(authority)
    tries = [authority.sessions.renew(started.token, client=at()) for _ in range(8)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    won = [one for one in done if not isinstance(one, BaseException)]
    assert len(won) == 1
    assert all(isinstance(one, SessionInvalid) for one in done if isinstance(one, BaseException))
    assert await authority.verify(won[0].token)


async def test_the_limit_holds_under_concurrent_sign_ins(make_authority):
    async with make_authority(max_sessions=3) as authority:
        await add_user(authority)
        held = await asyncio.gather(*(sign_in(authority) for _ in range(10)))
        alive = 0
        for started in held:
            try:
                await authority.verify(started.token)
                alive += 1
            except SessionRevoked:
                pass
        assert alive == 3


async def test_a_failed_act_leaves_nothing_behind(authority, monkeypatch):
    """The event is part of the act: if it cannot be written, the session is not ended."""
    await add_user(authority)
    started = await sign_in(authority)
    me = await caller(authority, started)

    async def broken(*_: object) -> None:
        raise RuntimeError("no event")

    with monkeypatch.context() as patch:
        patch.setattr("ostiary.storage.events.add", broken)
        with pytest.raises(RuntimeError):
            await authority.sessions.log_out(by=me)
    assert await authority.verify(started.token)


async def test_random_interleavings_never_accept_after_an_acknowledged_ending(make_authority):
    """Two nodes on one database; whatever was acknowledged as ended on one is refused by the other from then on."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    async with make_authority() as one, make_authority() as two:
        user = await add_user(one)
        nodes = (one, two)
        ended: set[str] = set()

        async def live_one(node):
            started = await node.sessions.start(user.id, client=at())
            for _ in range(dice.randrange(4)):
                await dice.choice(nodes).verify(started.token)
            me = await caller(dice.choice(nodes), started)
            await dice.choice(nodes).sessions.log_out(by=me)
            ended.add(started.token)
            for other in nodes:
                with pytest.raises(SessionRevoked):
                    await other.verify(started.token)

        async def cut(node):
            await asyncio.sleep(dice.random() / 20)
            async with node.database.transaction() as db:
                await subjects.hold(db, user.id)
                gone = {token.split(".")[0] for token in ended}  # others may end while the list is on its way
                rows = await sessions.list_of_user(db, user.id, node.policy, node.clock())
                assert gone.isdisjoint(row.id for row in rows)

        results = await asyncio.gather(
            *(live_one(dice.choice(nodes)) for _ in range(60)),
            *(cut(dice.choice(nodes)) for _ in range(10)),
            return_exceptions=True,
        )
        faults = [r for r in results if isinstance(r, BaseException) and not isinstance(r, OstiaryError)]
        assert not faults, faults
        assert len(ended) == 60, [r for r in results if r is not None]
