"""Callers with a credential of each kind, and what happens to them while their request is under way."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from ostiary.authority import Authority
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.reach import SCOPES
from ostiary.core.selector import Selector
from ostiary.core.token import new_id
from tests.http.visitors import hashed
from tests.support.people import PASSWORD, at

OPERATOR = Caller.operator("tests")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Who:
    """Somebody who asks. `caller` is as it was when they began; `token_id` is there if they hold a CLI token."""

    user: User
    caller: Caller
    secret: str

    @property
    def username(self) -> str:
        return self.user.username or ""


async def new_user(authority: Authority, *roles: str) -> User:
    name = f"person{next(_numbers)}"
    user = User(new_id("user"), name, f"{name}@example.org", roles or ("member",), authority.clock())
    async with authority.database.transaction() as db:
        await authority.accounts.add_within(db, user, hashed(), OPERATOR)
    return user


async def with_session(authority: Authority, user: User | None = None) -> Who:
    """A session of an administrator, who has just signed in."""
    user = user or await new_user(authority, "admin", "member")
    started = await authority.sessions.start(user.id, client=at(), amr=("pwd",))
    return Who(user, await authority.verify(started.token, at()), started.token)


async def with_cli_token(authority: Authority) -> Who:
    """A CLI token of an administrator, with every scope that there is."""
    holder = await with_session(authority)
    made = await authority.tokens.create(by=holder.caller, scopes=list(SCOPES))
    return Who(holder.user, await authority.verify(made.secret, at()), made.secret)


async def _ended(authority: Authority, who: Who) -> None:
    assert who.caller.session is not None
    await authority.administration.revoke(who.caller.session.id, by=OPERATOR)


async def _signed_out(authority: Authority, who: Who) -> None:
    await authority.sessions.log_out(by=who.caller)


async def _ended_everywhere(authority: Authority, who: Who) -> None:
    elsewhere = await with_session(authority, who.user)
    await authority.sessions.revoke_all(by=elsewhere.caller, tokens=True)


async def _suspended(authority: Authority, who: Who) -> None:
    made = await authority.plans.make(Selector(user=who.username), by=OPERATOR)
    await authority.plans.apply(made.plan.id, by=OPERATOR, undo_for=timedelta(minutes=10))


async def _renewed(authority: Authority, who: Who) -> None:
    await authority.sign_in.reauthenticate(PASSWORD, by=who.caller)


async def _disabled(authority: Authority, who: Who) -> None:
    await authority.accounts.disable(who.username, by=OPERATOR)


async def _removed(authority: Authority, who: Who) -> None:
    await authority.accounts.delete(who.username, by=OPERATOR)


async def _given_a_new_password(authority: Authority, who: Who) -> None:
    await authority.accounts.set_password(who.username, "another long password", by=OPERATOR)


async def _demoted(authority: Authority, who: Who) -> None:
    await authority.accounts.set_roles(who.username, ["member"], by=OPERATOR)


async def _token_revoked(authority: Authority, who: Who) -> None:
    assert who.caller.token is not None
    elsewhere = await with_session(authority, who.user)
    await authority.tokens.revoke(who.caller.token.id, by=elsewhere.caller)


async def _token_rotated(authority: Authority, who: Who) -> None:
    assert who.caller.token is not None
    elsewhere = await with_session(authority, who.user)
    await authority.tokens.rotate(who.caller.token.id, by=elsewhere.caller)


Happens = Callable[[Authority, Who], Awaitable[None]]
SUSPENDED = "suspended"
TO_ANYBODY: dict[str, Happens] = {
    "disabled": _disabled,
    "removed": _removed,
    "demoted": _demoted,
    "ended everywhere": _ended_everywhere,
}
TO_A_SESSION: dict[str, Happens] = {
    "ended": _ended,
    "signed out": _signed_out,
    SUSPENDED: _suspended,
    "renewed": _renewed,
    "given a new password": _given_a_new_password,
} | TO_ANYBODY
TO_A_TOKEN: dict[str, Happens] = {"revoked": _token_revoked, "rotated": _token_rotated} | TO_ANYBODY
DEMOTED = "demoted"  # which only takes away what an administrator may
