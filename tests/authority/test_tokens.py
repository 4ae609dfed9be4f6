"""CLI tokens: a lifecycle of their own, and never more than their maker had."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ostiary.errors import InvalidRequest, NotAllowed, SessionInvalid, TokenExpired, TokenNotFound, TokenRevoked
from tests.support.people import add_user, at, caller, sign_in


@pytest.fixture
async def ada(authority):
    await add_user(authority)
    return await caller(authority, await sign_in(authority))


async def test_a_token_acts_for_its_user_and_says_that_it_is_a_token(authority, ada):
    minted = await authority.tokens.create(by=ada, name="  build server ")
    assert minted.token.name == "build server"
    who = await authority.verify(minted.secret, at())
    assert (who.user.id, who.session, who.token.id) == (ada.user.id, None, minted.token.id)
    assert who.name == minted.token.id
    assert minted.secret not in repr(minted)
    assert minted.token.session_id == ada.session_id


async def test_ending_the_session_leaves_the_token_alone(authority, ada):
    minted = await authority.tokens.create(by=ada)
    done = await authority.sessions.revoke(ada.session_id, by=ada)
    assert done.live_tokens == 1
    assert await authority.verify(minted.secret)


async def test_a_revoked_token_says_so_to_its_holder_only(authority, ada, clock):
    minted = await authority.tokens.create(by=ada)
    first = clock.now
    await authority.tokens.revoke(minted.token.id, by=ada)
    clock.advance(hours=1)
    assert (await authority.tokens.revoke(minted.token.id, by=ada)).revoked_at == first
    with pytest.raises(TokenRevoked):
        await authority.verify(minted.secret)
    with pytest.raises(SessionInvalid):
        await authority.verify(f"{minted.token.id}.{'A' * 43}")


async def test_a_token_expires_at_its_time_not_before(authority, ada, clock):
    minted = await authority.tokens.create(by=ada, expires_in=timedelta(hours=1))
    clock.advance(minutes=59, seconds=59)
    await authority.verify(minted.secret)
    clock.advance(seconds=1)
    with pytest.raises(TokenExpired):
        await authority.verify(minted.secret)


@pytest.mark.parametrize("span", [timedelta(0), timedelta(seconds=-1)])
async def test_an_expiry_that_is_not_positive_is_refused(authority, ada, span):
    with pytest.raises(InvalidRequest):
        await authority.tokens.create(by=ada, expires_in=span)
    assert await authority.tokens.list(by=ada) == []


async def test_admin_is_given_only_on_purpose_and_only_by_one_who_has_it(authority, ada):
    with pytest.raises(NotAllowed):
        await authority.tokens.create(by=ada, scopes=["admin"])
    await add_user(authority, "root", admin=True)
    root = await caller(authority, await sign_in(authority, "root"))
    plain = await authority.verify((await authority.tokens.create(by=root)).secret)
    assert not plain.is_admin
    powerful = await authority.verify((await authority.tokens.create(by=root, scopes=["admin"])).secret)
    assert powerful.is_admin


async def test_a_token_never_makes_one_that_exceeds_it(authority, ada, clock):
    minted = await authority.tokens.create(
        by=ada, scopes=["tokens:manage", "sessions:read"], expires_in=timedelta(hours=2)
    )
    narrow = await authority.verify(minted.secret)
    with pytest.raises(NotAllowed):
        await authority.tokens.create(by=narrow, scopes=["sessions:revoke"])
    with pytest.raises(NotAllowed):
        await authority.tokens.create(by=narrow, expires_in=timedelta(hours=2, seconds=1))
    clock.advance(hours=1)
    child = await authority.tokens.create(by=narrow)
    assert child.token.expires_at == minted.token.expires_at
    assert set(child.token.scopes) == {"tokens:manage", "sessions:read"}


async def test_rotating_is_no_way_around_that(authority, ada):
    strong = await authority.tokens.create(by=ada)
    weak = await authority.tokens.create(by=ada, scopes=["tokens:manage"], expires_in=timedelta(hours=1))
    with pytest.raises(NotAllowed):
        await authority.tokens.rotate(strong.token.id, by=await authority.verify(weak.secret))
    assert await authority.verify(strong.secret)


async def test_rotation_keeps_the_id_and_refuses_the_old_secret(authority, ada):
    old = await authority.tokens.create(by=ada, name="ci")
    new = await authority.tokens.rotate(old.token.id, by=ada)
    assert (new.token.id, new.token.name) == (old.token.id, "ci")
    with pytest.raises(SessionInvalid):
        await authority.verify(old.secret)
    assert await authority.verify(new.secret)


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [("sessions:read", {"list"}), ("sessions:revoke", {"revoke"}), ("tokens:manage", {"tokens"})],
)
async def test_scopes_cover_what_they_say_and_no_more(authority, ada, scope, allowed):
    token = await authority.verify((await authority.tokens.create(by=ada, scopes=[scope])).secret)
    acts = {
        "list": lambda: authority.sessions.list(by=token),
        "revoke": lambda: authority.sessions.revoke_others(by=token),
        "tokens": lambda: authority.tokens.list(by=token),
    }
    for name, act in acts.items():
        if name in allowed:
            await act()
        else:
            with pytest.raises(NotAllowed):
                await act()


@pytest.mark.parametrize("scopes", [[], ["everything"], ["sessions:read", ""]])
async def test_a_scope_list_that_makes_no_sense_is_refused(authority, ada, scopes):
    with pytest.raises(InvalidRequest):
        await authority.tokens.create(by=ada, scopes=scopes)


async def test_a_foreign_token_is_as_missing_as_none(authority, ada):
    minted = await authority.tokens.create(by=ada)
    await add_user(authority, "eve")
    eve = await caller(authority, await sign_in(authority, "eve"))
    for token_id in (minted.token.id, "ost_" + "a" * 26):
        for act in (authority.tokens.revoke, authority.tokens.rotate):
            with pytest.raises(TokenNotFound):
                await act(token_id, by=eve)
    assert await authority.verify(minted.secret)


async def test_a_token_of_a_disabled_user_is_refused_and_stays_so(authority, ada, operator):
    minted = await authority.tokens.create(by=ada)
    await authority.accounts.disable("ada", by=operator)
    await authority.accounts.enable("ada", by=operator)
    with pytest.raises(TokenRevoked):
        await authority.verify(minted.secret)


async def test_use_is_recorded(authority, ada, clock):
    minted = await authority.tokens.create(by=ada)
    clock.advance(minutes=3)
    await authority.verify(minted.secret, at())
    await authority.presence.flush()
    assert (await authority.tokens.list(by=ada))[0].last_used_at == clock.now


async def test_a_name_is_bounded_and_printable(authority, ada):
    for name in ("x" * 65, "two\nlines", "\x1b[2J"):
        with pytest.raises(InvalidRequest):
            await authority.tokens.create(by=ada, name=name)
