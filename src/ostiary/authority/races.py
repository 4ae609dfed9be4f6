"""Random acts of many at once on several nodes, and an oracle that knows what must not come of them.

Three things are held: what was acknowledged as ended before a question was asked is refused, by every node; what
nobody has begun to end is accepted; and who is accepted has the roles that were given last. In between, while an ending
or a change is under way, both answers are right.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ostiary.authority.authority import Authority
from ostiary.authority.results import RevokedMany
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import seen
from ostiary.errors import OstiaryError, Unauthenticated
from ostiary.storage import throwaway

WEIGHTS: Final = {
    "verify": 600,
    "start": 150,
    "renew": 60,
    "revoke": 80,
    "log_out": 40,
    "revoke_others": 10,
    "revoke_all": 10,
    "disable": 3,
    "change_password": 2,
    "change_roles": 15,
}
USERS: Final = 6
KEPT: Final = 300  # credentials that are asked about, ended ones too
MEMBER: Final = ("member",)
HERE: Final = seen("127.0.0.1", "ostiary races")


@dataclass(eq=False)
class Life:
    """A session. `is_doomed` once an ending of it has begun, `is_dead` once one was acknowledged."""

    session_id: str
    user: User
    is_doomed: bool = False
    is_dead: bool = False


@dataclass(eq=False)
class Held:
    """A token of a session, which a renewal replaces."""

    token: str
    life: Life
    is_doomed: bool = False
    is_dead: bool = False


@dataclass
class Outcome:
    """What came of it. `violations` says what was seen that must not be."""

    seed: int
    operations: int = 0
    accepted: int = 0
    refused: int = 0
    violations: list[str] = field(default_factory=list)


class Races:
    """One run, against a store that others may use at the same time."""

    def __init__(self, nodes: Sequence[Authority], seed: int, by: Caller) -> None:
        """`nodes` are open and share a database; `by` may administer."""
        self._nodes = nodes
        self._by = by
        self._dice = random.Random(seed)  # noqa: S311  # to be repeated, not to be secret
        self._users: list[User] = []
        self._held: list[Held] = []
        self._lives: list[Life] = []
        self._endings: defaultdict[str, int] = defaultdict(int)  # of everything of a user, begun
        self._ended: defaultdict[str, int] = defaultdict(int)  # the same, acknowledged
        self._unsettled: defaultdict[str, int] = defaultdict(int)  # the same, under way
        self._changes: defaultdict[str, int] = defaultdict(int)  # of roles of a user, begun
        self._roles: dict[str, tuple[str, ...] | None] = {}  # of a user; None while a change is under way, or in doubt
        self._left = 0
        self._password = secrets.token_urlsafe(16)
        self.outcome = Outcome(seed)

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
                await throwaway.remove(db, [user.id for user in self._users])
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
        was_dead = held.is_dead or held.life.is_dead
        user_id = held.life.user.id
        changes, roles = self._changes[user_id], self._roles.get(user_id, MEMBER)
        try:
            found = await self._node.verify(held.token, HERE)
        except Unauthenticated as refusal:
            self.outcome.refused += 1
            if not (held.is_doomed or held.life.is_doomed):
                self._violated(f"{held.life.session_id} was refused ({refusal.code}), and nobody had ended it")
            return
        self.outcome.accepted += 1
        if was_dead:
            self._violated(f"{held.life.session_id} was accepted after its ending had been acknowledged")
        if roles not in (None, found.user.roles) and changes == self._changes[user_id]:
            self._violated(f"{held.life.session_id} was accepted with roles that had been taken from its user")

    # Beginnings.

    async def _start(self) -> None:
        user, node = self._dice.choice(self._users), self._node
        endings = self._endings[user.id]
        in_doubt = self._unsettled[user.id] > 0
        began = await node.sessions.begin(user.id)
        ended = self._ended[user.id] if not in_doubt and endings == self._endings[user.id] else None
        await asyncio.sleep(self._dice.random() / 200)  # as the check of a password takes
        cut_meanwhile = ended is not None and self._ended[user.id] > ended
        started = await self._node.sessions.start(user.id, client=HERE, began=began)
        life = Life(started.session.id, user)
        life.is_doomed = in_doubt or endings != self._endings[user.id] or self._unsettled[user.id] > 0
        if cut_meanwhile:
            self._violated(f"{life.session_id} survived an ending of everything that it had begun before")
        self._keep(Held(started.token, life))

    async def _renew(self) -> None:
        held = self._dice.choice(self._held)
        held.is_doomed = True
        renewed = await self._node.sessions.renew(held.token, client=HERE)
        if held.is_dead:
            self._violated(f"{held.life.session_id} was renewed twice with one secret")
        held.is_dead = True
        self._keep(Held(renewed.token, held.life))

    def _keep(self, held: Held) -> None:
        self._held.append(held)
        if held.life not in self._lives[-KEPT:]:
            self._lives.append(held.life)
        if len(self._held) > KEPT:
            self._held.pop(self._dice.randrange(KEPT // 2))
        del self._lives[: -4 * KEPT]

    # Endings.

    async def _revoke(self) -> None:
        life = self._dice.choice(self._held).life
        life.is_doomed = True
        await self._node.administration.revoke(life.session_id, by=self._by)
        life.is_dead = True

    async def _log_out(self) -> None:
        held = self._dice.choice(self._held)
        me = await self._node.verify(held.token, HERE)
        held.life.is_doomed = True
        await self._node.sessions.log_out(by=me)
        if not held.is_doomed:  # else its secret may have been replaced first: then nothing was signed out
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

        await self._end(held.life.user, end, but=held.life)
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

    async def _end(self, user: User, act: Callable[[], Awaitable[object]], but: Life | None = None) -> None:
        """An ending of everything of a user: what is there now is dead when it is acknowledged."""
        self._endings[user.id] += 1
        self._unsettled[user.id] += 1
        lives = [life for life in self._lives if life.user is user and life is not but]
        for life in lives:
            life.is_doomed = True
        try:
            await act()
            for life in lives:
                life.is_dead = True
            self._ended[user.id] += 1
        finally:
            self._unsettled[user.id] -= 1

    def _violated(self, what: str) -> None:
        self.outcome.violations.append(f"operation {self.outcome.operations}: {what}")
