"""Random acts of many at once on several nodes, and an oracle that knows what must not come of them.

Held are: what was acknowledged as ended before a question was asked is refused, by every node and for good; what a plan
has suspended is refused until its undoing begins, and accepted once that is acknowledged, if nobody ended it meanwhile;
what nobody has begun to end is accepted; who is accepted has the roles that were given last; and a caller who was
verified and held back changes nothing once their session has ended. While an act is under way, both answers are right.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from ostiary.authority.authority import Authority
from ostiary.authority.race_ledger import Held, Ledger, Outcome
from ostiary.authority.race_plans import LONG, WINDOWS, Applied, Watch, under_way
from ostiary.authority.results import RevokedMany
from ostiary.core.caller import Caller
from ostiary.core.client import seen
from ostiary.core.plan import Newer
from ostiary.core.selector import Selector
from ostiary.errors import OstiaryError, Unauthenticated
from ostiary.storage import throwaway

WEIGHTS: Final = {
    "verify": 600,
    "start": 200,
    "renew": 60,
    "revoke": 80,
    "log_out": 40,
    "revoke_others": 10,
    "revoke_all": 10,
    "disable": 3,
    "change_password": 2,
    "change_roles": 15,
    "sign_in": 4,
    "let_go": 20,
    "held_open": 60,
    "plan": 8,
    "undo": 16,
    "settle": 2,
}
USERS: Final = 6
CHECKING: Final = 0.025  # seconds that a sign-in lasts at the most, as the check of a password takes
MEMBER: Final = ("member",)
HERE: Final = seen("127.0.0.1", "ostiary races")


class Races(Ledger):
    """One run, against a store that others may use at the same time."""

    def __init__(self, nodes: Sequence[Authority], seed: int, by: Caller) -> None:
        """`nodes` are open and share a database; `by` may administer."""
        super().__init__(seed, random.Random(seed))  # noqa: S311 - to be repeated, not to be secret
        self._nodes = nodes
        self._by = by
        self._left = 0
        self._password = secrets.token_urlsafe(16)

    async def run(self, operations: int, workers: int = 8) -> Outcome:
        """So many acts, by so many at once; everything that was made for it is removed at the end."""
        try:
            for _ in range(USERS):
                name = f"races-{secrets.token_hex(6)}"
                self._users.append(await self._node.accounts.add(name, self._password, by=self._by, roles=MEMBER))
            self._left = operations
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work())
        finally:
            for node in self._nodes:
                await node.presence.flush()
            async with self._nodes[0].database.transaction() as db:
                await throwaway.remove(db, [user.id for user in self._users], self._plans)
        return self.outcome

    @property
    def _node(self) -> Authority:
        return self._dice.choice(self._nodes)

    async def _work(self) -> None:
        names, weights = list(WEIGHTS), list(WEIGHTS.values())
        while self._left > 0:
            self._left -= 1
            self.outcome.operations += 1
            (name,) = self._dice.choices(names, weights)
            if not self._held:
                name = "start"
            with contextlib.suppress(OstiaryError):  # not done, or done and not said: what was begun stays in doubt
                await getattr(self, f"_{name}")()

    # Questions.

    async def _verify(self) -> None:
        held = self._dice.choice(self._held)
        was_dead, watch = held.is_dead, Watch.of(held.life)
        user_id = held.life.user.id
        changes, roles = self._changes[user_id], self._roles.get(user_id, MEMBER)
        try:
            found = await self._node.verify(held.token, HERE)
        except Unauthenticated as refusal:
            self.outcome.refused += 1
            if not (held.is_doomed or watch.may_be_refused):
                self._violated(f"{held.life.session_id} was refused ({refusal.code}), and nobody had ended it")
            return
        self.outcome.accepted += 1
        if was_dead or watch.must_be_refused:
            self._violated(f"{held.life.session_id} was accepted after its ending had been acknowledged")
        if roles not in (None, found.user.roles) and changes == self._changes[user_id]:
            self._violated(f"{held.life.session_id} was accepted with roles that had been taken from its user")

    async def _held_open(self) -> None:
        """A request that was read and judged, and whose act comes later: as one whose last byte is held back."""
        held = self._dice.choice(self._held)
        me = await self._node.verify(held.token, HERE)
        await asyncio.sleep(self._dice.random() / 50)
        was_dead, watch = held.is_dead, Watch.of(held.life)
        await self._node.sessions.label(held.life.session_id, "held open", by=me)
        if was_dead or watch.must_be_refused:
            self._violated(f"{held.life.session_id} acted after its ending had been acknowledged")

    # Beginnings.

    async def _start(self) -> None:
        user, node = self._dice.choice(self._users), self._node
        endings, pinned = self._endings[user.id], self._pins_of(user)
        in_doubt = self._unsettled[user.id] > 0
        began = await node.sessions.begin(user.id)
        ended = self._ended[user.id] if not in_doubt and endings == self._endings[user.id] else None
        await asyncio.sleep(self._dice.random() * CHECKING)
        cut_meanwhile = ended is not None and self._ended[user.id] > ended
        started = await self._node.sessions.start(user.id, client=HERE, began=began)
        life = self._new_life(started, user, endings, pinned, in_doubt=in_doubt)
        if cut_meanwhile:
            self._violated(f"{life.session_id} survived an ending of everything that it had begun before")
        self._keep(Held(started.token, life))

    async def _sign_in(self) -> None:
        user, node = self._dice.choice(self._users), self._node
        endings, pinned = self._endings[user.id], self._pins_of(user)
        in_doubt = self._unsettled[user.id] > 0
        _, started = await node.sign_in.with_password(user.username or "", self._password, client=HERE)
        self._keep(Held(started.token, self._new_life(started, user, endings, pinned, in_doubt=in_doubt)))

    async def _renew(self) -> None:
        held = self._dice.choice(self._held)
        held.is_doomed = True
        renewed = await self._node.sessions.renew(held.token, client=HERE)
        if held.is_dead:
            self._violated(f"{held.life.session_id} was renewed twice with one secret")
        held.is_dead = True
        self._keep(Held(renewed.token, held.life))

    # Endings.

    async def _revoke(self) -> None:
        life = self._dice.choice(self._held).life
        life.is_doomed = True
        await self._node.administration.revoke(life.session_id, by=self._by)
        life.is_dead = True

    async def _log_out(self) -> None:
        held = self._dice.choice(self._held)
        me = await self._node.verify(held.token, HERE)
        await asyncio.sleep(self._dice.random() / 50)
        held.life.is_doomed = True
        await self._node.sessions.log_out(by=me)
        if not held.is_doomed:  # else its secret may have been replaced first: then nothing was signed out
            held.life.is_dead = True

    async def _let_go(self) -> None:
        """Its holder signs out by the secret, whether or not it is accepted now."""
        held = self._dice.choice(self._held)
        is_current = not held.is_doomed
        held.life.is_doomed = True
        await self._node.sign_out.of([held.token], at=HERE)
        if is_current and not held.is_doomed:  # else its secret may have been replaced first
            held.life.is_dead = True

    async def _revoke_others(self) -> None:
        node = self._node
        await self._end_others(lambda me: node.sessions.revoke_others(by=me))

    async def _revoke_all(self) -> None:
        held = self._dice.choice(self._held)
        me = await self._node.verify(held.token, HERE)
        node = self._node
        await self._end(held.life.user, lambda: node.sessions.revoke_all(by=me))

    async def _change_password(self) -> None:
        node, password = self._node, self._password
        await self._end_others(lambda me: node.sign_in.change_password(password, password, by=me))

    async def _end_others(self, act: Callable[[Caller], Awaitable[RevokedMany]]) -> None:
        """An ending of everything but the session that asks, which gets a new secret."""
        held = self._dice.choice(self._held)
        me = await self._node.verify(held.token, HERE)
        held.is_doomed = True
        done: list[RevokedMany] = []

        async def end() -> None:
            done.append(await act(me))

        await self._end(held.life.user, end, spare=held.life)
        if held.is_dead:
            self._violated(f"{held.life.session_id} was renewed twice with one secret")
        held.is_dead = True
        if done[0].renewed is not None:
            self._keep(Held(done[0].renewed.token, held.life))

    async def _disable(self) -> None:
        user, node = self._dice.choice(self._users), self._node
        name = user.username or ""
        self._unsettled[user.id] += 1  # until it works again, nobody can tell what becomes of a sign-in
        try:
            await self._end(user, lambda: node.accounts.disable(name, by=self._by))
        finally:
            await self._node.accounts.enable(name, by=self._by)
            self._unsettled[user.id] -= 1

    async def _change_roles(self) -> None:
        user = self._dice.choice(self._users)
        before = self._roles.get(user.id, MEMBER)
        if before is None:  # of two changes at once, nobody could tell which came second
            return
        self._changes[user.id] += 1
        self._roles[user.id] = None
        roles = () if before else MEMBER
        await self._node.accounts.set_roles(user.username or "", roles, by=self._by)
        self._roles[user.id] = roles

    # Plans.

    async def _plan(self) -> None:
        """Pin the sessions of a user, and a moment later suspend them, or end them for good."""
        user, node, undo_for = self._dice.choice(self._users), self._node, self._dice.choice(WINDOWS)
        newer: Newer = self._dice.choice(("leave", "include"))
        certain = {life: life.touched for life in self._lives_of(user) if life.is_plain}
        with self._choosing(user):
            made = await node.plans.make(Selector(user=user.username), by=self._by)
        self._plans.append(made.plan.id)
        lives = [life for life, touched in certain.items() if life.is_plain and life.touched == touched]
        concerned = self._lives_of(user)
        await asyncio.sleep(self._dice.random() / 50)
        node = self._node
        if newer == "include":
            concerned = self._lives_of(user)
        with under_way(concerned), self._choosing(user) if newer == "include" else contextlib.nullcontext():
            await node.plans.apply(made.plan.id, by=self._by, undo_for=undo_for, newer=newer)
        for life in concerned:
            life.is_doomed |= life not in lives  # nobody can tell whether it was pinned
        applied = Applied(made.plan.id, lives)
        if undo_for < LONG:  # nobody undoes it
            for life in lives:
                life.is_doomed = life.is_dead = True
            return
        for life in lives:
            life.suspended_by.add(applied)
        self._applied.append(applied)

    async def _undo(self) -> None:
        if not self._applied:
            return
        applied = self._applied.pop(self._dice.randrange(len(self._applied)))
        for life in applied.lives:
            life.suspended_by.discard(applied)
            life.undone += 1
        with under_way(applied.lives):
            await self._node.plans.undo(applied.plan_id, by=self._by)

    async def _settle(self) -> None:
        await self._node.settling.settle()
