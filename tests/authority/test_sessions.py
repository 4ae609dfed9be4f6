"""Starting, verifying, listing and ending sessions."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

import pytest

from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.policy import PRESETS
from ostiary.core.selector import SORTS, Selector
from ostiary.errors import (
    InvalidRequest,
    LimitReached,
    NotAllowed,
    ReauthenticationRequired,
    SessionExpired,
    SessionInvalid,
    SessionNotFound,
    SessionRevoked,
    UserNotFound,
)
from ostiary.storage import events
from tests.support.people import CHROME, FIREFOX, IPHONE, PASSWORD, add_user, at, caller, sign_in


async def kinds(authority) -> list[str]:
    async with authority.database.reading() as db:
        return [event.kind for event in reversed(await events.list_newest(db))]


async def test_a_started_session_verifies_and_says_whose_it_is(authority):
    user = await add_user(authority)
    started = await sign_in(authority)
    who = await authority.verify(started.token, at())
    assert who.user.id == user.id
    assert who.user.username == "ada"
    assert who.session == started.session
    assert who.session.amr == ("pwd",)


async def test_a_user_of_another_application_needs_no_account_here(authority):
    started = await authority.sessions.start("app|42", client=at())
    who = await authority.verify(started.token)
    assert who.user.id == "app|42"
    assert who.user.username is None
    assert not who.is_admin


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "x" * 10_000,
        "sess_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "sess_aaaaaaaaaaaaaaaaaaaaaaaaaa." + "A" * 43,
        "ost_aaaaaaaaaaaaaaaaaaaaaaaaaa." + "A" * 43,
        "setup_aaaaaaaaaaaaaaaaaaaaaaaaaa." + "A" * 43,
        "' OR 1=1 --",
        "sess_\0",
    ],
)
async def test_what_was_never_issued_is_never_adopted(authority, broken):
    with pytest.raises(SessionInvalid):
        await authority.verify(broken)


async def test_every_changed_character_of_a_token_is_refused(authority):
    await add_user(authority)
    token = (await sign_in(authority)).token
    for place, letter in enumerate(token):
        forged = token[:place] + ("a" if letter != "a" else "b") + token[place + 1 :]
        with pytest.raises(SessionInvalid):
            await authority.verify(forged)


async def test_the_store_holds_no_secret(authority):
    await add_user(authority)
    started = await sign_in(authority)
    secret = started.token.split(".")[1]
    async with authority.database.reading() as db:
        for table in ("sessions", "events", "users", "subjects"):
            rows = (await db.exec_driver_sql(f"SELECT * FROM {table}")).all()
            assert secret not in repr(rows)
            assert PASSWORD not in repr(rows)
    assert secret not in repr(started)


async def test_a_revoked_session_is_refused_with_the_reason_and_the_first_one_stays(authority, clock):
    await add_user(authority)
    started, other = await sign_in(authority), await sign_in(authority)
    me = await caller(authority, other)
    await authority.sessions.revoke(started.session.id, by=me)
    first = clock.now
    clock.advance(minutes=5)
    again = await authority.sessions.revoke(started.session.id, by=me, reason="admin")
    assert again.session.revoked.at == first
    assert again.session.revoked.reason == "user"
    with pytest.raises(SessionRevoked) as refused:
        await authority.verify(started.token)
    assert refused.value.fields == {"revoked_at": first, "reason": "user"}
    assert (await kinds(authority)).count("session.revoked") == 1


async def test_a_wrong_secret_learns_nothing_about_a_revoked_session(authority):
    await add_user(authority)
    started = await sign_in(authority)
    await authority.sessions.log_out(by=await caller(authority, started))
    with pytest.raises(SessionInvalid):
        await authority.verify(f"{started.session.id}.{'A' * 43}")


async def test_a_foreign_session_is_as_missing_as_one_that_does_not_exist(authority):
    await add_user(authority)
    await add_user(authority, "eve")
    victim = await sign_in(authority)
    eve = await caller(authority, await sign_in(authority, "eve"))
    for session_id in (victim.session.id, "sess_" + "a" * 26, "nonsense"):
        with pytest.raises(SessionNotFound) as refused:
            await authority.sessions.revoke(session_id, by=eve)
        assert str(refused.value) == SessionNotFound.title
        with pytest.raises(SessionNotFound):
            await authority.sessions.find(session_id, by=eve)
        with pytest.raises(SessionNotFound):
            await authority.sessions.label(session_id, "mine now", by=eve)
    assert await authority.verify(victim.token)


async def test_idle_session_expires_at_the_limit_not_before(make_authority, clock):
    async with make_authority(idle_timeout=timedelta(hours=1)) as authority:
        await add_user(authority)
        started = await sign_in(authority)
        clock.advance(minutes=59, seconds=59)
        await authority.verify(started.token)
        clock.advance(seconds=1)
        with pytest.raises(SessionExpired) as refused:
            await authority.verify(started.token)
        assert refused.value.fields["limit"] == "idle"
        assert refused.value.fields["expired_at"] == clock.now


async def test_use_moves_the_idle_limit_and_never_the_lifetime(make_authority, clock):
    async with make_authority(idle_timeout=timedelta(hours=1), lifetime=timedelta(hours=3)) as authority:
        await add_user(authority)
        started = await sign_in(authority)
        for _ in range(4):
            clock.advance(minutes=44, seconds=59)
            await authority.verify(started.token, at())
            await authority.presence.flush()
        clock.advance(seconds=4)
        with pytest.raises(SessionExpired) as refused:
            await authority.verify(started.token, at())
        assert refused.value.fields["limit"] == "lifetime"


async def test_use_just_before_the_idle_limit_counts_without_waiting_for_a_flush(make_authority, clock):
    async with make_authority(idle_timeout=timedelta(minutes=10)) as authority:
        await add_user(authority)
        started = await sign_in(authority)
        clock.advance(minutes=9, seconds=55)
        await authority.verify(started.token, at())
        clock.advance(minutes=9)
        await authority.verify(started.token, at())


async def test_a_shorter_lifetime_holds_for_sessions_that_exist_already(make_authority, clock):
    async with make_authority() as authority:
        await add_user(authority)
        started = await sign_in(authority)
        clock.advance(hours=2)
    async with make_authority(lifetime=timedelta(hours=1)) as stricter:
        with pytest.raises(SessionExpired):
            await stricter.verify(started.token)


async def test_the_list_shows_what_would_be_accepted_most_recently_used_first(make_authority, clock):
    async with make_authority(idle_timeout=timedelta(days=2)) as authority:
        await add_user(authority)
        idle = await sign_in(authority, client=at("198.51.100.1", CHROME))
        clock.advance(days=1)
        older = await sign_in(authority, client=at("198.51.100.2", IPHONE))
        gone = await sign_in(authority)
        clock.advance(days=1, minutes=1)
        newest = await sign_in(authority, client=at("2001:db8::1", FIREFOX))
        me = await caller(authority, newest)
        await authority.sessions.revoke(gone.session.id, by=me)
        listed = await authority.sessions.list(by=me)
        assert [session.id for session in listed] == [newest.session.id, older.session.id]
        assert (listed[0].ip, listed[1].user_agent) == ("2001:db8::1", IPHONE)
        with_ended = await authority.sessions.list(by=me, ended=True)
        assert {session.id for session in with_ended} == {s.session.id for s in (idle, older, gone, newest)}


async def test_use_updates_address_and_agent_at_most_once_a_minute(authority, clock):
    await add_user(authority)
    started = await sign_in(authority)
    clock.advance(seconds=59)
    await authority.verify(started.token, at("198.51.100.9", CHROME))
    await authority.presence.flush()
    me = await caller(authority, started)
    assert (await authority.sessions.find(started.session.id, by=me)).ip == "203.0.113.7"
    clock.advance(seconds=1)
    await authority.verify(started.token, at("198.51.100.9", CHROME))
    await authority.presence.flush()
    moved = await authority.sessions.find(started.session.id, by=me)
    assert (moved.ip, moved.user_agent, moved.last_used_at) == ("198.51.100.9", CHROME, clock.now)


@pytest.mark.parametrize("by", ["what is bound to it", "itself"])
@pytest.mark.parametrize("where", [("198.51.100.9", FIREFOX), ("203.0.113.7", CHROME)])
async def test_where_a_session_is_used_from_is_found_within_a_minute_whatever_else_uses_it(
    authority, operator, clock, by, where
):
    await add_user(authority)
    started = await sign_in(authority)
    async with authority.database.transaction() as db:
        bound = await authority.sessions.start_under(db, started.session, "bound", client=at(), kind="oauth")
    other = bound if by != "itself" else started
    moved = Selector(ip=ip_network(where[0]), user_agent=where[1])
    await authority.verify(started.token, at(*where))
    for _ in range(13):
        clock.advance(seconds=5)
        await authority.verify(other.token, at())
        await authority.presence.flush()
        found = (await authority.administration.search(moved, by=operator)).sessions
        if found:
            assert [one.id for one in found] == [started.session.id]
            return
    pytest.fail("it was never found")


async def test_the_first_use_of_a_minted_session_is_recorded_however_soon(authority, operator, clock):
    await add_user(authority)
    minted = await authority.administration.mint("ada", by=operator, expire_after=timedelta(hours=1))
    clock.advance(seconds=1)
    who = await authority.verify(minted.token, at("198.51.100.9", CHROME))
    await authority.presence.flush()
    found = await authority.sessions.find(minted.session.id, by=who)
    assert (found.ip, found.user_agent, found.last_used_at) == ("198.51.100.9", CHROME, clock.now)


async def test_use_is_written_down_at_shutdown(make_authority, clock):
    async with make_authority() as authority:
        await add_user(authority)
        started = await sign_in(authority)
        clock.advance(minutes=5)
        await authority.verify(started.token, at())
    async with make_authority() as authority:
        who = await authority.verify(started.token)
        assert who.session.last_used_at == clock.now


async def test_recording_use_never_revives_an_ended_or_idle_session(make_authority, clock):
    async with make_authority(idle_timeout=timedelta(hours=1)) as authority:
        await add_user(authority)
        started = await sign_in(authority)
        clock.advance(minutes=30)
        await authority.verify(started.token, at())
        clock.advance(minutes=31)
        await authority.presence.flush()
        with pytest.raises(SessionExpired):
            await authority.verify(started.token)


async def test_revoke_others_leaves_only_the_caller(authority):
    await add_user(authority)
    await add_user(authority, "eve")
    others = [await sign_in(authority) for _ in range(3)]
    mine, eves = await sign_in(authority), await sign_in(authority, "eve")
    me = await caller(authority, mine)
    assert await authority.sessions.count_others(by=me) == 3
    done = await authority.sessions.revoke_others(by=me)
    assert (done.count, done.tokens) == (3, 0)
    assert await authority.sessions.count_others(by=me) == 0
    assert done.renewed is not None
    assert await authority.verify(done.renewed.token)
    with pytest.raises(SessionInvalid):
        await authority.verify(mine.token)
    assert await authority.verify(eves.token)
    for other in others:
        with pytest.raises(SessionRevoked) as refused:
            await authority.verify(other.token)
        assert refused.value.fields["reason"] == "user_others"


async def test_this_was_not_me_ends_it_and_all_others_without_asking(make_authority, clock):
    async with make_authority(policy="nist-aal3") as authority:
        await add_user(authority)
        await add_user(authority, "eve")
        strange, other, mine = [await sign_in(authority) for _ in range(3)]
        eves = await sign_in(authority, "eve")
        clock.advance(minutes=10)
        me = await caller(authority, mine)
        with pytest.raises(SessionNotFound):
            await authority.sessions.disown(eves.session.id, by=me)
        done = await authority.sessions.disown(strange.session.id, by=me)
        assert done.count == 2
        assert await authority.verify(done.renewed.token)
        with pytest.raises(SessionInvalid):
            await authority.verify(mine.token)
        assert await authority.verify(eves.token)
        for gone in (strange, other):
            with pytest.raises(SessionRevoked):
                await authority.verify(gone.token)


async def test_revoke_all_ends_the_caller_too_and_tokens_only_when_asked(authority):
    await add_user(authority)
    first, second = await sign_in(authority), await sign_in(authority)
    me = await caller(authority, first)
    minted = await authority.tokens.create(by=me)
    done = await authority.sessions.revoke_all(by=me)
    assert (done.count, done.tokens, done.live_tokens) == (2, 0, 1)
    for started in (first, second):
        with pytest.raises(SessionRevoked):
            await authority.verify(started.token)
    assert await authority.verify(minted.secret)
    me = await caller(authority, await sign_in(authority))
    done = await authority.sessions.revoke_all(by=me, tokens=True)
    assert (done.count, done.tokens, done.live_tokens) == (1, 1, 0)


async def test_an_idle_session_does_not_come_back_when_the_idle_timeout_grows(make_authority, clock):
    async with make_authority(idle_timeout=timedelta(hours=1)) as strict:
        await add_user(strict)
        idle = await sign_in(strict)
        clock.advance(hours=2)
        done = await strict.sessions.revoke_all(by=await caller(strict, await sign_in(strict)))
        assert done.count == 1
    async with make_authority(idle_timeout=timedelta(hours=9)) as lax:
        with pytest.raises(SessionRevoked):
            await lax.verify(idle.token)


async def test_renewal_keeps_the_id_and_refuses_the_old_secret(authority):
    await add_user(authority)
    old = await sign_in(authority)
    new = await authority.sessions.renew(old.token, client=at())
    assert new.session.id == old.session.id
    assert await authority.verify(new.token)
    for act in (authority.verify(old.token), authority.sessions.renew(old.token, client=at())):
        with pytest.raises(SessionInvalid):
            await act


async def test_an_ended_session_cannot_be_renewed(authority):
    await add_user(authority)
    started = await sign_in(authority)
    await authority.sessions.log_out(by=await caller(authority, started))
    with pytest.raises(SessionRevoked):
        await authority.sessions.renew(started.token, client=at())


async def test_the_limit_evicts_the_least_recently_used(make_authority, clock):
    async with make_authority(max_sessions=3) as authority:
        await add_user(authority)
        held = []
        for _ in range(3):
            held.append(await sign_in(authority))
            clock.advance(minutes=2)
        await authority.verify(held[0].token, at())
        await authority.presence.flush()
        held.append(await sign_in(authority))
        with pytest.raises(SessionRevoked) as refused:
            await authority.verify(held[1].token)
        assert refused.value.fields["reason"] == "limit"
        for index in (0, 2, 3):
            assert await authority.verify(held[index].token)


async def test_the_limit_denies_when_the_policy_says_so_and_keeps_no_session(make_authority):
    async with make_authority(max_sessions=1, at_limit="deny") as authority:
        await add_user(authority)
        me = await caller(authority, await sign_in(authority))
        with pytest.raises(LimitReached):
            await sign_in(authority)
        assert len(await authority.sessions.list(by=me, ended=True)) == 1


async def test_ending_another_session_asks_for_a_fresh_sign_in_when_the_policy_does(make_authority, clock):
    async with make_authority(policy="nist-aal2") as authority:
        await add_user(authority)
        other, mine = await sign_in(authority), await sign_in(authority)
        clock.advance(minutes=16)
        me = await caller(authority, mine)
        for act in (
            authority.sessions.revoke(other.session.id, by=me),
            authority.sessions.revoke_others(by=me),
            authority.sessions.revoke_all(by=me),
        ):
            with pytest.raises(ReauthenticationRequired) as refused:
                await act
            assert refused.value.fields == {"max_age": 900}
        fresh = await authority.sign_in.reauthenticate(PASSWORD, by=me)
        assert fresh.session.id == mine.session.id
        with pytest.raises(SessionInvalid):
            await authority.verify(mine.token)
        me = await caller(authority, fresh)
        assert (await authority.sessions.revoke_others(by=me)).count == 1


async def test_ending_the_own_session_never_asks(make_authority, clock):
    async with make_authority(policy="nist-aal3") as authority:
        await add_user(authority)
        mine = await sign_in(authority)
        clock.advance(minutes=10)
        me = await caller(authority, mine)
        await authority.sessions.revoke(mine.session.id, by=me)


async def test_minting_is_for_administrators_within_the_policy_and_recorded(authority):
    await add_user(authority, "root", admin=True)
    await add_user(authority)
    admin = await caller(authority, await sign_in(authority, "root"))
    started = await authority.administration.mint("ADA", by=admin, expire_after=timedelta(hours=4, minutes=30))
    assert started.session.issued_by == admin.user.id
    assert started.session.expires_at - started.session.created_at == timedelta(hours=4, minutes=30)
    assert (started.session.kind, started.session.ip) == ("service", None)
    assert (await authority.verify(started.token)).user.username == "ada"
    most = PRESETS["default"].lifetime
    for wrong in (timedelta(0), timedelta(seconds=-1), most + timedelta(seconds=1)):
        with pytest.raises(InvalidRequest):
            await authority.administration.mint("ada", by=admin, expire_after=wrong)
    with pytest.raises(UserNotFound):
        await authority.administration.mint("nobody", by=admin, expire_after=timedelta(hours=1))
    ada = await caller(authority, started)
    with pytest.raises(NotAllowed):
        await authority.administration.mint("root", by=ada, expire_after=timedelta(hours=1))
    assert len(await authority.sessions.list(by=ada)) == 1


async def test_logging_a_user_out_ends_all_of_theirs_and_keeps_earlier_times(authority, clock):
    await add_user(authority, "root", admin=True)
    await add_user(authority)
    first, second = await sign_in(authority), await sign_in(authority)
    await authority.sessions.log_out(by=await caller(authority, first))
    earlier = clock.now
    clock.advance(hours=1)
    root = await sign_in(authority, "root")
    admin = await caller(authority, root)
    listed = await authority.administration.log_out("ada", by=admin)
    assert [(s.id, s.revoked.at, s.revoked.reason) for s in listed] == [
        (s.session.id, at_, why)
        for s, at_, why in sorted(
            [(first, earlier, "logout"), (second, clock.now, "admin")], key=lambda row: row[0].session.id
        )
    ]
    assert await authority.verify(root.token)


async def test_search_pages_by_key_without_gap_or_repeat(authority, clock, operator):
    await add_user(authority)
    started = []
    for number in range(7):
        if number % 3:
            clock.advance(seconds=1)
        started.append((await sign_in(authority)).session)
    for sort in SORTS:
        seen, after = [], None
        while True:
            page = await authority.administration.search(by=operator, sort=sort, after=after, limit=2)
            assert page.count == 7
            seen += page.sessions
            after = page.after
            if after is None:
                break
        key = [(getattr(s, sort.removeprefix("-")), s.id) for s in seen]
        assert key == sorted(key, reverse=sort.startswith("-"))
        assert {s.id for s in seen} == {s.id for s in started}


async def test_status_in_sql_is_the_rule_of_the_core(make_authority, clock, operator):
    async with make_authority(idle_timeout=timedelta(days=40), lifetime=timedelta(days=60)) as authority:
        await add_user(authority)
        for _ in range(12):
            started = await sign_in(authority)
            clock.advance(days=4)
            if started.session.id < "sess_i":
                await authority.sessions.revoke(
                    started.session.id, by=await caller(authority, await sign_in(authority))
                )
        clock.advance(days=3)
        everything = (await authority.administration.search(by=operator, limit=1000)).sessions
        for status in ("active", "stale", "expired", "revoked"):
            page = await authority.administration.search(Selector(status=status), by=operator, limit=1000)
            expected = {s.id for s in everything if s.status(authority.policy, clock.now) == status}
            assert {s.id for s in page.sessions} == expected
            assert page.count == len(expected)
            assert expected or status == "revoked"


async def test_naming_a_device(authority):
    await add_user(authority)
    me = await caller(authority, await sign_in(authority))
    named = await authority.sessions.label(me.session_id, "  Kitchen tablet ", by=me)
    assert named.label == "Kitchen tablet"
    assert (await authority.sessions.label(me.session_id, None, by=me)).label is None
    for wrong in ("x" * 65, "line\nbreak", "\x1b[31mred"):
        with pytest.raises(InvalidRequest):
            await authority.sessions.label(me.session_id, wrong, by=me)


async def test_every_act_leaves_its_event_in_the_same_transaction(authority):
    await add_user(authority)
    first, second = await sign_in(authority), await sign_in(authority)
    me = await caller(authority, second)
    await authority.sessions.renew(first.token, client=at())
    done = await authority.sessions.revoke_others(by=me)
    me = await caller(authority, done.renewed)
    await authority.sessions.log_out(by=me)
    assert await kinds(authority) == [
        "user.added",
        "session.started",
        "session.started",
        "session.renewed",
        "session.revoked",
        "session.renewed",
        "session.revoked",
    ]
    async with authority.database.reading() as db:
        newest = (await events.list_newest(db, limit=1))[0]
    assert (newest.user_id, newest.session_id, newest.by) == (me.user.id, me.session_id, me.user.id)
    assert (newest.ip, newest.user_agent, newest.request_id) == ("203.0.113.7", FIREFOX, "test")
    assert newest.reason == "logout"


async def test_an_agent_is_bounded_and_an_address_is_canonical(authority):
    started = await authority.sessions.start("u", client=at("::ffff:203.0.113.9", "A\0" + "x" * 2000))
    assert started.session.ip == "203.0.113.9"
    assert len(started.session.user_agent) == 512
    assert "\0" not in started.session.user_agent
    assert (await authority.sessions.start("u", client=at("not an address"))).session.ip is None


async def test_the_operator_at_the_database_is_recorded_as_such(authority, operator):
    await add_user(authority)
    started = await authority.administration.mint("ada", by=operator, expire_after=timedelta(hours=1))
    assert started.session.issued_by == "database:tests"
    assert Caller.operator("x").is_admin
    assert Client() == Caller.operator("x").client


async def test_an_argument_that_start_does_not_have_is_not_dropped_in_silence(authority):
    with pytest.raises(TypeError, match="expire_after"):
        await authority.sessions.start("user_1", client=at(), expire_after=timedelta(hours=1))
