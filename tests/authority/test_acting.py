"""Who acts is looked at where the act is written: every act there is, found by walking, whatever is added later."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ostiary.authority import Authority
from ostiary.authority.acting import act
from ostiary.core.caller import Caller
from ostiary.core.needs import admin, power
from ostiary.errors import (
    Conflict,
    NotAllowed,
    OstiaryError,
    ReauthenticationRequired,
    SessionExpired,
    SessionInvalid,
    SessionRevoked,
    TokenRevoked,
    Unauthenticated,
)
from ostiary.storage.database import in_transaction
from ostiary.storage.schema import metadata
from tests.support.people import PASSWORD, add_user, at, caller, sign_in


def acts(authority: Authority) -> list[tuple[str, Any, Callable[..., Awaitable[Any]]]]:
    """Every act of the authority: its name, what it needs, and a call that hands it nothing but its caller."""
    nouns = [*vars(authority).values(), *vars(authority.oauth).values()]
    found = {}
    for noun in nouns:
        for name, verb in inspect.getmembers(type(noun), inspect.iscoroutinefunction):
            if "needs" in vars(verb):
                wanted = [
                    parameter
                    for parameter in list(inspect.signature(verb).parameters.values())[2:]
                    if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
                ]

                def call(by: Caller, noun: Any = noun, verb: Any = verb, count: int = len(wanted)) -> Awaitable[Any]:
                    done: Awaitable[Any] = verb(noun, *[None] * count, by=by)
                    return done

                found[f"{type(noun).__name__}.{name}"] = (vars(verb)["needs"], call)
    return [(name, *rest) for name, rest in sorted(found.items())]


async def dump(authority: Authority) -> dict[str, list[Any]]:
    async with authority.database.reading() as db:
        return {
            table.name: sorted((tuple(row) for row in await db.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
            if table.name != "leases"
        }


async def ensure_all_refuse(authority: Authority, by: Caller, *errors: type[OstiaryError]) -> None:
    before = await dump(authority)
    for name, _, call in acts(authority):
        with pytest.raises(errors):
            await call(by)
            pytest.fail(f"{name} was done")
    assert await dump(authority) == before


def test_a_verb_with_a_caller_cannot_be_written_without_looking_at_them():
    with pytest.raises(TypeError, match="act"):

        @in_transaction
        async def verb(self: Any, db: Any, *, by: Caller) -> None: ...

    with pytest.raises(TypeError, match="by"):

        @act()
        async def nobodys(self: Any, db: Any) -> None: ...


async def test_there_are_many_acts_and_the_walk_finds_them(authority):
    names = [name for name, *_ in acts(authority)]
    assert len(names) >= 30
    assert {"Accounts.disable", "Plans._step", "Rotation._rotate", "Tokens.create"} <= set(names)


async def test_no_act_of_a_session_that_was_ended_is_done(authority, operator):
    await add_user(authority, "root", admin=True)
    root = await caller(authority, await sign_in(authority, "root"))
    await authority.administration.revoke(root.session_id, by=operator)
    await ensure_all_refuse(authority, root, SessionRevoked)


async def test_no_act_with_a_secret_that_was_replaced_is_done(authority):
    await add_user(authority, "root", admin=True)
    root = await caller(authority, await sign_in(authority, "root"))
    await authority.sign_in.reauthenticate(PASSWORD, by=root)
    await ensure_all_refuse(authority, root, SessionInvalid)


async def test_no_act_of_a_session_that_expired_meanwhile_is_done(authority, clock):
    await add_user(authority, "root", admin=True)
    root = await caller(authority, await sign_in(authority, "root"))
    clock.advance(days=61)
    await ensure_all_refuse(authority, root, SessionExpired, ReauthenticationRequired)


async def test_no_act_of_a_user_who_was_disabled_or_deleted_is_done(authority, operator):
    for name, end in (("root", authority.accounts.disable), ("gone", authority.accounts.delete)):
        await add_user(authority, name, admin=True)
        await add_user(authority, f"other-{name}", admin=True)
        started = await sign_in(authority, name)
        root = await caller(authority, started)
        minted = await authority.tokens.create(by=root, scopes=["admin", "tokens:manage", "sessions:revoke"])
        script = await authority.verify(minted.secret, at())
        await end(name, by=operator)
        await ensure_all_refuse(authority, root, SessionRevoked)
        await ensure_all_refuse(authority, script, Unauthenticated, NotAllowed)


async def test_no_act_of_a_cli_token_that_was_revoked_is_done(authority):
    await add_user(authority, "root", admin=True)
    root = await caller(authority, await sign_in(authority, "root"))
    minted = await authority.tokens.create(by=root, scopes=["admin", "tokens:manage", "sessions:revoke"])
    script = await authority.verify(minted.secret, at())
    await authority.tokens.revoke(minted.token.id, by=root)
    await ensure_all_refuse(authority, script, TokenRevoked, NotAllowed)


async def test_no_act_of_an_administrator_who_was_demoted_is_done(authority, operator):
    await add_user(authority, "root", admin=True)
    await add_user(authority, "other", admin=True)
    root = await caller(authority, await sign_in(authority, "root"))
    await authority.accounts.set_roles("root", ["member"], by=operator)
    before = await dump(authority)
    for name, needs, call in acts(authority):
        if admin in needs:
            with pytest.raises(NotAllowed):
                await call(root)
                pytest.fail(f"{name} was done")
    assert await dump(authority) == before


async def test_every_act_of_an_administrator_that_is_not_mere_looking_asks_for_a_fresh_sign_in(authority):
    # What goes on with an act that asked, or takes nothing from anybody.
    plans = {f"Plans.{step}" for step in ("_add", "_pin", "_complete", "_step", "_end_expired", "_step_back")}
    without = plans | {"Retention._record"}
    for name, needs, _ in acts(authority):
        if admin in needs and name not in without:
            assert power in needs, name


async def test_no_act_of_power_is_done_with_a_sign_in_that_is_old(authority, clock):
    await add_user(authority, "root", admin=True)
    root = await caller(authority, await sign_in(authority, "root"))
    clock.advance(minutes=15, seconds=1)
    before = await dump(authority)
    for name, needs, call in acts(authority):
        if power in needs:
            with pytest.raises(ReauthenticationRequired):
                await call(root)
                pytest.fail(f"{name} was done")
    assert await dump(authority) == before


async def test_nobody_proved_anything_in_a_session_that_an_administrator_made(authority, operator):
    await add_user(authority, "root", admin=True)
    minted = await authority.administration.mint("root", by=operator, expire_after=timedelta(hours=1))
    root = await authority.verify(minted.token, at())
    for _, needs, call in acts(authority):
        if power in needs:
            with pytest.raises(ReauthenticationRequired):
                await call(root)
    with pytest.raises(NotAllowed):
        await authority.sign_in.reauthenticate(PASSWORD, by=root)


async def test_an_act_waits_for_an_ending_that_is_being_written_and_is_refused(authority, make_authority, operator):
    """The caller is live when the act begins, and ended before it can write: it waits for their row, and looks."""
    await add_user(authority, "root", admin=True)
    async with make_authority() as other:
        for _, _, call in acts(other):
            started = await sign_in(authority, "root")
            root = await caller(authority, started)
            async with authority.database.transaction() as db:
                await authority.administration._own.revoke_within(db, root.session_id, None, operator, "admin")
                waiting = asyncio.ensure_future(call(root))
                await asyncio.wait([waiting], timeout=0.05)
            with pytest.raises(Unauthenticated):
                await waiting


async def test_of_two_administrators_who_remove_each_other_one_is_left(authority, make_authority, operator):
    async def demote(node: Authority, name: str, by: Caller) -> Any:
        return await node.accounts.set_roles(name, ["member"], by=by)

    async def disable(node: Authority, name: str, by: Caller) -> Any:
        return await node.accounts.disable(name, by=by)

    async def delete(node: Authority, name: str, by: Caller) -> Any:
        return await node.accounts.delete(name, by=by)

    async def erase(node: Authority, name: str, by: Caller) -> Any:
        return await node.privacy.erase(name, by=by)

    async with make_authority() as other:
        for number, remove in enumerate((demote, disable, delete, erase)):
            names = [f"a{number}", f"b{number}"]
            for name in names:
                await add_user(authority, name, admin=True)
            by = [await caller(authority, await sign_in(authority, name)) for name in names]
            results = await asyncio.gather(
                remove(authority, names[1], by[0]), remove(other, names[0], by[1]), return_exceptions=True
            )
            refused = [result for result in results if isinstance(result, BaseException)]
            assert len(refused) == 1, (remove.__name__, results)
            assert isinstance(refused[0], Unauthenticated | NotAllowed | Conflict)


async def test_of_two_operators_who_remove_the_last_two_administrators_one_is_refused(
    authority, make_authority, operator
):
    """Neither has a row that the other would wait for: only their turn keeps them apart."""
    names = ["ada", "eve"]
    for name in names:
        await add_user(authority, name, admin=True)
    async with make_authority() as other:
        for _ in range(5):
            removing = (authority.accounts.disable("ada", by=operator), other.accounts.disable("eve", by=operator))
            results = await asyncio.gather(*removing, return_exceptions=True)
            assert [type(one) for one in results if isinstance(one, BaseException)] == [Conflict], results
            for name in names:
                await authority.accounts.enable(name, by=operator)
