"""The directory of people: what an administrator does to an account, and what ends with it."""

from __future__ import annotations

import asyncio

import pytest

from ostiary.errors import (
    Conflict,
    InvalidRequest,
    NotAllowed,
    SessionInvalid,
    SessionRevoked,
    UserNotFound,
    WrongCredentials,
)
from tests.support.people import PASSWORD, add_user, at, caller, sign_in


async def test_names_differ_by_more_than_case(authority):
    await add_user(authority, "Ada")
    with pytest.raises(Conflict):
        await add_user(authority, "aDA")


async def test_of_two_who_take_a_name_at_once_one_gets_it(authority):
    done = await asyncio.gather(*(add_user(authority) for _ in range(4)), return_exceptions=True)
    assert sum(1 for one in done if isinstance(one, Conflict)) == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "a" * 65}, "username"),
        ({"username": "new\nline"}, "username"),
        ({"username": "\x1b[31mred"}, "username"),
        ({"username": "a/b"}, "username"),
        ({"username": "\u202eada"}, "username"),
        ({"password": "short"}, "password"),
        ({"email": "not an address"}, "email"),
        ({"email": "a@b\x1b[0m"}, "email"),
        ({"roles": ["root"]}, "roles"),
    ],
)
async def test_what_cannot_be_is_refused_by_field_and_nothing_is_written(authority, operator, change, field):
    given = {"username": "ada", "password": PASSWORD, "email": None, "roles": ["member"]} | change
    with pytest.raises(InvalidRequest) as refused:
        await authority.accounts.add(
            given["username"], given["password"], by=operator, email=given["email"], roles=given["roles"]
        )
    assert refused.value.fields["field"] == field
    assert (await authority.accounts.list(by=operator))[0] == []


async def test_only_administrators_see_and_change_people(authority):
    await add_user(authority)
    ada = await caller(authority, await sign_in(authority))
    accounts = authority.accounts
    for act in (
        accounts.add("eve", PASSWORD, by=ada),
        accounts.find("ada", by=ada),
        accounts.list(by=ada),
        accounts.disable("ada", by=ada),
        accounts.enable("ada", by=ada),
        accounts.delete("ada", by=ada),
        accounts.set_password("ada", "another long password", by=ada),
        accounts.set_roles("ada", ["admin"], by=ada),
        authority.administration.search(by=ada),
        authority.administration.log_out("ada", by=ada),
        authority.administration.revoke(ada.session_id, by=ada),
    ):
        with pytest.raises(NotAllowed):
            await act
    assert await sign_in(authority)


@pytest.mark.parametrize("act", ["disable", "delete"])
async def test_disabling_or_deleting_ends_everything_of_that_user_only(authority, operator, act):
    await add_user(authority)
    await add_user(authority, "eve")
    started, eves = await sign_in(authority), await sign_in(authority, "eve")
    token = await authority.tokens.create(by=await caller(authority, started))
    done = await getattr(authority.accounts, act)("ada", by=operator)
    assert (done.count, done.tokens) == (1, 1)
    with pytest.raises(SessionRevoked) as refused:
        await authority.verify(started.token)
    assert refused.value.fields["reason"] == "account_disabled"
    with pytest.raises((SessionInvalid, Exception)):
        await authority.verify(token.secret)
    with pytest.raises(WrongCredentials):
        await sign_in(authority)
    assert await authority.verify(eves.token)


async def test_what_was_ended_stays_ended_when_the_account_is_enabled_again(authority, operator):
    await add_user(authority)
    started = await sign_in(authority)
    await authority.accounts.disable("ada", by=operator)
    await authority.accounts.enable("ada", by=operator)
    with pytest.raises(SessionRevoked):
        await authority.verify(started.token)
    assert await sign_in(authority)


async def test_a_deleted_name_can_be_taken_again_by_somebody_else(authority, operator):
    old = await add_user(authority)
    started = await sign_in(authority)
    await authority.accounts.delete("ada", by=operator)
    new = await add_user(authority)
    assert new.id != old.id
    with pytest.raises(SessionRevoked):
        await authority.verify(started.token)
    history = (await authority.administration.search(by=operator)).sessions
    assert [session.user_id for session in history] == [old.id]


@pytest.mark.parametrize("act", ["disable", "delete", "demote"])
async def test_the_last_administrator_cannot_lock_the_house(authority, operator, act):
    await add_user(authority, "root", admin=True)
    root = await sign_in(authority, "root")
    acts = {
        "disable": lambda: authority.accounts.disable("root", by=operator),
        "delete": lambda: authority.accounts.delete("root", by=operator),
        "demote": lambda: authority.accounts.set_roles("root", ["member"], by=operator),
    }
    with pytest.raises(Conflict):
        await acts[act]()
    assert (await authority.verify(root.token)).is_admin
    await add_user(authority, "second", admin=True)
    await acts[act]()


async def test_a_role_that_was_taken_is_gone_at_the_next_request(authority, operator):
    await add_user(authority, "root", admin=True)
    await add_user(authority, "second", admin=True)
    started = await sign_in(authority, "root")
    await authority.accounts.set_roles("root", ["member"], by=operator)
    assert not (await authority.verify(started.token)).is_admin


async def test_a_password_set_by_an_administrator_ends_every_session(authority, operator):
    await add_user(authority)
    started = await sign_in(authority)
    done = await authority.accounts.set_password("ada", "given by the operator", by=operator)
    assert done.count == 1
    with pytest.raises(SessionRevoked):
        await authority.verify(started.token)
    assert await authority.sign_in.with_password("ada", "given by the operator", client=at())


async def test_people_are_listed_by_name_page_by_page(authority, operator):
    for name in ("Carl", "ada", "Bob"):
        await add_user(authority, name)
    page, after = await authority.accounts.list(by=operator, limit=2)
    assert ([user.username for user in page], after) == (["ada", "Bob"], "Bob")
    page, after = await authority.accounts.list(by=operator, after=after, limit=2)
    assert ([user.username for user in page], after) == (["Carl"], None)
    with pytest.raises(UserNotFound, match='user "nobody" does not exist'):
        await authority.accounts.find("nobody", by=operator)
