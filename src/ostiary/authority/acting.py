"""Who acts is looked at where the act is written (rule 2): what was true at the head of a request is no permission.

A verb that changes something for a caller is written with `@act`. It says what it needs, and runs in one transaction
that first takes the caller's row and reads it anew: the session or CLI token must live, hold the secret that was
presented, and have the roles and scopes of now. Until the transaction ends, nobody can end, renew or demote the
caller; whoever does waits, and is acknowledged after it.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar

from ostiary.core.caller import Caller
from ostiary.core.needs import Need
from ostiary.core.policy import Policy
from ostiary.errors import NotAllowed, SessionInvalid
from ostiary.storage import callers, leases
from ostiary.storage.database import Connection, Database, repeated


@dataclass(frozen=True, slots=True)
class Acting:
    """What acts are judged by, the same for every noun of an `Authority`."""

    database: Database
    policy: Policy
    clock: Callable[[], datetime]

    def ensure(self, by: Caller, *needs: Need) -> None:
        """Return if the caller has what an act needs, as far as they were read.

        For acts that do costly work before their transaction; the act itself asks again inside it.

        Raises:
            NotAllowed: not the role, the scope or the kind of credential.
            ReauthenticationRequired: the sign-in is too old (ASVS 5.0 7.5.1, 7.5.3).
        """
        now = self.clock()
        for need in needs:
            need(by, self.policy, now)

    async def caller_of_now(self, db: Connection, by: Caller, *, with_user: bool = False) -> Caller:
        """The same caller as their row says now, held until the transaction ends; with their user's, if wanted.

        Whoever has no credential acts inside this process (an operator at the database, a rule, an application that
        embeds us) and is taken as they are.

        Raises:
            Unauthenticated: the credential ended, or its secret was replaced; which of its kinds says how.
            NotAllowed: an OAuth client that proved itself by its own credentials: it has no row that could be held.
        """
        now = self.clock()
        if by.session is not None:
            found = await callers.hold_session(db, by.session.id, by.user.id, with_user=with_user)
            if found is None:
                raise SessionInvalid
            return by.again(found.user, found.secret_hash, now, self.policy, session=found.session)
        if by.token is not None:
            held = await callers.hold_token(db, by.token.id, by.user.id, with_user=with_user)
            if held is None:
                raise SessionInvalid
            return by.again(held.user, held.secret_hash, now, self.policy, token=held.token)
        if by.granted is not None:
            raise NotAllowed("this needs a session: an OAuth client cannot do it by its own credentials")
        return by


class Acts:
    """Acts that belong together: one noun of an `Authority`."""

    def __init__(self, acting: Acting) -> None:
        """Part of an `Authority`."""
        self.acting = acting
        self.database = acting.database
        self.policy = acting.policy
        self._clock = acting.clock


S = TypeVar("S", bound=Acts)
P = ParamSpec("P")
R = TypeVar("R")


def act(
    *needs: Need, with_user: bool = False, turn: str | None = None
) -> Callable[
    [Callable[Concatenate[S, Connection, P], Awaitable[R]]], Callable[Concatenate[S, P], Coroutine[Any, Any, R]]
]:
    """Run a verb as one act of its caller: in one transaction, repeated whole when the database says so.

    The verb is written with `db` as its first argument and called without. Its keyword `by` is the caller, which the
    verb gets as read inside the transaction.

    Args:
        needs: what the caller must have, judged by the row of now; before that, so that nobody waits in vain.
        with_user: the verb takes the row of the caller's user (`storage.subjects`), as what begins a session or CLI
            token, or ends several, does: it is taken together with the caller's, in the order that all keep.
        turn: the name of a lease, for acts that must not run side by side whoever does them: the next one waits until
            this one has committed, and judges its caller after that.

    Raises:
        TypeError: the verb has no keyword `by`: then there is nobody to look at.
    """

    def wrap(
        verb: Callable[Concatenate[S, Connection, P], Awaitable[R]],
    ) -> Callable[Concatenate[S, P], Coroutine[Any, Any, R]]:
        parameter = inspect.signature(verb).parameters.get("by")
        if parameter is None or parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise TypeError(f"{verb.__qualname__} needs the keyword `by`")

        async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            acting, by = self.acting, kwargs["by"]
            assert isinstance(by, Caller)  # noqa: S101 - P cannot say so
            acting.ensure(by, *needs)

            async def once(db: Connection) -> R:
                if turn is not None:
                    await leases.lock(db, turn)
                now = await acting.caller_of_now(db, by, with_user=with_user)
                acting.ensure(now, *needs)
                kwargs["by"] = now
                return await verb(self, db, *args, **kwargs)

            return await repeated(acting.database, once)

        update_wrapper(run, verb)
        vars(run)["needs"] = needs  # for whoever wants to know of all acts
        return run

    return wrap
